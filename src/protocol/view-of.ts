/**
 * The bytes of a typed array, a DataView, an ArrayBuffer or a SharedArrayBuffer, not copied; undefined for anything else, and for
 * memory that was transferred elsewhere. They may be of another realm (a frame of a page, `node:vm`, a test runner), whose classes
 * are not this realm's.
 */
export function viewOf(data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array && data.length > 0) return data;
  const memory = memoryOf(data);
  if (memory === undefined || isTransferred(memory)) return undefined;
  return ArrayBuffer.isView(data) ? new Uint8Array(memory, data.byteOffset, data.byteLength) : new Uint8Array(memory);
}

/** The memory of a view, or what is itself memory; undefined for anything else. */
function memoryOf(data: unknown): ArrayBufferLike | undefined {
  if (ArrayBuffer.isView(data)) return data.buffer;
  return isAnyArrayBuffer(data) ? data : undefined;
}

/** Whether memory was transferred to another thread. A view of it would look empty. */
function isTransferred(memory: ArrayBufferLike): boolean {
  if (memory.byteLength > 0) return false;
  try {
    void new Uint8Array(memory);
    return false;
  } catch {
    return true; // Node 20 has no other way to ask
  }
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
  const memory = memoryOf(data);
  if (memory !== undefined && isTransferred(memory)) return 'memory that was transferred elsewhere';
  return data === null ? 'null' : typeof data;
}
