/** Unmasking that notes, as it goes, how far a text is ASCII: most are, and then there is nothing left to validate. */
import { unmask, unmask16 } from './unmask';
import { doubled, rotated, unmaskRest } from './unmask-scalar';

const HIGH_BITS: u64 = 0x8080808080808080;

/**
 * Unmasks all of a text.
 * @returns how many bytes at its front are known to be ASCII; all of them, or as many as stand in front of the first 64 bytes
 * that are not.
 */
export function unmaskAscii(offset: usize, length: usize, key: i32): usize {
  let at = offset;
  let left = length;
  const head: usize = min<usize>((16 - (at & 15)) & 15, left);
  const seen = unmaskRest(at, head, doubled(key));
  key = rotated(key, head);
  at += head;
  left -= head;
  if (seen & HIGH_BITS) {
    unmask(at, left, key);
    return 0;
  }
  const key16 = i32x4.splat(key);
  while (left >= 64) {
    const first = v128.or(unmask16(at, key16), unmask16(at + 16, key16));
    const second = v128.or(unmask16(at + 32, key16), unmask16(at + 48, key16));
    if (i8x16.bitmask(v128.or(first, second)) != 0) {
      unmask(at + 64, left - 64, key);
      return length - left;
    }
    at += 64;
    left -= 64;
  }
  let rest = i32x4.splat(0);
  const begin = length - left;
  while (left >= 16) {
    rest = v128.or(rest, unmask16(at, key16));
    at += 16;
    left -= 16;
  }
  const last = unmaskRest(at, left, doubled(key));
  return i8x16.bitmask(rest) != 0 || last & HIGH_BITS ? begin : length;
}
