/** Unmasking (RFC 6455 section 5.3) in 128-bit vectors. */
import { doubled, rotated, unmaskRest } from './unmask-scalar';

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

export function unmask(offset: usize, length: usize, key: i32): void {
  let at = offset;
  let left = length;
  if (left >= ALIGN_FROM) {
    const head: usize = (16 - (at & 15)) & 15;
    unmaskRest(at, head, doubled(key));
    key = rotated(key, head);
    at += head;
    left -= head;
  }
  const key16 = i32x4.splat(key);
  while (left >= 64) {
    unmask16(at, key16);
    unmask16(at + 16, key16);
    unmask16(at + 32, key16);
    unmask16(at + 48, key16);
    at += 64;
    left -= 64;
  }
  while (left >= 16) {
    unmask16(at, key16);
    at += 16;
    left -= 16;
  }
  unmaskRest(at, left, doubled(key));
}
