/** The polynomial of Castagnoli, its bits in reverse. */
const POLYNOMIAL = 0x82f63b78;

/** The checksum CRC-32C of some bytes (RFC 9260 appendix A). It is computed bit by bit: for what is short, and seldom checked. */
export function crc32c(bytes: Iterable<number>): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) * POLYNOMIAL);
  }
  return ~crc >>> 0;
}
