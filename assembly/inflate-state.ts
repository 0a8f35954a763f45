/**
 * What INFLATE keeps of a message between calls, and how it reads bits. Input, history and output lie in memory as a whole, the history right
 * in front of the output, so that a match is one copy wherever it begins. Everything else lies in a region that the caller gives:
 *
 * | bytes           | what |
 * |----------------:|------|
 * | 64              | the state, between calls and between the functions here |
 * | 48              | the last bytes of the input, with zeros behind them |
 * | 2048 + 128      | the tables of fixed codes |
 * | LITERALS_BYTES  | the table of literals and lengths of a block with codes of its own |
 * | DISTANCES_BYTES | its table of distances |
 * | LENGTHS_BYTES   | the table for the lengths of its codewords |
 * | 336 + 32        | these lengths: of all codes, of literals alone in the end; of distances |
 * | ORDER_BYTES     | for the building of tables |
 *
 * Bits come from a buffer of 64, the next bit of the input in the lowest place. `count` tells in its lowest six bits how many of
 * them are valid; what is above these six bits means nothing, so that an entry can be subtracted as it is. A refill loads eight
 * bytes and goes forward by as many whole bytes as there was room for. Above the valid bits the buffer may hold bits of the next
 * byte: they are the same that the next refill adds.
 *
 * A refill needs eight bytes to load. Close to the end of the input, the rest is therefore read from a copy of it. Bits behind
 * the end are zeros there, which are decoded like any others, until a check finds out that more was consumed than was there.
 */
import {
  DISTANCES_BYTES,
  LENGTHS_BYTES,
  LITERALS_BYTES,
} from './inflate-tables';

// The state, by offsets. All are u32, but for BITS.
/** The next byte of the input that is not in the bit buffer. */
export const AT: usize = 0;
/** Where the input ends, or its copy if that is read. */
export const END_AT: usize = 4;
/** The last place at which two refills can be made one behind the other. */
export const SAFE: usize = 8;
export const INPUT_END: usize = 12;
export const BITS: usize = 16;
export const COUNT: usize = 24;
export const OUT: usize = 28;
/** Where the output began, and where the history in front of it begins. */
export const OUT_BEGIN: usize = 32;
export const OLDEST: usize = 36;
export const PHASE: usize = 40;
/** Whether the block is, or was, the last one of a stream (BFINAL). */
export const IS_LAST: usize = 44;
/** How many bytes of a stored block are still to be copied. */
export const STORED_LEFT: usize = 48;
/** By how many bits the tables of the block are looked up; 0 stands for the fixed codes. */
export const LITERALS_LOOKUP: usize = 52;
export const DISTANCES_LOOKUP: usize = 56;

export const TAIL: usize = 64;
export const TAIL_BYTES: usize = 48;
export const FIXED_LITERALS: usize = TAIL + TAIL_BYTES;
export const FIXED_DISTANCES: usize = FIXED_LITERALS + 2048;
export const LITERALS: usize = FIXED_DISTANCES + 128;
export const DISTANCES: usize = LITERALS + LITERALS_BYTES;
export const CODE_LENGTHS: usize = DISTANCES + DISTANCES_BYTES;
export const LENGTHS: usize = CODE_LENGTHS + LENGTHS_BYTES;
export const DISTANCE_LENGTHS: usize = LENGTHS + 336;
export const ORDER: usize = DISTANCE_LENGTHS + 32;

export const FIXED_LITERAL_BITS: i32 = 9;
export const FIXED_DISTANCE_BITS: i32 = 5;

/** How far in front of its end the input itself is read: two refills load 15 bytes. */
export const REFILLS: usize = 16;
/** How far behind its end the copy is read: beyond that, more than the input had is consumed. */
export const BEYOND: usize = 8;

// Phases.
export const HEADER: u32 = 0;
export const STORED: u32 = 1;
export const CODED: u32 = 2;

// Results, as in src/kernels/inflater.ts.
export const DONE: i32 = 0;
export const NEEDS_ROOM: i32 = 1;
export const PAUSED: i32 = 2;
export const CUT: i32 = 3;
export const BLOCK_TYPE: i32 = 4;
export const STORED_LENGTHS: i32 = 5;
export const TOO_MANY_SYMBOLS: i32 = 6;
export const LENGTHS_CODE: i32 = 7;
export const LENGTHS_REPEAT: i32 = 8;
export const NO_END: i32 = 9;
export const LITERALS_CODE: i32 = 10;
export const DISTANCES_CODE: i32 = 11;
export const LITERAL_SYMBOL: i32 = 12;
export const DISTANCE_SYMBOL: i32 = 13;
export const TOO_FAR: i32 = 14;
/** Not a result of a call: there is more to do. */
export const GO_ON: i32 = -1;

/** Reads on at this place of the input, with an empty bit buffer. */
export function readFrom(region: usize, at: usize): void {
  const end = <usize>load<u32>(region, INPUT_END);
  store<u64>(region, 0, BITS);
  store<u32>(region, 0, COUNT);
  store<u32>(region, <u32>at, AT);
  store<u32>(region, <u32>end, END_AT);
  store<u32>(region, <u32>(end - REFILLS), SAFE);
}

/**
 * Called where `at` is beyond SAFE. The first time, the rest of the input is copied.
 * @returns where to read on; 0 if more was consumed than there is.
 */
export function readTail(region: usize, at: usize): usize {
  const tail = region + TAIL;
  const end = <usize>load<u32>(region, INPUT_END);
  if (load<u32>(region, END_AT) != <u32>end) return 0;
  for (let i: usize = 0; i < TAIL_BYTES; i += 8) store<u64>(tail + i, 0);
  let to = tail;
  while (at < end) {
    store<u8>(to, load<u8>(at));
    ++to;
    ++at;
  }
  store<u32>(region, <u32>to, END_AT);
  store<u32>(region, <u32>(to + BEYOND), SAFE);
  return tail;
}

/** How many bits of the input are left: negative if more were consumed than there are. */
// @ts-ignore: decorator
@inline
export function bitsLeft(region: usize, at: usize, count: u64): i32 {
  return (<i32>(load<u32>(region, END_AT) - <u32>at) << 3) + <i32>(count & 63);
}

/** The verdict on an input with a fault, or with none: bits behind its end do not count. */
// @ts-ignore: decorator
@inline
export function unlessCut(region: usize, at: usize, count: u64, result: i32): i32 {
  return bitsLeft(region, at, count) < 0 ? CUT : result;
}
