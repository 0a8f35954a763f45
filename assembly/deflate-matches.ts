/**
 * The search for matches: what comes next in the message becomes tokens, until the block is full or the caller wants to stop. Where it stops
 * has no influence on what is found.
 */
import {
  ANCHOR,
  BASE,
  BLOCK_END,
  CHAINS,
  DISTANCE_COUNTS,
  END,
  LEAST_MATCH,
  HEADS,
  POSITION,
  SHIFT,
  TOKEN,
  TOKENS_END,
  WINDOW,
} from './deflate-scratch';
import { literalToken, matchToken, MAX_MATCH } from './deflate-tokens';

/** Spreads four bytes over the high bits of a product: 2^32 divided by the golden ratio. */
const MULTIPLIER: u32 = 0x9e3779b1;

/** Positions are kept in 16 bits, and chains in a table for that many positions. */
const POSITION_MASK: u32 = 0xffff;
const CHAIN_MASK: u32 = 0x7fff;

/**
 * The shortest match of the greedy search: four bytes in messages below this length, in bytes, where literals cost more, and five in longer
 * ones. With four everywhere, JSON of 16 KiB took 5 % more time and was 1 to 2 % longer.
 */
const SHORT_MESSAGE: usize = 1024;

/**
 * Every so many bytes of the history are entered into the hash table: greedy matches are extended backwards. Lazily, every fourth byte made
 * messages of 1 KiB behind 4 KiB 11 % longer.
 */
export const HISTORY_STEP: usize = 2;
const LAZY_HISTORY_STEP: usize = 1;

/**
 * Bytes that a search compares first, which no match is shorter than. Matches of three made JSON of 1 KiB 0.3 % shorter, and JSON from 16 KiB
 * on longer, at a tenth of the time.
 */
const WORD: usize = 4;

/** Lazily, a match of four bytes costs more than literals if it is farther away, in bytes. */
const FARTHEST_OF_4: u32 = 4096;

/** A lazy search ends with a match of so many bytes, or after so many positions: fewer where there is a match one byte before. */
const NICE: u32 = 64;
const TRIES: u32 = 64;
const LATER_TRIES: u32 = 32;

// @ts-ignore: decorator
@inline
function hash(bytes: u32, shift: u32): usize {
  return (bytes * MULTIPLIER) >> shift;
}

/** Where the bytes at `at` end to be the same as those `distance` before, at the latest at `end`. */
// @ts-ignore: decorator
@inline
function endOfMatch(at: usize, distance: usize, end: usize): usize {
  while (at + 8 <= end) {
    const difference = load<u64>(at) ^ load<u64>(at - distance);
    if (difference != 0) return at + <usize>(ctz<u64>(difference) >> 3);
    at += 8;
  }
  while (at < end && load<u8>(at) == load<u8>(at - distance)) ++at;
  return at;
}

/** Adds a match to the tokens, and counts its distance. */
// @ts-ignore: decorator
@inline
function addMatch(s: usize, at: usize, length: u32, distance: u32): void {
  const token = matchToken(length, distance);
  store<u32>(at, token);
  const counter = s + DISTANCE_COUNTS + (((token >> 9) & 31) << 1);
  store<u16>(counter, load<u16>(counter) + 1);
}

/** How many of the first eight bytes at `at` are the same as those `distance` before: four bytes behind the end of the message are read. */
// @ts-ignore: decorator
@inline
function equalBytes(at: usize, distance: usize): u32 {
  return <u32>(ctz<u64>(load<u64>(at) ^ load<u64>(at - distance)) >> 3);
}

/** How many of the last eight bytes in front of `at` are the same as those `distance` before. */
// @ts-ignore: decorator
@inline
function equalBytesBefore(at: usize, distance: usize): u32 {
  return <u32>(clz<u64>(load<u64>(at - 8) ^ load<u64>(at - 8 - distance)) >> 3);
}

/** Enters a position into the table of the greedy search, which has one for each hash. */
// @ts-ignore: decorator
@inline
function enterGreedily(heads: usize, at: usize, base: usize, shift: u32): void {
  store<u16>(heads + (hash(load<u32>(at), shift) << 1), <u16>(at - base));
}

