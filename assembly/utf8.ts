/**
 * Streaming UTF-8 validation in vectors, after John Keiser and Daniel Lemire, "Validating UTF-8 In Less Than One
 * Instruction Per Byte" (Software: Practice and Experience, 2021), with a fast path for ASCII.
 *
 * Every way in which two neighbouring bytes can be wrong is a bit. Three lookups, by the high and the low half of the
 * first byte and by the high half of the second, say which of them each half allows; what all three allow has happened.
 * The one exception is TWO_CONTINUATIONS, which is right at the third and fourth byte of a character and wrong elsewhere.
 *
 * The vectors see whole blocks of 16 bytes, and the odd bytes at the front behind zeros. Each call first ends a pending character with
 * the automaton of ./dfa, and gives it the last character, if that is cut.
 */
import { ACCEPT, isAccept, REJECT, REJECT_SHIFT, run, shiftOf, stateOf, step } from './dfa';
import { doubled, rotated, unmaskFew } from './unmask-scalar';
import { NOT_ASCII } from './utf8-scalar';
import { behindZeros, byFirstHigh, byFirstLow, bySecondHigh, greatestLast, TOO_LONG } from './utf8-tables';

/**
 * The entries of a table at places below 16, or from 128 on, where there is zero. The relaxed instruction leaves it open what is
 * between them, and so x86 needs one instruction for it instead of three.
 */
// @ts-ignore: decorator
@inline
function lookUp(table: v128, places: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(table, places) : i8x16.swizzle(table, places);
}

/** Each byte's four high bits. As 16-bit lanes and a mask: x86 has no shift of 8-bit lanes. */
// @ts-ignore: decorator
@inline
function highHalves(bytes: v128): v128 {
  return v128.and(i16x8.shr_u(bytes, 4), i8x16.splat(0x0f));
}

/** What each byte, as the first of a pair, allows to be wrong. */
// @ts-ignore: decorator
@inline
function asFirst(bytes: v128, high: v128, byHigh: v128, byLow: v128): v128 {
  const low = v128.and(bytes, i8x16.splat(0x0f));
  return v128.and(lookUp(byHigh, high), lookUp(byLow, low));
}

/**
 * Not zero where a byte is wrong after its predecessors, the last of which end `before`. `allowed` is `asFirst` of the
 * bytes, `allowedBefore` that of `before`: computed once where a byte stands and then moved on, not once for each place.
 */
