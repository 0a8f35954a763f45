/** The same bytes as a Buffer, not copied: the protocol knows Uint8Array only, and users are given Buffers. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