/** Clears the hash table, whose size is chosen by what will be entered, and enters the history. */
export function prepareGreedy(s: usize, entries: u32): void {
  const bits = min<u32>(max<u32>(32 - clz<u32>(entries), 8), 14);
  const shift = 32 - bits;
  const base = load<usize>(s + BASE);
  const start = load<usize>(s + POSITION);
  const heads = s + HEADS;
  store<u32>(s + SHIFT, shift);
  store<u32>(s + LEAST_MATCH, load<usize>(s + END) - start < SHORT_MESSAGE ? 4 : 5);
  memory.fill(heads, 0, <usize>2 << bits);
  const last = load<usize>(s + END) - WORD;
  for (let at = base; at < start && at <= last; at += HISTORY_STEP) enterGreedily(heads, at, base, shift);
}

/**
 * Takes the latest match at once. Most of the time is lost where a processor predicts a branch wrongly, so that there are as few as can be: a
 * match is mostly compared in one step, extended backwards in one, and always four more of its positions are entered.
 */
export function findGreedily(s: usize, stop: usize): void {
  const base = load<usize>(s + BASE);
  const end = load<usize>(s + END);
  const searchEnd = end - WORD + 1;
  const blockEnd = load<usize>(s + BLOCK_END);
  const window = load<u32>(s + WINDOW);
  const shift = load<u32>(s + SHIFT);
  const leastMatch = load<u32>(s + LEAST_MATCH);
  const heads = s + HEADS;
  const tokensEnd = s + TOKENS_END;
  let at = load<usize>(s + POSITION);
  let anchor = load<usize>(s + ANCHOR);
  let token = load<usize>(s + TOKEN);
  stop = min(min(stop, blockEnd), searchEnd);

  while (true) {
    // A token for each byte is the most that there can be.
    const safe = min(stop, at + ((tokensEnd - token) >> 2));
    if (at >= safe) break;
    while (at < safe) {
      const head = heads + (hash(load<u32>(at), shift) << 1);
      const position = <u32>(at - base);
      const distance = (position - load<u16>(head)) & POSITION_MASK;
      store<u16>(head, <u16>position);
      // The bytes are compared whether or not they are within reach: they lie up to 64 KiB in front of `at`.
      const equal = select<u32>(equalBytes(at, distance), 0, distance - 1 < min<u32>(position, window));
      if (equal >= leastMatch) {
        const limit = min(at + MAX_MATCH, end);
        const matchEnd = equal < 8 ? min(at + equal, limit) : endOfMatch(min(at + 8, limit), distance, limit);
        const before = min<u32>(
          min<u32>(equalBytesBefore(at, distance), <u32>(at - anchor)),
          min<u32>(position - distance, MAX_MATCH - <u32>(matchEnd - at)),
        );
        token -= (<usize>before) << 2;
        addMatch(s, token, <u32>(matchEnd - at) + before, distance);
        token += 4;
        enterGreedily(heads, at + 1, base, shift);
        enterGreedily(heads, at + 2, base, shift);
        enterGreedily(heads, at + 3, base, shift);
        enterGreedily(heads, matchEnd - 1, base, shift);
        at = matchEnd;
        anchor = matchEnd;
        continue;
      }
      store<u32>(token, literalToken(load<u8>(at)));
      token += 4;
      ++at;
    }
  }
  store<usize>(s + ANCHOR, anchor);
  finish(s, at, token, searchEnd);
}

/** Ends a search: the last bytes of a block are too few to be searched for. Where the search goes on is kept. */
function finish(s: usize, at: usize, token: usize, searchEnd: usize): void {
  const blockEnd = load<usize>(s + BLOCK_END);
  const tokensEnd = s + TOKENS_END;
  while (at >= searchEnd && at < blockEnd && token < tokensEnd) {
    store<u32>(token, literalToken(load<u8>(at)));
    token += 4;
    ++at;
  }
  store<usize>(s + POSITION, at);
  store<usize>(s + TOKEN, token);
}

/** Enters a position into the chains. @returns the latest one before with the same hash */
// @ts-ignore: decorator
@inline
function enter(s: usize, at: usize, base: usize, shift: u32): u32 {
  const position = <u32>(at - base) & POSITION_MASK;
  const head = s + HEADS + (hash(load<u32>(at), shift) << 1);
  const before = <u32>load<u16>(head);
  store<u16>(s + CHAINS + ((<usize>(position & CHAIN_MASK)) << 1), <u16>before);
  store<u16>(head, <u16>position);
  return before;
}

