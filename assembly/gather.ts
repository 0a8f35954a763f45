/** The counterpart of ./scan: the frames of a server's replies, written one behind the other in one call. */

/** The longest payload whose length is in the second byte of a header (RFC 6455 section 5.2). */
const MAX_LENGTH_7: u32 = 125;
const LENGTH_16: u32 = 126;

/**
 * Writes a frame for each row of a table: two words, where its payload lies; the payload's length, of at most 65535,
 * times 256, and the first byte of the frame. Up to 15 bytes behind the last frame are overwritten.
 *
 * @param to where the first frame goes.
 * @returns where the last one ends.
 */
export function gather(table: usize, rows: i32, to: usize): usize {
  for (; rows > 0; --rows) {
    let from = <usize>load<u32>(table);
    const packed = load<u32>(table, 4);
    const length = packed >> 8;
    if (length <= MAX_LENGTH_7) {
      store<u16>(to, <u16>((packed & 0xff) | (length << 8)));
      to += 2;
    } else {
      store<u16>(to, <u16>((packed & 0xff) | (LENGTH_16 << 8)));
      store<u16>(to, bswap<u16>(<u16>length), 2);
      to += 4;
    }
    const end = to + length;
    while (to + 48 < end) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      v128.store(to, v128.load(from, 32), 32);
      v128.store(to, v128.load(from, 48), 48);
      to += 64;
      from += 64;
    }
    while (to < end) {
      v128.store(to, v128.load(from));
      to += 16;
      from += 16;
    }
    to = end;
    table += 8;
  }
  return to;
}
