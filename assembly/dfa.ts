/**
 * The UTF-8 decoder as a finite automaton, built from Table 3-7 of the Unicode Standard ("Well-Formed UTF-8 Byte
 * Sequences"). The states are numbered as in src/kernels/utf8.ts, so that kernels can take turns in one stream.
 *
 * It is shift-based: the states are bit positions, and each byte has a 64-bit row that holds, at every state's position,
 * the position of the next state. One step is `row >> state`: the load does not depend on the state, so a byte costs one
 * shift of latency. Shifts take their count modulo 64, which hides what is above a position's six bits.
 */

/** Between characters. Every other state but REJECT is inside one, named after what is still missing. */
export const ACCEPT: i32 = 0;
/** The text can no longer become valid. No byte leads out of here. */
export const REJECT: i32 = 1;
const ONE_MORE: i32 = 2;
const TWO_MORE: i32 = 3;
const THREE_MORE: i32 = 4;
const AFTER_E0: i32 = 5;
const AFTER_ED: i32 = 6;
const AFTER_F0: i32 = 7;
const AFTER_F4: i32 = 8;
const STATES: i32 = 9;

/** Bits of a position. Nine of them fit into a row. */
const WIDTH: i32 = 6;

/** The position of REJECT. That of ACCEPT is 0. */
export const REJECT_SHIFT: u64 = REJECT * WIDTH;

const rows = memory.data(256 * 8, 16);

/** In `state`, the bytes `first` to `last` lead to `next`. */
function allow(state: i32, first: i32, last: i32, next: i32): void {
  const change = <u64>(REJECT * WIDTH ^ next * WIDTH) << (state * WIDTH);
  for (let byte = first; byte <= last; ++byte) {
    const row = rows + <usize>(byte << 3);
    store<u64>(row, load<u64>(row) ^ change);
  }
}

/** In every state, every byte leads to REJECT. */
function rejectAll(): void {
  let row: u64 = 0;
  for (let state = 0; state < STATES; ++state) row |= REJECT_SHIFT << (state * WIDTH);
  for (let byte = 0; byte < 256; ++byte) store<u64>(rows + <usize>(byte << 3), row);
}

rejectAll();
allow(ACCEPT, 0x00, 0x7f, ACCEPT);
allow(ACCEPT, 0xc2, 0xdf, ONE_MORE);
allow(ACCEPT, 0xe0, 0xe0, AFTER_E0);
allow(ACCEPT, 0xe1, 0xec, TWO_MORE);
allow(ACCEPT, 0xed, 0xed, AFTER_ED);
allow(ACCEPT, 0xee, 0xef, TWO_MORE);
allow(ACCEPT, 0xf0, 0xf0, AFTER_F0);
allow(ACCEPT, 0xf1, 0xf3, THREE_MORE);
allow(ACCEPT, 0xf4, 0xf4, AFTER_F4);
allow(ONE_MORE, 0x80, 0xbf, ACCEPT);
allow(TWO_MORE, 0x80, 0xbf, ONE_MORE);
allow(THREE_MORE, 0x80, 0xbf, TWO_MORE);
allow(AFTER_E0, 0xa0, 0xbf, ONE_MORE); // below would be overlong
allow(AFTER_ED, 0x80, 0x9f, ONE_MORE); // above would be a surrogate
allow(AFTER_F0, 0x90, 0xbf, TWO_MORE); // below would be overlong
allow(AFTER_F4, 0x80, 0x8f, TWO_MORE); // above would be beyond U+10FFFF

/** The position of a state, to begin with. */
// @ts-ignore: decorator
@inline
export function shiftOf(state: i32): u64 {
  return <u64>(state * WIDTH);
}

/** The state at a position, to end with. */
// @ts-ignore: decorator
@inline
export function stateOf(shift: u64): i32 {
  return <i32>(<u32>(shift & 63) / WIDTH);
}

/** Whether a position is that of ACCEPT. */
// @ts-ignore: decorator
@inline
export function isAccept(shift: u64): bool {
  return (shift & 63) == 0;
}

/** One byte, in the low eight bits of `byte`; nothing else may be set. */
// @ts-ignore: decorator
@inline
export function step(shift: u64, byte: u64): u64 {
  return load<u64>(rows + <usize>(byte << 3)) >> shift;
}

/** Eight bytes, the first in the lowest bits. */
// @ts-ignore: decorator
@inline
export function step8(shift: u64, bytes: u64): u64 {
  shift = step(shift, bytes & 0xff);
  shift = step(shift, (bytes >> 8) & 0xff);
  shift = step(shift, (bytes >> 16) & 0xff);
  shift = step(shift, (bytes >> 24) & 0xff);
  shift = step(shift, (bytes >> 32) & 0xff);
  shift = step(shift, (bytes >> 40) & 0xff);
  shift = step(shift, (bytes >> 48) & 0xff);
  return step(shift, bytes >> 56);
}

/** The `left` bytes at `at`. */
// @ts-ignore: decorator
@inline
export function run(at: usize, left: usize, shift: u64): u64 {
  while (left != 0) {
    shift = step(shift, load<u8>(at));
    at += 1;
    left -= 1;
  }
  return shift;
}
