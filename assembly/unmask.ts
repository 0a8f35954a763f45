/** Unmasking (RFC 6455 section 5.3) in 128-bit vectors. */
import { rotated, unmaskFew } from './unmask-scalar';

/**
 * From how many bytes on it pays to begin at a multiple of 16: a vector that straddles two cache lines is written twice.
 */
const ALIGN_FROM: usize = 512;

/** One vector; returns what it says in clear. */
// @ts-ignore: decorator
@inline
export function unmask16(at: usize, key: v128): v128 {
  const clear = v128.xor(v128.load(at), key);
  v128.store(at, clear);
  return clear;
}

/** Two vectors, which may overlap. */
// @ts-ignore: decorator
@inline
export function unmaskTwo(at: usize, back: usize, key: v128, backKey: v128): void {
  const first = v128.xor(v128.load(at), key);
  const last = v128.xor(v128.load(back), backKey);
  v128.store(at, first);
  v128.store(back, last);
}

/**
 * What is no whole number of vectors long is done in vectors that overlap, and all that overlap are read before one of them is written.
 */
export function unmask(offset: usize, length: usize, key: i32): void {
  if (length < 16) {
    unmaskFew(offset, length, key);
    return;
  }
  const key16 = i32x4.splat(key);
  // Where the range ends, less a multiple of 16.
  const backKey = i32x4.splat(rotated(key, length));
  const back = offset + length - 64;
  if (length <= 32) {
    unmaskTwo(offset, back + 48, key16, backKey);
    return;
  }
  if (length <= 64) {
    const a = v128.xor(v128.load(offset), key16);
    const b = v128.xor(v128.load(offset, 16), key16);
    const y = v128.xor(v128.load(back, 32), backKey);
    const z = v128.xor(v128.load(back, 48), backKey);
    v128.store(offset, a);
    v128.store(offset, b, 16);
    v128.store(back, y, 32);
    v128.store(back, z, 48);
    return;
  }
  const w = v128.xor(v128.load(back), backKey);
  const x = v128.xor(v128.load(back, 16), backKey);
  const y = v128.xor(v128.load(back, 32), backKey);
  const z = v128.xor(v128.load(back, 48), backKey);
  if (length < ALIGN_FROM) {
    unmaskWhole(offset, length, key16);
  } else {
    const first = v128.xor(v128.load(offset), key16);
    const head: usize = (16 - (offset & 15)) & 15;
    unmaskWhole(offset + head, length - head, i32x4.splat(rotated(key, head)));
    v128.store(offset, first);
  }
  v128.store(back, w);
  v128.store(back, x, 16);
  v128.store(back, y, 32);
  v128.store(back, z, 48);
}

/** As many whole turns of 64 bytes as there are. */
// @ts-ignore: decorator
@inline
function unmaskWhole(at: usize, left: usize, key: v128): void {
  while (left >= 128) {
    unmask16(at, key);
    unmask16(at + 16, key);
    unmask16(at + 32, key);
    unmask16(at + 48, key);
    unmask16(at + 64, key);
    unmask16(at + 80, key);
    unmask16(at + 96, key);
    unmask16(at + 112, key);
    at += 128;
    left -= 128;
  }
  if (left >= 64) {
    unmask16(at, key);
    unmask16(at + 16, key);
    unmask16(at + 32, key);
    unmask16(at + 48, key);
  }
}
