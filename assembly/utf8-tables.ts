/**
 * The tables of ./utf8: what the halves of two neighbouring bytes allow to be wrong. Each call loads them from static data. With
 * `--use CONSTANT_TABLES=1` they are constants of the code instead, which the study measures: V8 from version 13 on makes them anew in
 * each turn of a loop, which then takes up to 1.5 times as long. Earlier versions do not, and gain nothing by them.
 */

/** A lead byte, then no continuation. */
const TOO_SHORT: u8 = 1 << 0;
/** ASCII, then a continuation. */
export const TOO_LONG: u8 = 1 << 1;
/** C0 or C1. */
const OVERLONG_2: u8 = 1 << 2;
/** E0, then below A0. */
const OVERLONG_3: u8 = 1 << 3;
/** ED, then A0 or above. */
const SURROGATE: u8 = 1 << 4;
/** F4, then 90 or above; F5 and above, then 90 or above. */
const TOO_LARGE: u8 = 1 << 5;
/** F0, then below 90; F5 and above, then below 90: their low halves tell them apart. */
const OVERLONG_4: u8 = 1 << 6;
const TOO_LARGE_BELOW_90: u8 = 1 << 6;
/** Must be the top bit: it meets the top bit of what says where two continuations belong. */
const TWO_CONTINUATIONS: u8 = 1 << 7;
/** What does not depend on the low half of the first byte. */
const ANY_LOW: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

const LEAD_F: u8 = TOO_SHORT | TOO_LARGE | TOO_LARGE_BELOW_90 | OVERLONG_4;
const ABOVE_F4: u8 = ANY_LOW | TOO_LARGE | TOO_LARGE_BELOW_90;
const THEN_8: u8 = TOO_LONG | TWO_CONTINUATIONS | OVERLONG_2 | OVERLONG_3 | OVERLONG_4 | TOO_LARGE_BELOW_90;
const THEN_9: u8 = TOO_LONG | TWO_CONTINUATIONS | OVERLONG_2 | OVERLONG_3 | TOO_LARGE;
const THEN_A: u8 = TOO_LONG | TWO_CONTINUATIONS | OVERLONG_2 | SURROGATE | TOO_LARGE;

const firstHigh = memory.data<u8>(
  [
    TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
    TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS,
    TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE, LEAD_F,
  ],
  16,
);
const firstLow = memory.data<u8>(
  [
    ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4, ANY_LOW | OVERLONG_2, ANY_LOW, ANY_LOW,
    ANY_LOW | TOO_LARGE, ABOVE_F4, ABOVE_F4, ABOVE_F4,
    ABOVE_F4, ABOVE_F4, ABOVE_F4, ABOVE_F4,
    ABOVE_F4, ABOVE_F4 | SURROGATE, ABOVE_F4, ABOVE_F4,
  ],
  16,
);
const secondHigh = memory.data<u8>(
  [
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
    THEN_8, THEN_9, THEN_A, THEN_A,
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
  ],
  16,
);
const complete = memory.data<u8>(
  [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0xdf, 0xbf,
  ],
  16,
);

const placesBehindZeros = memory.data<u8>(
  [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
  ],
  16,
);

/** What the high half of the first byte of a pair allows to be wrong. */
// @ts-ignore: decorator
@inline
export function byFirstHigh(): v128 {
  // @ts-ignore: only defined by an option of the compiler
  if (isDefined(CONSTANT_TABLES)) {
    return i8x16(
      <i8>TOO_LONG, <i8>TOO_LONG, <i8>TOO_LONG, <i8>TOO_LONG, <i8>TOO_LONG, <i8>TOO_LONG, <i8>TOO_LONG, <i8>TOO_LONG,
      <i8>TWO_CONTINUATIONS, <i8>TWO_CONTINUATIONS, <i8>TWO_CONTINUATIONS, <i8>TWO_CONTINUATIONS,
      <i8>(TOO_SHORT | OVERLONG_2), <i8>TOO_SHORT, <i8>(TOO_SHORT | OVERLONG_3 | SURROGATE), <i8>LEAD_F
    );
  }
  return v128.load(firstHigh);
}

/** What the low half of the first byte of a pair allows to be wrong. */
// @ts-ignore: decorator
@inline
export function byFirstLow(): v128 {
  // @ts-ignore: only defined by an option of the compiler
  if (isDefined(CONSTANT_TABLES)) {
    return i8x16(
      <i8>(ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4), <i8>(ANY_LOW | OVERLONG_2), <i8>ANY_LOW, <i8>ANY_LOW,
      <i8>(ANY_LOW | TOO_LARGE), <i8>ABOVE_F4, <i8>ABOVE_F4, <i8>ABOVE_F4, <i8>ABOVE_F4, <i8>ABOVE_F4, <i8>ABOVE_F4,
      <i8>ABOVE_F4, <i8>ABOVE_F4, <i8>(ABOVE_F4 | SURROGATE), <i8>ABOVE_F4, <i8>ABOVE_F4
    );
  }
  return v128.load(firstLow);
}

/** What the high half of the second byte of a pair allows to be wrong. */
// @ts-ignore: decorator
@inline
export function bySecondHigh(): v128 {
  // @ts-ignore: only defined by an option of the compiler
  if (isDefined(CONSTANT_TABLES)) {
    return i8x16(
      <i8>TOO_SHORT, <i8>TOO_SHORT, <i8>TOO_SHORT, <i8>TOO_SHORT, <i8>TOO_SHORT, <i8>TOO_SHORT, <i8>TOO_SHORT,
      <i8>TOO_SHORT, <i8>THEN_8, <i8>THEN_9, <i8>THEN_A, <i8>THEN_A, <i8>TOO_SHORT, <i8>TOO_SHORT, <i8>TOO_SHORT,
      <i8>TOO_SHORT
    );
  }
  return v128.load(secondHigh);
}

/** The greatest bytes that may end a block without being cut by its end. */
// @ts-ignore: decorator
@inline
export function greatestLast(): v128 {
  // @ts-ignore: only defined by an option of the compiler
  if (isDefined(CONSTANT_TABLES)) {
    return i8x16(
      <i8>0xff, <i8>0xff, <i8>0xff, <i8>0xff, <i8>0xff, <i8>0xff, <i8>0xff, <i8>0xff, <i8>0xff, <i8>0xff, <i8>0xff,
      <i8>0xff, <i8>0xff, <i8>0xef, <i8>0xdf, <i8>0xbf
    );
  }
  return v128.load(complete);
}

/** Which places of a vector bring `length` bytes from its front to its end, behind zeros. */
// @ts-ignore: decorator
@inline
export function behindZeros(length: usize): v128 {
  return v128.load(placesBehindZeros + length);
}
