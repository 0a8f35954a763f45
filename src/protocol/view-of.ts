/**
 * The bytes of a typed array, a DataView, an ArrayBuffer or a SharedArrayBuffer, not copied; undefined for anything else. They may
 * be of another realm (a frame of a page, `node:vm`, a test runner), whose classes are not this realm's.
 * @throws TypeError if the memory was transferred elsewhere, which leaves what would look empty.
 */
export function viewOf(data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array) {
    if (data.length === 0) void new Uint8Array(data.buffer); // throws
    return data;
  }
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return isAnyArrayBuffer(data) ? new Uint8Array(data) : undefined;
}

/** `byteLength` of ArrayBuffer and, where there is one, of SharedArrayBuffer. Each throws for whatever is not of its class. */
const BYTE_LENGTHS = [ArrayBuffer, ...(typeof SharedArrayBuffer === 'undefined' ? [] : [SharedArrayBuffer])].map(
  ({ prototype }) => Object.getOwnPropertyDescriptor(prototype, 'byteLength')?.get as () => number,
);

/** By what the engine knows of the value, of whatever realm its class is: a prototype and a name can be feigned. */
function isAnyArrayBuffer(data: unknown): data is ArrayBuffer | SharedArrayBuffer {
  return BYTE_LENGTHS.some((byteLength) => {
    try {
      byteLength.call(data);
      return true;
    } catch {
      return false; // it is of another class
    }
  });
}

/** What a value is, for an error about one that cannot be sent. */
export function kindOf(data: unknown): string {
  return data === null ? 'null' : typeof data;
}
