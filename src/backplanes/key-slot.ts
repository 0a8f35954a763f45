/** How many slots the keys and channels of a cluster of Redis are divided into. */
const SLOTS = 16_384;

/** The slot that a cluster of Redis puts a hash tag into: CRC-16/XMODEM of its bytes (the cluster specification of Redis, appendix A). */
export function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc % SLOTS;
}
