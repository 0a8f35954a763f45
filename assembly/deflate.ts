/**
 * Compresses messages for permessage-deflate (RFC 1951, RFC 7692 section 7.2.1). The input lies in the memory, with the history, which matches may
 * reach into, right in front of it. A message may be compressed in slices of time: all that is known of it is in the scratch.
 */
import { writeBlock, writeEnd } from './deflate-blocks';
import { clear } from './deflate-codes';
import { findGreedily, findLazily, HISTORY_STEP, prepareGreedy, prepareLazy } from './deflate-matches';
import {
  ANCHOR,
  BASE,
  BITS,
  BIT_COUNT,
  BLOCK_END,
  BLOCK_START,
  DISTANCE_COUNTS,
  END,
  LAZY,
  OUT,
  OUT_END,
  OUTPUT,
  POSITION,
  TOKEN,
  TOKENS,
  TOKENS_END,
  WINDOW,
} from './deflate-scratch';

/** What a step returns that has not come to the end of the message, and what it returns if the output would be too long. */
const MORE: i32 = -1;
const TOO_LONG: i32 = 0;

/** How many bytes a block has, about, unless it has too many tokens before. */
const BLOCK_BYTES: usize = 65536;

/**
 * Begins a message. The scratch is that of ./deflate-scratch. The input lies behind the first page of the memory, because bytes up to 64 KiB
 * in front of it are read, whatever they are. Up to 8 bytes behind the end of the output are overwritten.
 *
 * @param s where the scratch lies.
 * @param history how many bytes in front of the input matches may reach into.
 * @param windowBits matches reach back by at most 2^windowBits bytes: 8 to 15.
 * @param capacity how long the output may be, in bytes, at most.
 */
export function deflateBegin(
  s: usize,
  input: usize,
  length: usize,
  history: usize,
  windowBits: u32,
  output: usize,
  capacity: usize,
  lazy: bool,
): void {
  const window = <usize>1 << windowBits;
  history = min(history, window);
  store<usize>(s + BASE, input - history);
  store<usize>(s + END, input + length);
  store<usize>(s + POSITION, input);
  store<u32>(s + WINDOW, <u32>window);
  store<usize>(s + OUTPUT, output);
  store<usize>(s + OUT, output);
  store<usize>(s + OUT_END, output + capacity);
  store<u32>(s + BITS, 0);
  store<u32>(s + BIT_COUNT, 0);
  store<u32>(s + LAZY, lazy);
  beginBlock(s, input);
  if (lazy) prepareLazy(s, <u32>(length + history));
  else prepareGreedy(s, <u32>(length + history / HISTORY_STEP));
}

/** The last block takes what would otherwise be a small one behind it. */
function beginBlock(s: usize, at: usize): void {
  const left = load<usize>(s + END) - at;
  store<usize>(s + BLOCK_START, at);
  // No match may be extended into the block before, whose tokens are written.
  store<usize>(s + ANCHOR, at);
  store<usize>(s + BLOCK_END, at + (left <= BLOCK_BYTES + BLOCK_BYTES / 4 ? left : BLOCK_BYTES));
  store<usize>(s + TOKEN, s + TOKENS);
  clear(s + DISTANCE_COUNTS, 2 * 32);
}

/**
 * Goes on with a message.
 * @param budget how many bytes of the input to handle before this returns, about.
 * @returns how long the output is; 0 if that is more than its capacity; -1 if there is more to do.
 */
export function deflateStep(s: usize, budget: usize): i32 {
  const end = load<usize>(s + END);
  const stop = load<usize>(s + POSITION) + min(budget, end - load<usize>(s + POSITION));
  while (true) {
    if (load<u32>(s + LAZY)) findLazily(s, stop);
    else findGreedily(s, stop);
    const at = load<usize>(s + POSITION);
    if (at >= load<usize>(s + BLOCK_END) || load<usize>(s + TOKEN) == s + TOKENS_END) {
      if (!writeBlock(s)) return TOO_LONG;
      if (at == end) return <i32>(writeEnd(s) - load<usize>(s + OUTPUT));
      beginBlock(s, at);
    }
    if (at >= stop) return MORE;
  }
}
