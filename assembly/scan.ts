/**
 * The fast path over the framing loop of src/protocol/frame-reader.ts: the frames at the front of a read that are whole
 * messages, and ordinary ones, in one call. At 20 bytes a message it is not the XOR that costs, but JavaScript that looks
 * at each header.
 */
import { ACCEPT } from './dfa';
import { unmask, unmaskTwo } from './unmask';
import { rotated, unmaskFew } from './unmask-scalar';
import { unmaskText } from './utf8';

/** FIN and the opcode of a text, and of a binary message (RFC 6455 section 5.2). */
const TEXT: u32 = 0x81;
const BINARY: u32 = 0x82;

/** In the second byte of a header: the frame is masked; its length is in the next 16 bits, or in the next 64. */
const MASKED: u32 = 0x80;
const LENGTH_16: u32 = 126;
const LENGTH_64: u32 = 127;

/**
 * Unmasks the messages at the front of `[at, end)`, and validates those that are text, as long as they are complete,
 * unfragmented, masked, and of at most `maxBytes`, or `maxTextBytes`, of payload. Everything else is left as it was, from
 * the frame on where it stops.
 *
 * @param table gets two words for each: where the payload begins; its length, times 256, and the first byte of the frame.
 * @returns for how many, at most `maxRows`.
 */
export function scan(at: usize, end: usize, maxBytes: u32, maxTextBytes: u32, table: usize, maxRows: i32): i32 {
  let rows = 0;
  // Six bytes are the shortest frame of a client, and eight the longest header that is of interest here.
  while (rows < maxRows && end - at >= 6) {
    const header = <u32>load<u16>(at);
    const first = header & 0xff;
    const isText = first == TEXT;
    if ((!isText && first != BINARY) || (header >> 8) < MASKED) break;
    let length = (header >> 8) & 0x7f;
    let start = at + 6;
    if (length >= LENGTH_16) {
      if (length == LENGTH_64 || end - at < 8) break;
      length = <u32>bswap<u16>(load<u16>(at, 2));
      if (length < LENGTH_16) break;
      start = at + 8;
    }
    if (length > (isText ? maxTextBytes : maxBytes) || end - start < length) break;
    const key = load<i32>(start - 4);
    if (!isText) {
      if (length < 16) unmaskFew(start, length, key);
      else if (length <= 32) {
        unmaskTwo(start, start + length - 16, i32x4.splat(key), i32x4.splat(rotated(key, length)));
      } else unmask(start, length, key);
    }
    else if (unmaskText(start, length, key, ACCEPT) != ACCEPT) {
      unmask(start, length, key);
      break;
    }
    store<u32>(table, <u32>start);
    store<u32>(table, (length << 8) | first, 4);
    table += 8;
    at = start + length;
    ++rows;
  }
  return rows;
}
