/**
 * Unmasking (RFC 6455 section 5.3) in 64-bit words, for engines without SIMD and for what is shorter than a vector.
 * Ends are counted down and not compared: in a memory of 4 GiB the end of the last range is not a 32-bit number.
 */

/** The key twice: it is periodic, so that the same 64 bits meet each word. */
// @ts-ignore: decorator
@inline
export function doubled(key: i32): u64 {
  return (<u64>(<u32>key)) * 0x0000000100000001;
}

/** The key as it applies `bytes` later in the payload. */
// @ts-ignore: decorator
@inline
export function rotated(key: i32, bytes: usize): i32 {
  return rotr<i32>(key, <i32>(bytes << 3));
}

/** One word; returns what it says in clear. */
// @ts-ignore: decorator
@inline
export function unmask8(at: usize, key: u64): u64 {
  const clear = load<u64>(at) ^ key;
  store<u64>(at, clear);
  return clear;
}

/**
 * Fewer than 16 bytes, in words that overlap, so that there is no loop: both are read before one is written. Returns the OR of what
 * they say in clear, whose high bits tell whether all of it is ASCII.
 */
// @ts-ignore: decorator
@inline
export function unmaskFew(at: usize, length: usize, key: i32): u64 {
  if (length >= 8) {
    const back = at + length - 8;
    const first = load<u64>(at) ^ doubled(key);
    const last = load<u64>(back) ^ doubled(rotated(key, length));
    store<u64>(at, first);
    store<u64>(back, last);
    return first | last;
  }
  if (length >= 4) {
    const back = at + length - 4;
    const first = load<u32>(at) ^ <u32>key;
    const last = load<u32>(back) ^ <u32>rotated(key, length);
    store<u32>(at, first);
    store<u32>(back, last);
    return first | last;
  }
  return unmaskRest(at, length, <u64>(<u32>key));
}

/** At most 15 bytes; returns the OR of what they say in clear, whose high bits tell whether all of it is ASCII. */
// @ts-ignore: decorator
@inline
export function unmaskRest(at: usize, left: usize, key: u64): u64 {
  let seen: u64 = 0;
  if (left & 8) {
    seen = unmask8(at, key);
    at += 8;
  }
  if (left & 4) {
    const clear = load<u32>(at) ^ <u32>key;
    store<u32>(at, clear);
    seen |= clear;
    at += 4;
  }
  if (left & 2) {
    const clear = load<u16>(at) ^ <u16>key;
    store<u16>(at, clear);
    seen |= clear;
    at += 2;
    key >>= 16;
  }
  if (left & 1) {
    const clear = load<u8>(at) ^ <u8>key;
    store<u8>(at, clear);
    seen |= clear;
  }
  return seen;
}

export function unmaskScalar(offset: usize, length: usize, key: i32): void {
  const key8 = doubled(key);
  let at = offset;
  let left = length;
  while (left >= 32) {
    unmask8(at, key8);
    unmask8(at + 8, key8);
    unmask8(at + 16, key8);
    unmask8(at + 24, key8);
    at += 32;
    left -= 32;
  }
  while (left >= 8) {
    unmask8(at, key8);
    at += 8;
    left -= 8;
  }
  unmaskRest(at, left, key8);
}
