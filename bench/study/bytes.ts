/** Views of memory: Buffers where the engine has them, as in a server, and plain typed arrays in a browser. */

/** A view of all of a memory. */
export function viewOf(memory: ArrayBuffer): Uint8Array<ArrayBuffer> {
  return typeof Buffer === 'undefined' ? new Uint8Array(memory) : Buffer.from(memory);
}

export function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (typeof Buffer !== 'undefined') return Buffer.compare(one, other) === 0;
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