/** As {@link prepareGreedy}, for {@link findLazily}. */
export function prepareLazy(s: usize, entries: u32): void {
  const bits = min<u32>(max<u32>(32 - clz<u32>(entries), 8), 15);
  const shift = 32 - bits;
  store<u32>(s + SHIFT, shift);
  memory.fill(s + HEADS, 0, <usize>2 << bits);
  const base = load<usize>(s + BASE);
  const start = load<usize>(s + POSITION);
  const last = load<usize>(s + END) - WORD;
  for (let at = base; at < start && at <= last; at += LAZY_HISTORY_STEP) enter(s, at, base, shift);
}

/** A match as the search for it returns it: the length above 16 bits, and the distance; 0 if there is none. */
// @ts-ignore: decorator
@inline
function lengthOf(match: u32): u32 {
  return match >> 16;
}

// @ts-ignore: decorator
@inline
function distanceOf(match: u32): u32 {
  return match & 0xffff;
}

/** Finds the longest match at `at` among the latest, and enters the position. Both calls are inlined: that saves a tenth of the time. */
// @ts-ignore: decorator
@inline
function search(s: usize, at: usize, base: usize, shift: u32, end: usize, window: u32, tries: u32): u32 {
  const word = load<u32>(at);
  const position = <u32>(at - base) & POSITION_MASK;
  const reach = min<u32>(<u32>(at - base), window);
  const limit = min(at + MAX_MATCH, end);
  const chains = s + CHAINS;
  let next = enter(s, at, base, shift);

  let best: u32 = 0;
  let length: u32 = <u32>WORD - 1;
  let last: u32 = 0;
  for (; tries > 0; --tries) {
    const distance = (position - next) & POSITION_MASK;
    if (distance - 1 >= reach || distance <= last) break;
    last = distance;
    const from = at - distance;
    // The last four bytes of a longer match, which differ more often than the first.
    if (load<u32>(from + length - 3) == load<u32>(at + length - 3) && load<u32>(from) == word) {
      const matchEnd = endOfMatch(at + WORD, distance, limit);
      const found = <u32>(matchEnd - at);
      if (found > length && (found > 4 || distance <= FARTHEST_OF_4)) {
        length = found;
        best = (found << 16) | distance;
        if (matchEnd == limit || found >= NICE) break;
      }
    }
    next = <u32>load<u16>(chains + ((<usize>(next & CHAIN_MASK)) << 1));
  }
  return best;
}

/** Four times what a match saves, about: its length, less what a far one costs. */
// @ts-ignore: decorator
@inline
function valueOf(match: u32): i32 {
  return <i32>(4 * lengthOf(match)) - (31 - <i32>clz<u32>(distanceOf(match)));
}

/** Takes a match only if there is no better one a byte later. */
export function findLazily(s: usize, stop: usize): void {
  const base = load<usize>(s + BASE);
  const end = load<usize>(s + END);
  const searchEnd = end - WORD + 1;
  const blockEnd = load<usize>(s + BLOCK_END);
  const window = load<u32>(s + WINDOW);
  const shift = load<u32>(s + SHIFT);
  const tokensEnd = s + TOKENS_END;
  let at = load<usize>(s + POSITION);
  let token = load<usize>(s + TOKEN);
  stop = min(min(stop, blockEnd), searchEnd);

  while (at < stop && token < tokensEnd) {
    let match = search(s, at, base, shift, end, window, TRIES);
    if (match == 0) {
      store<u32>(token, literalToken(load<u8>(at)));
      token += 4;
      ++at;
      continue;
    }
    let entered = at + 1;
    while (lengthOf(match) < NICE && at + 1 < searchEnd && token + 4 < tokensEnd) {
      const later = search(s, at + 1, base, shift, end, window, LATER_TRIES);
      entered = at + 2;
      if (later == 0 || valueOf(later) <= valueOf(match)) break;
      store<u32>(token, literalToken(load<u8>(at)));
      token += 4;
      ++at;
      match = later;
    }
    addMatch(s, token, lengthOf(match), distanceOf(match));
    token += 4;
    at += lengthOf(match);
    const last = min(at, searchEnd);
    for (; entered < last; ++entered) enter(s, entered, base, shift);
  }
  finish(s, at, token, searchEnd);
}
