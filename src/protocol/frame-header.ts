/** This bit is set in the second byte of a frame that is masked (RFC 6455 section 5.2). */
export const MASK = 0x80;

/** The longest header of an unmasked frame, in bytes: two bytes and a length of 64 bits (RFC 6455 section 5.2). */
export const MAX_SERVER_HEADER_BYTES = 10;

/** How long the header of an unmasked frame is for a payload of `length` bytes (RFC 6455 section 5.2). In bytes. */
export function frameHeaderBytes(length: number): number {
  if (length <= 125) return 2;
  return length <= 0xffff ? 4 : 10;
}

/**
 * Writes the header of an unmasked frame, with the shortest encoding of its length (RFC 6455 section 5.2).
 * @param firstByte FIN, reserved bits and opcode.
 * @param length the length of the payload in bytes, up to 2^53 - 1.
 * @returns the offset after the header, where the payload goes.
 */
export function writeFrameHeader(bytes: Uint8Array, offset: number, firstByte: number, length: number): number {
  bytes[offset] = firstByte;
  if (length <= 125) {
    bytes[offset + 1] = length;
    return offset + 2;
  }
  if (length <= 0xffff) {
    bytes[offset + 1] = 126;
    bytes[offset + 2] = length >>> 8;
    bytes[offset + 3] = length & 0xff;
    return offset + 4;
  }
  bytes[offset + 1] = 127;
  writeUint32(bytes, offset + 2, Math.floor(length / 0x1_0000_0000));
  writeUint32(bytes, offset + 6, length >>> 0);
  return offset + 10;
}

function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}
