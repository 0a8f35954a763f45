/**
 * The bytes of a typed array, a DataView, an ArrayBuffer or a SharedArrayBuffer, not copied; undefined for anything else. They may
 * be of another realm (a frame of a page, `node:vm`, a test runner), whose classes are not this realm's.
 * @throws TypeError if the memory was transferred to another thread. A view of it would look empty.
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

/** Asks the engine, which knows the class of whatever realm. A prototype, or a name, could be feigned. */
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

/** What kind of value it is, for the error about a value that cannot be sent. */
export function kindOf(data: unknown): string {
  return data === null ? 'null' : typeof data;
}