// @ts-ignore: decorator
@inline
function wrong(before: v128, allowedBefore: v128, bytes: v128, allowed: v128, high: v128, bySecond: v128): v128 {
  const pair = v128.and(
    // One byte back; then two and three.
    i8x16.shuffle(allowedBefore, allowed, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30),
    lookUp(bySecond, high),
  );
  const second = i8x16.shuffle(before, bytes, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  const third = i8x16.shuffle(before, bytes, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28);
  // The top bit is set after a lead byte of at least three (E0) or four (F0) bytes, where a continuation must be.
  const continued = v128.or(
    i8x16.sub_sat_u(second, i8x16.splat(<i8>(0xe0 - 0x80))),
    i8x16.sub_sat_u(third, i8x16.splat(<i8>(0xf0 - 0x80))),
  );
  return v128.xor(pair, v128.and(continued, i8x16.splat(<i8>0x80)));
}

/** How many bytes before `at` belong to a character that goes on there, or should: 0 to 3. At least three bytes precede. */
// @ts-ignore: decorator
@inline
function cutBefore(at: usize): usize {
  if (load<u8>(at - 1) >= 0xc0) return 1;
  if (load<u8>(at - 2) >= 0xe0) return 2;
  if (load<u8>(at - 3) >= 0xf0) return 3;
  return 0;
}

/** A vector in clear; `put` puts it back. */
// @ts-ignore: decorator
@inline
function take(at: usize, key16: v128, masked: bool): v128 {
  const bytes = v128.load(at);
  return masked ? v128.xor(bytes, key16) : bytes;
}

// @ts-ignore: decorator
@inline
function put(at: usize, bytes: v128, masked: bool): void {
  if (masked) v128.store(at, bytes);
}

/** Fewer than 16 bytes, between characters. */
// @ts-ignore: decorator
@inline
function few(at: usize, length: usize, key: i32, masked: bool): i32 {
  if (length >= 8) {
    const back = at + length - 8;
    let first = load<u64>(at);
    let last = load<u64>(back);
    if (masked) {
      first ^= doubled(key);
      last ^= doubled(rotated(key, length));
      store<u64>(at, first);
      store<u64>(back, last);
    }
    if (((first | last) & NOT_ASCII) == 0) return ACCEPT;
    // All of it as the end of a vector, behind zeros. Shifts take their count modulo 64, and the first may have to move that far.
    const front = (first << ((15 - length) << 3)) << 8;
    const bytes = i64x2.replace_lane(i64x2.splat(front), 1, last);
    const high = highHalves(bytes);
    const allowed = asFirst(bytes, high, byFirstHigh(), byFirstLow());
    const errors = wrong(i8x16.splat(0), i8x16.splat(TOO_LONG), bytes, allowed, high, bySecondHigh());
    if (v128.any_true(errors)) return REJECT;
    const cut = cutBefore(at + length);
    return cut == 0 ? ACCEPT : stateOf(run(at + length - cut, cut, shiftOf(ACCEPT)));
  }
  let seen = NOT_ASCII;
  if (masked) seen = unmaskFew(at, length, key);
  else if (length >= 4) seen = load<u32>(at) | load<u32>(at + length - 4);
  return (seen & NOT_ASCII) == 0 ? ACCEPT : stateOf(run(at, length, shiftOf(ACCEPT)));
}

/**
 * Whether 16 to 64 bytes are ASCII, looked at in two or four vectors, which overlap. If they are, they are unmasked, and if not, they
 * are as they were.
 */
// @ts-ignore: decorator
@inline
function shortAscii(at: usize, length: usize, first: v128, key: v128, backKey: v128, masked: bool): bool {
  const back = at + length - 16;
  const last = take(back, backKey, masked);
  if (length <= 32) {
    if (i8x16.bitmask(v128.or(first, last)) != 0) return false;
  } else {
    const second = take(at + 16, key, masked);
    const secondLast = take(back - 16, backKey, masked);
    if (i8x16.bitmask(v128.or(v128.or(first, second), v128.or(secondLast, last))) != 0) return false;
    put(at + 16, second, masked);
    put(back - 16, secondLast, masked);
  }
  put(at, first, masked);
  put(back, last, masked);
  return true;
}

/**
 * `validate` and `unmaskText` in one: inlined into both with a constant for `masked`, so that neither has the other's
 * instructions. What is not ASCII goes by 32 bytes a turn and not 64, whose values no longer fit the 16 registers of x86
 * beside the tables: 8 GB/s instead of 5.
 */
// @ts-ignore: decorator
@inline
function advance(offset: usize, length: usize, key: i32, state: i32, masked: bool): i32 {
  if (state == REJECT) return REJECT;
  let at = offset;
  let left = length;
  if (state != ACCEPT) {
    let shift = shiftOf(state);
    while (left != 0 && !isAccept(shift)) {
      let byte = load<u8>(at);
      if (masked) {
        byte ^= <u8>key;
        store<u8>(at, byte);
        key = rotated(key, 1);
      }
      shift = step(shift, byte);
      if ((shift & 63) == REJECT_SHIFT) return REJECT;
      at += 1;
      left -= 1;
    }
    if (left == 0) return stateOf(shift);
  }
  const key16 = i32x4.splat(key);
  if (left > 64 && i8x16.bitmask(take(at, key16, masked)) == 0) {
    const end = at + left;
    const backKey = i32x4.splat(rotated(key, left));
    const w = take(end - 64, backKey, masked);
    const x = take(end - 48, backKey, masked);
    const y = take(end - 32, backKey, masked);
    const z = take(end - 16, backKey, masked);
    do {
      const a = take(at, key16, masked);
      const b = take(at + 16, key16, masked);
      const c = take(at + 32, key16, masked);
      const d = take(at + 48, key16, masked);
      if (i8x16.bitmask(v128.or(v128.or(a, b), v128.or(c, d))) != 0) break;
      put(at, a, masked);
      put(at + 16, b, masked);
      put(at + 32, c, masked);
      put(at + 48, d, masked);
      at += 64;
      left -= 64;
    } while (left >= 64);
    if (left < 64 && i8x16.bitmask(v128.or(v128.or(w, x), v128.or(y, z))) == 0) {
      put(end - 64, w, masked);
      put(end - 48, x, masked);
      put(end - 32, y, masked);
      put(end - 16, z, masked);
      return ACCEPT;
    }
  }
  if (left < 16) return few(at, left, key, masked);
  const first = take(at, key16, masked);
  if (left <= 64 && shortAscii(at, left, first, key16, i32x4.splat(rotated(key, left)), masked)) return ACCEPT;

  const byHigh = byFirstHigh();
  const byLow = byFirstLow();
  const bySecond = bySecondHigh();
  const limits = greatestLast();
  // What is no whole vector comes first, behind as many zeros as are missing. It is put last: the next vector overlaps it.
  const begin = at;
  const odd = left & 15;
  const head = lookUp(first, behindZeros(odd));
  const headHigh = highHalves(head);
  let allowedBefore = asFirst(head, headHigh, byHigh, byLow);
  let errors = wrong(i8x16.splat(0), i8x16.splat(TOO_LONG), head, allowedBefore, headHigh, bySecond);
  let before = head;
  at += odd;
  left -= odd;
  const wholeKey = i32x4.splat(rotated(key, odd));
  if (left >= 32 && i8x16.bitmask(take(at, wholeKey, masked)) == 0) {
    errors = v128.or(errors, i8x16.sub_sat_u(before, limits));
  }
  for (;;) {
    while (left >= 64) {
      const a = take(at, wholeKey, masked);
      const b = take(at + 16, wholeKey, masked);
      const c = take(at + 32, wholeKey, masked);
      const d = take(at + 48, wholeKey, masked);
      if (i8x16.bitmask(v128.or(v128.or(a, b), v128.or(c, d))) != 0) break;
      put(at, a, masked);
      put(at + 16, b, masked);
      put(at + 32, c, masked);
      put(at + 48, d, masked);
      at += 64;
      left -= 64;
    }
    if (left < 32) break;
    const a = take(at, wholeKey, masked);
    const b = take(at + 16, wholeKey, masked);
    if (i8x16.bitmask(v128.or(a, b)) == 0) {
      put(at, a, masked);
      put(at + 16, b, masked);
      at += 32;
      left -= 32;
      continue;
    }
    do {
      const a = take(at, wholeKey, masked);
      const b = take(at + 16, wholeKey, masked);
      if (i8x16.bitmask(v128.or(a, b)) == 0) break;
      put(at, a, masked);
      put(at + 16, b, masked);
      const highA = highHalves(a);
      const allowedA = asFirst(a, highA, byHigh, byLow);
      errors = v128.or(errors, wrong(before, allowedBefore, a, allowedA, highA, bySecond));
      const highB = highHalves(b);
      allowedBefore = asFirst(b, highB, byHigh, byLow);
      errors = v128.or(errors, wrong(a, allowedA, b, allowedBefore, highB, bySecond));
      before = b;
      at += 32;
      left -= 32;
    } while (left >= 32);
    // ASCII comes, so nothing may be open. If nothing is, `before` can stay as it is: after its last character, as after
    // ASCII, a continuation is wrong and everything else is right.
    if (left >= 32) errors = v128.or(errors, i8x16.sub_sat_u(before, limits));
  }
  if (left >= 16) {
    const a = take(at, wholeKey, masked);
    put(at, a, masked);
    const highA = highHalves(a);
    errors = v128.or(errors, wrong(before, allowedBefore, a, asFirst(a, highA, byHigh, byLow), highA, bySecond));
    at += 16;
  }
  put(begin, first, masked);
  if (v128.any_true(errors)) return REJECT;
  const back = cutBefore(at);
  return back == 0 ? ACCEPT : stateOf(run(at - back, back, shiftOf(ACCEPT)));
}

export function validate(offset: usize, length: usize, state: i32): i32 {
  return advance(offset, length, 0, state, false);
}

/** Begun with ACCEPT, it unmasks all of the range, also if it returns REJECT. */
export function unmaskText(offset: usize, length: usize, key: i32, state: i32): i32 {
  return advance(offset, length, key, state, true);
}
