/** Unmasking that notes, as it goes, how far a text is ASCII: most are, and then there is nothing left to validate. */
import { unmask, unmask16 } from './unmask';
import { rotated, unmaskFew } from './unmask-scalar';
import { NOT_ASCII } from './utf8-scalar';

/**
 * Unmasks all of a text.
 * @returns how many bytes at its front are known to be ASCII; all of them, or as many as stand in front of the first 64 bytes
 * that are not.
 */
export function unmaskAscii(offset: usize, length: usize, key: i32): usize {
  if (length < 64) return unmaskShort(offset, length, key);
  const key16 = i32x4.splat(key);
  // The first bytes up to a multiple of 16, and the last 64, overlap what is unmasked between them: read before, and written behind.
  const first = v128.xor(v128.load(offset), key16);
  const backKey = i32x4.splat(rotated(key, length));
  const back = offset + length - 64;
  const w = v128.xor(v128.load(back), backKey);
  const x = v128.xor(v128.load(back, 16), backKey);
  const y = v128.xor(v128.load(back, 32), backKey);
  const z = v128.xor(v128.load(back, 48), backKey);
  if (i8x16.bitmask(first) != 0) {
    unmask(offset, length, key);
    return 0;
  }
  const head: usize = (16 - (offset & 15)) & 15;
  const wholeKey = i32x4.splat(rotated(key, head));
  let at = offset + head;
  let left = length - head;
  // Two steps a turn: the speed of a shorter loop depends more on where the engine happens to lay it (up to 1.4 times).
  while (left >= 128) {
    if (i8x16.bitmask(unmask64(at, wholeKey)) != 0) return stop(offset, first, at, left, rotated(key, head));
    if (i8x16.bitmask(unmask64(at + 64, wholeKey)) != 0) return stop(offset, first, at + 64, left - 64, rotated(key, head));
    at += 128;
    left -= 128;
  }
  if (left >= 64) {
    if (i8x16.bitmask(unmask64(at, wholeKey)) != 0) return stop(offset, first, at, left, rotated(key, head));
    at += 64;
  }
  v128.store(offset, first);
  v128.store(back, w);
  v128.store(back, x, 16);
  v128.store(back, y, 32);
  v128.store(back, z, 48);
  return i8x16.bitmask(v128.or(v128.or(w, x), v128.or(y, z))) == 0 ? length : at - offset;
}

/** Ends where 64 bytes at `at`, which are unmasked already, are not ASCII: unmasks the others. */
function stop(offset: usize, first: v128, at: usize, left: usize, key: i32): usize {
  v128.store(offset, first);
  unmask(at + 64, left - 64, key);
  return at - offset;
}

/** Four vectors; returns the OR of what they say in clear. */
// @ts-ignore: decorator
@inline
function unmask64(at: usize, key: v128): v128 {
  const a = v128.or(unmask16(at, key), unmask16(at + 16, key));
  const b = v128.or(unmask16(at + 32, key), unmask16(at + 48, key));
  return v128.or(a, b);
}

/** Fewer than 64 bytes: whether all of them are ASCII, or none is known to be. */
function unmaskShort(offset: usize, length: usize, key: i32): usize {
  if (length < 16) return (unmaskFew(offset, length, key) & NOT_ASCII) == 0 ? length : 0;
  unmask(offset, length, key);
  let seen = v128.or(v128.load(offset), v128.load(offset + length - 16));
  if (length > 32) seen = v128.or(seen, v128.or(v128.load(offset, 16), v128.load(offset + length - 32)));
  return i8x16.bitmask(seen) == 0 ? length : 0;
}
