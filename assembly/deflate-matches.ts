/**
 * The search for matches: what comes next in the message becomes tokens, until the block is full or the caller wants to stop. Where it stops
 * has no influence on what is found.
 */
import {
  ANCHOR,
  BASE,
  BLOCK_END,
  BUCKETS,
  CHAINS,
  DISTANCE_COUNTS,
  END,
  HEADS,
  HEADS_OF_3,
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

/** The first shift for three bytes: a table of 4096 entries at most. */
const LEAST_SHIFT_OF_3: u32 = 20;

/**
 * Every so many bytes of the history are entered into the hash table: greedy matches are extended backwards. Lazily, every fourth byte made
 * messages of 1 KiB behind 4 KiB 11 % longer.
 */
const HISTORY_STEP: usize = 4;
const LAZY_HISTORY_STEP: usize = 1;

/** Bytes that a search compares first: a match of three is only looked for when matches are evaluated lazily. */
const WORD: usize = 4;

/** A match of four bytes, or three, costs more than literals if it is farther away, in bytes. */
const FARTHEST_OF_4: u32 = 4096;
const FARTHEST_OF_3: u32 = 512;

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

/** Clears the hash table, whose size is chosen by what will be entered, and enters the history. */
export function prepareGreedy(s: usize, entries: u32): void {
  const bits = min<u32>(max<u32>(32 - clz<u32>(entries), 8), 12);
  const shift = 32 - bits;
  store<u32>(s + SHIFT, shift);
  const buckets = s + BUCKETS;
  memory.fill(buckets, 0, <usize>4 << bits);
  const base = load<usize>(s + BASE);
  const start = load<usize>(s + POSITION);
  const last = load<usize>(s + END) - WORD;
  for (let at = base; at < start && at <= last; at += HISTORY_STEP) {
    const bucket = buckets + (hash(load<u32>(at), shift) << 2);
    store<u32>(bucket, (load<u32>(bucket) << 16) | (<u32>(at - base) & POSITION_MASK));
  }
}

/** Takes the longer one of the two latest matches, at once. */
export function findGreedily(s: usize, stop: usize): void {
  const base = load<usize>(s + BASE);
  const end = load<usize>(s + END);
  const searchEnd = end - WORD + 1;
  const blockEnd = load<usize>(s + BLOCK_END);
  const window = load<u32>(s + WINDOW);
  const shift = load<u32>(s + SHIFT);
  const buckets = s + BUCKETS;
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
      const word = load<u32>(at);
      const bucket = buckets + (hash(word, shift) << 2);
      const found = load<u32>(bucket);
      const position = <u32>(at - base) & POSITION_MASK;
      store<u32>(bucket, (found << 16) | position);
      const reach = min<u32>(<u32>(at - base), window);
      const distance0 = (position - found) & POSITION_MASK;
      const distance1 = (position - (found >> 16)) & POSITION_MASK;
      // The bytes are compared first: that costs less, though they may lie up to 64 KiB in front of the history.
      const is0 = load<u32>(at - distance0) == word && distance0 - 1 < reach;
      const is1 = load<u32>(at - distance1) == word && distance1 - 1 < reach;
      if (is0 | is1) {
        const limit = min(at + MAX_MATCH, end);
        let distance = distance0;
        let matchEnd = at;
        if (is0) matchEnd = endOfMatch(at + WORD, distance0, limit);
        if (is1) {
          const other = endOfMatch(at + WORD, distance1, limit);
          if (other > matchEnd) {
            matchEnd = other;
            distance = distance1;
          }
        }
        let start = at;
        while (
          start > anchor &&
          <u32>(start - base) > distance &&
          matchEnd - start < MAX_MATCH &&
          load<u8>(start - 1) == load<u8>(start - 1 - distance)
        ) {
          --start;
        }
        const length = <u32>(matchEnd - start);
        if (length > 4 || distance <= FARTHEST_OF_4) {
          token -= (at - start) << 2;
          addMatch(s, token, length, distance);
          token += 4;
          const entered = min(matchEnd, searchEnd);
          for (let inside = at + 1; inside < entered; ++inside) {
            const bucket = buckets + (hash(load<u32>(inside), shift) << 2);
            store<u32>(bucket, (load<u32>(bucket) << 16) | (<u32>(inside - base) & POSITION_MASK));
          }
          at = matchEnd;
          anchor = matchEnd;
          continue;
        }
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

/** Enters a position into the chains and into the table for three bytes. */
// @ts-ignore: decorator
@inline
function enter(s: usize, at: usize, base: usize, shift: u32, shiftOf3: u32): void {
  const word = load<u32>(at);
  const position = <u32>(at - base) & POSITION_MASK;
  const head = s + HEADS + (hash(word, shift) << 1);
  store<u16>(s + CHAINS + ((<usize>(position & CHAIN_MASK)) << 1), load<u16>(head));
  store<u16>(head, <u16>position);
  store<u16>(s + HEADS_OF_3 + (hash(word << 8, shiftOf3) << 1), <u16>position);
}

/** As {@link prepareGreedy}, for {@link findLazily}. */
export function prepareLazy(s: usize, entries: u32): void {
  const bits = min<u32>(max<u32>(32 - clz<u32>(entries), 8), 15);
  const shift = 32 - bits;
  const shiftOf3 = max<u32>(shift, LEAST_SHIFT_OF_3);
  store<u32>(s + SHIFT, shift);
  memory.fill(s + HEADS, 0, <usize>2 << bits);
  memory.fill(s + HEADS_OF_3, 0, <usize>2 << (32 - shiftOf3));
  const base = load<usize>(s + BASE);
  const start = load<usize>(s + POSITION);
  const last = load<usize>(s + END) - WORD;
  for (let at = base; at < start && at <= last; at += LAZY_HISTORY_STEP) enter(s, at, base, shift, shiftOf3);
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

/** Finds the longest match at `at` among the latest, and enters the position. */
function search(s: usize, at: usize, base: usize, shift: u32, shiftOf3: u32, end: usize, window: u32, tries: u32): u32 {
  const word = load<u32>(at);
  const position = <u32>(at - base) & POSITION_MASK;
  const reach = min<u32>(<u32>(at - base), window);
  const limit = min(at + MAX_MATCH, end);
  const headOf3 = s + HEADS_OF_3 + (hash(word << 8, shiftOf3) << 1);
  const head = s + HEADS + (hash(word, shift) << 1);
  const chains = s + CHAINS;
  const distanceOf3 = (position - <u32>load<u16>(headOf3)) & POSITION_MASK;
  let next = <u32>load<u16>(head);
  store<u16>(headOf3, <u16>position);
  store<u16>(chains + ((<usize>(position & CHAIN_MASK)) << 1), <u16>next);
  store<u16>(head, <u16>position);

  let best: u32 = 0;
  let length: u32 = 3;
  if (distanceOf3 - 1 < min(reach, FARTHEST_OF_3) && (load<u32>(at - distanceOf3) ^ word) << 8 == 0) {
    best = (3 << 16) | distanceOf3;
  }
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
  const shiftOf3 = max<u32>(shift, LEAST_SHIFT_OF_3);
  const tokensEnd = s + TOKENS_END;
  let at = load<usize>(s + POSITION);
  let token = load<usize>(s + TOKEN);
  stop = min(min(stop, blockEnd), searchEnd);

  while (at < stop && token < tokensEnd) {
    let match = search(s, at, base, shift, shiftOf3, end, window, TRIES);
    if (match == 0) {
      store<u32>(token, literalToken(load<u8>(at)));
      token += 4;
      ++at;
      continue;
    }
    let entered = at + 1;
    while (lengthOf(match) < NICE && at + 1 < searchEnd && token + 4 < tokensEnd) {
      const later = search(s, at + 1, base, shift, shiftOf3, end, window, LATER_TRIES);
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
    for (; entered < last; ++entered) enter(s, entered, base, shift, shiftOf3);
  }
  finish(s, at, token, searchEnd);
}
