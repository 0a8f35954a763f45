/**
 * Node's own unmasking, `http.websocketUnmask`: Node 26.12 and later have it. Callers ask for it only when they want it, so that
 * nobody else loads `node:http` for it, which takes 2 ms in each thread that has not loaded it yet.
 */

/** Unmasks a range of a memory in place: its offset and length in bytes, and the masking key, whose least significant byte comes first. */
export type Unmask = (offset: number, length: number, key: number) => void;

interface NodeHttp {
  readonly websocketUnmask?: (buffer: Uint8Array, mask: Uint8Array) => void;
}

/**
 * Makes the unmasking of one memory, which must not grow. Each call needs a new view of the range, and the four bytes of the key lie in
 * an array that is made once: Node takes 8 ns less for a Uint8Array than for a DataView or an Int32Array.
 *
 * @param http the module `node:http`. Another one is for tests.
 * @returns undefined if this version of Node does not have it.
 */
export function websocketUnmask(
  { buffer }: { readonly buffer: ArrayBuffer },
  http: object = process.getBuiltinModule('node:http'),
): Unmask | undefined {
  const { websocketUnmask: unmask } = http as NodeHttp;
  if (typeof unmask !== 'function') return undefined;
  const mask = new Uint8Array(4);
  const keyOfMask = new DataView(mask.buffer);
  return (offset, length, key) => {
    keyOfMask.setInt32(0, key, true);
    unmask(new Uint8Array(buffer, offset, length), mask);
  };
}
