/**
 * INFLATE (RFC 1951) of one message (RFC 7692 section 7.2.2). Input, history and output lie in memory as a whole, the history right
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
  buildTable,
  DISTANCE_BITS,
  DISTANCES_BYTES,
  distanceEntries,
  END,
  EXCEPTIONAL,
  INVALID,
  LENGTHS_BITS,
  LENGTHS_BYTES,
  LITERAL,
  LITERAL_BITS,
  LITERALS_BYTES,
  lengthsEntries,
  literalEntries,
  NO_CODE,
  ORDER_BYTES,
} from './inflate-tables';

// The state, by offsets. All are u32, but for BITS.
/** The next byte of the input that is not in the bit buffer. */
const AT: usize = 0;
/** Where the input ends, or its copy if that is read. */
const END_AT: usize = 4;
/** The last place at which two refills can be made one behind the other. */
const SAFE: usize = 8;
const INPUT_END: usize = 12;
const BITS: usize = 16;
const COUNT: usize = 24;
const OUT: usize = 28;
/** Where the output began, and where the history in front of it begins. */
const OUT_BEGIN: usize = 32;
const OLDEST: usize = 36;
const PHASE: usize = 40;
/** Whether the block is, or was, the last one of a stream (BFINAL). */
const IS_LAST: usize = 44;
/** How many bytes of a stored block are still to be copied. */
const STORED_LEFT: usize = 48;
/** By how many bits the tables of the block are looked up; 0 stands for the fixed codes. */
const LITERALS_LOOKUP: usize = 52;
const DISTANCES_LOOKUP: usize = 56;

const TAIL: usize = 64;
const TAIL_BYTES: usize = 48;
const FIXED_LITERALS: usize = TAIL + TAIL_BYTES;
const FIXED_DISTANCES: usize = FIXED_LITERALS + 2048;
const LITERALS: usize = FIXED_DISTANCES + 128;
const DISTANCES: usize = LITERALS + LITERALS_BYTES;
const CODE_LENGTHS: usize = DISTANCES + DISTANCES_BYTES;
const LENGTHS: usize = CODE_LENGTHS + LENGTHS_BYTES;
const DISTANCE_LENGTHS: usize = LENGTHS + 336;
const ORDER: usize = DISTANCE_LENGTHS + 32;

const FIXED_LITERAL_BITS: i32 = 9;
const FIXED_DISTANCE_BITS: i32 = 5;

/** How far in front of its end the input itself is read: two refills load 15 bytes. */
const REFILLS: usize = 16;
/** How far behind its end the copy is read: beyond that, more than the input had is consumed. */
const BEYOND: usize = 8;

/** Free room that one round of the fast loop needs: three literals, a match, and what its copy writes beyond. */
const FAST_ROOM: usize = 3 + 258 + 31;

// Phases.
const HEADER: u32 = 0;
const STORED: u32 = 1;
const CODED: u32 = 2;

// What a block's header costs of the work, in bytes of output that take as long, about.
const STORED_WORK: i64 = 32;
const FIXED_WORK: i64 = 16;
const DYNAMIC_WORK: i64 = 2048;

// Results, as in src/kernels/inflater.ts.
const DONE: i32 = 0;
const NEEDS_ROOM: i32 = 1;
const PAUSED: i32 = 2;
const CUT: i32 = 3;
const BLOCK_TYPE: i32 = 4;
const STORED_LENGTHS: i32 = 5;
const TOO_MANY_SYMBOLS: i32 = 6;
const LENGTHS_CODE: i32 = 7;
const LENGTHS_REPEAT: i32 = 8;
const NO_END: i32 = 9;
const LITERALS_CODE: i32 = 10;
const DISTANCES_CODE: i32 = 11;
const LITERAL_SYMBOL: i32 = 12;
const DISTANCE_SYMBOL: i32 = 13;
const TOO_FAR: i32 = 14;
/** Not a result of a call: there is more to do. */
const GO_ON: i32 = -1;

/** The order in which the lengths of the code of code lengths are sent (RFC 1951 section 3.2.7). */
const lengthsOrder = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

/** For distances below 8: eight bytes that repeat the bytes of such a distance are these bytes, times the number here. */
const repeats = memory.data(8 * 8, 16);
/** How many of eight such bytes are whole repetitions. */
const wholes = memory.data<u8>([8, 8, 8, 6, 8, 5, 6, 7]);

for (let distance = 1; distance < 8; ++distance) {
  let repeat: u64 = 0;
  for (let at = 0; at < 8; at += distance) repeat |= <u64>1 << (at << 3);
  store<u64>(repeats + <usize>(distance << 3), repeat);
}

/** How many bytes of a region are used. The caller gives what src/kernels/inflater.ts says, which a test compares. */
export function inflateRegionBytes(): i32 {
  return <i32>ORDER + ORDER_BYTES;
}

/** Makes a region ready: its tables of fixed codes (RFC 1951 section 3.2.6). Once is enough. */
export function inflateInit(region: usize): void {
  const lengths = region + LENGTHS;
  memory.fill(lengths, 8, 144);
  memory.fill(lengths + 144, 9, 112);
  memory.fill(lengths + 256, 7, 24);
  memory.fill(lengths + 280, 8, 8);
  buildTable(region + FIXED_LITERALS, lengths, 288, FIXED_LITERAL_BITS, literalEntries, region + ORDER, false);
  memory.fill(lengths, 5, 32);
  buildTable(region + FIXED_DISTANCES, lengths, 32, FIXED_DISTANCE_BITS, distanceEntries, region + ORDER, false);
}

/**
 * Begins a message, whose `length` bytes lie at `from`. `history` bytes lie in front of `out`.
 * @returns as `inflateGoOn`.
 */
export function inflate(region: usize, from: usize, length: usize, out: usize, history: usize, limit: usize, work: u32): i32 {
  store<u32>(region, <u32>(from + length), INPUT_END);
  store<u32>(region, <u32>out, OUT);
  store<u32>(region, <u32>out, OUT_BEGIN);
  store<u32>(region, <u32>(out - history), OLDEST);
  store<u32>(region, HEADER, PHASE);
  store<u32>(region, 0, IS_LAST);
  readFrom(region, from);
  return inflateGoOn(region, limit, work);
}

/**
 * Goes on with the message of a region, up to `limit`, where nothing is written any more, or until about as many bytes are
 * written as `work` tells, with the headers of blocks in it.
 * @returns one of the results above. After NEEDS_ROOM and PAUSED one may go on.
 */
export function inflateGoOn(region: usize, limit: usize, work: u32): i32 {
  let left: i64 = work;
  let result: i32;
  do {
    const phase = load<u32>(region, PHASE);
    if (phase == HEADER) {
      if (left <= 0) return PAUSED;
      result = readHeader(region);
      const type = load<u32>(region, PHASE);
      left -= type == STORED ? STORED_WORK : load<u32>(region, LITERALS_LOOKUP) == 0 ? FIXED_WORK : DYNAMIC_WORK;
    } else {
      const out = <usize>load<u32>(region, OUT);
      // At the limit itself there is no pause: the message may be over.
      const pause: usize = <i64>limit - out <= left ? <usize>-1 : out + <usize>(left > 0 ? left : 0);
      result = phase == STORED ? copyStored(region, limit, pause) : decode(region, limit, pause);
      left -= <i64>(load<u32>(region, OUT) - <u32>out);
    }
  } while (result == GO_ON);
  return result;
}

/** Reads on at this place of the input, with an empty bit buffer. */
function readFrom(region: usize, at: usize): void {
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
function readTail(region: usize, at: usize): usize {
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
function bitsLeft(region: usize, at: usize, count: u64): i32 {
  return (<i32>(load<u32>(region, END_AT) - <u32>at) << 3) + <i32>(count & 63);
}

/** The verdict on an input with a fault, or with none: bits behind its end do not count. */
// @ts-ignore: decorator
@inline
function unlessCut(region: usize, at: usize, count: u64, result: i32): i32 {
  return bitsLeft(region, at, count) < 0 ? CUT : result;
}

/** Between blocks: ends the message, or reads the header of the next block (RFC 1951 section 3.2.3). */
function readHeader(region: usize): i32 {
  let at = <usize>load<u32>(region, AT);
  let bits = load<u64>(region, BITS);
  let count = <u64>load<u32>(region, COUNT) & 63;
  if (load<u32>(region, IS_LAST) != 0) {
    // The stream is over, and the next one begins with the next byte (RFC 7692 section 7.2.3.4).
    bits >>= count & 7;
    count &= 56;
  }
  const left = bitsLeft(region, at, count);
  if (left == 0) return DONE;
  if (at > <usize>load<u32>(region, SAFE)) {
    at = readTail(region, at);
    if (at == 0) return CUT;
  }
  bits |= load<u64>(at) << count;
  at += 7 - <usize>(count >> 3);
  count |= 56;
  // No block begins in what is left of the last byte.
  if (left < 3) return (bits & ((1 << left) - 1)) == 0 ? DONE : CUT;
  const type = (bits >> 1) & 3;
  store<u32>(region, <u32>(bits & 1), IS_LAST);
  bits >>= 3;
  count -= 3;
  if (type == 3) return BLOCK_TYPE;
  if (type == 0) return beginStored(region, at, count);
  store<u32>(region, CODED, PHASE);
  store<u32>(region, <u32>at, AT);
  store<u64>(region, bits, BITS);
  store<u32>(region, <u32>count, COUNT);
  if (type == 2) return readCodes(region);
  store<u32>(region, 0, LITERALS_LOOKUP);
  return GO_ON;
}

/**
 * Begins a stored block (RFC 1951 section 3.2.4). The last one of a message has no lengths: they are the four bytes that RFC 7692
 * section 7.2.1 leaves out, and section 7.2.2 puts back.
 */
function beginStored(region: usize, at: usize, count: u64): i32 {
  const left = <usize>load<u32>(region, END_AT) - (at - <usize>(count >> 3));
  if (left == 0) return DONE;
  if (left < 4) return CUT;
  const from = <usize>load<u32>(region, INPUT_END) - left;
  const lengths = load<u32>(from);
  const length = lengths & 0xffff;
  if (length != ~lengths >> 16) return STORED_LENGTHS;
  if (length > <u32>left - 4) return CUT;
  store<u32>(region, STORED, PHASE);
  store<u32>(region, length, STORED_LEFT);
  readFrom(region, from + 4);
  return GO_ON;
}

function copyStored(region: usize, limit: usize, pause: usize): i32 {
  const left = <usize>load<u32>(region, STORED_LEFT);
  const at = <usize>load<u32>(region, AT);
  const out = <usize>load<u32>(region, OUT);
  const length = min(left, min(limit, pause) - out);
  memory.copy(out, at, length);
  store<u32>(region, <u32>(at + length), AT);
  store<u32>(region, <u32>(out + length), OUT);
  store<u32>(region, <u32>(left - length), STORED_LEFT);
  if (length != left) return out + length == limit ? NEEDS_ROOM : PAUSED;
  store<u32>(region, HEADER, PHASE);
  return GO_ON;
}

/** Reads the codes of a block (RFC 1951 section 3.2.7), and builds its tables. */
function readCodes(region: usize): i32 {
  let at = <usize>load<u32>(region, AT);
  let bits = load<u64>(region, BITS);
  let count = <u64>load<u32>(region, COUNT);
  let safe = <usize>load<u32>(region, SAFE);
  const lengths = region + LENGTHS;
  const order = region + ORDER;

  const literals = 257 + <i32>(bits & 31);
  const distances = 1 + <i32>((bits >> 5) & 31);
  let left = 4 + <i32>((bits >> 10) & 15);
  bits >>= 14;
  count -= 14;
  if (literals > 286 || distances > 30) return unlessCut(region, at, count, TOO_MANY_SYMBOLS);

  store<u64>(lengths, 0);
  store<u64>(lengths, 0, 8);
  store<u64>(lengths, 0, 16);
  // At least 39 bits are there, and another 56 after a refill: 19 lengths have 57.
  for (let i: usize = 0; left > 0; --left, ++i) {
    if (i == 12) {
      if (at > safe) {
        at = readTail(region, at);
        if (at == 0) return CUT;
        safe = <usize>load<u32>(region, SAFE);
      }
      bits |= load<u64>(at) << count;
      at += 7 - <usize>((count >> 3) & 7);
      count |= 56;
    }
    store<u8>(lengths + <usize>load<u8>(lengthsOrder + i), <u8>(bits & 7));
    bits >>= 3;
    count -= 3;
  }
  const table = region + CODE_LENGTHS;
  const root = buildTable(table, lengths, 24, LENGTHS_BITS, lengthsEntries, order, false);
  if (root == NO_CODE) return unlessCut(region, at, count, LENGTHS_CODE);

  const mask: u64 = (1 << root) - 1;
  const total = lengths + literals + distances;
  let to = lengths;
  while (to < total) {
    if ((count & 63) < 14) {
      if (at > safe) {
        at = readTail(region, at);
        if (at == 0) return CUT;
        safe = <usize>load<u32>(region, SAFE);
      }
      bits |= load<u64>(at) << count;
      at += 7 - <usize>((count >> 3) & 7);
      count |= 56;
    }
    const entry = <u64>load<u32>(table + <usize>((bits & mask) << 2));
    bits >>= entry;
    count -= entry;
    const symbol = <u32>entry >> 16;
    if (symbol < 16) {
      store<u8>(to, <u8>symbol);
      ++to;
      continue;
    }
    let value: u64 = 0;
    let times: usize;
    if (symbol == 16) {
      if (to == lengths) return unlessCut(region, at, count - 2, LENGTHS_REPEAT);
      value = <u64>load<u8>(to - 1) * 0x0101010101010101;
      times = 3 + <usize>(bits & 3);
      bits >>= 2;
      count -= 2;
    } else if (symbol == 17) {
      times = 3 + <usize>(bits & 7);
      bits >>= 3;
      count -= 3;
    } else {
      times = 11 + <usize>(bits & 127);
      bits >>= 7;
      count -= 7;
    }
    const end = to + times;
    if (end > total) return unlessCut(region, at, count, LENGTHS_REPEAT);
    for (; to < end; to += 8) store<u64>(to, value);
    to = end;
  }
  if (bitsLeft(region, at, count) < 0) return CUT;
  if (load<u8>(lengths, 256) == 0) return NO_END;

  // Those of distances get a place of their own, and both get zeros behind them.
  const distanceLengths = region + DISTANCE_LENGTHS;
  const from = lengths + literals;
  store<u64>(distanceLengths, load<u64>(from));
  store<u64>(distanceLengths, load<u64>(from, 8), 8);
  store<u64>(distanceLengths, load<u64>(from, 16), 16);
  store<u64>(distanceLengths, load<u64>(from, 24), 24);
  for (let i = distances; i < 32; ++i) store<u8>(distanceLengths + i, 0);
  for (let i = literals; i < 288; ++i) store<u8>(lengths + i, 0);
  const literalBits = buildTable(region + LITERALS, lengths, 288, LITERAL_BITS, literalEntries, order, true);
  if (literalBits == NO_CODE) return LITERALS_CODE;
  const distanceBits = buildTable(
    region + DISTANCES,
    distanceLengths,
    32,
    DISTANCE_BITS,
    distanceEntries,
    order,
    true,
  );
  if (distanceBits == NO_CODE) return DISTANCES_CODE;
  store<u32>(region, literalBits, LITERALS_LOOKUP);
  store<u32>(region, distanceBits, DISTANCES_LOOKUP);
  store<u32>(region, <u32>at, AT);
  store<u64>(region, bits, BITS);
  store<u32>(region, <u32>count, COUNT);
  return GO_ON;
}

/**
 * The symbols of a block, up to its end, to the limit, or to where it pauses. The fast loop goes on while there is room for all that
 * a round can write and input for all that it can read; the careful part behind it does one symbol, and looks before it writes.
 */
function decode(region: usize, limit: usize, pause: usize): i32 {
  let at = <usize>load<u32>(region, AT);
  let bits = load<u64>(region, BITS);
  let count = <u64>load<u32>(region, COUNT);
  let out = <usize>load<u32>(region, OUT);
  let safe = <usize>load<u32>(region, SAFE);
  const oldest = <usize>load<u32>(region, OLDEST);
  const literalBits = load<u32>(region, LITERALS_LOOKUP);
  const isFixed = literalBits == 0;
  const literals = region + (isFixed ? FIXED_LITERALS : LITERALS);
  const literalMask: u32 = (1 << (isFixed ? FIXED_LITERAL_BITS : literalBits)) - 1;
  const distances = region + (isFixed ? FIXED_DISTANCES : DISTANCES);
  const distanceMask: u32 = (1 << (isFixed ? FIXED_DISTANCE_BITS : load<u32>(region, DISTANCES_LOOKUP))) - 1;
  const fast = min(limit - FAST_ROOM, pause);

  let result: i32 = GO_ON;
  let entry: u64 = 0;
  while (true) {
    while (at <= safe && out < fast) {
      bits |= load<u64>(at) << count;
      at += 7 - <usize>((count >> 3) & 7);
      count |= 56;
      entry = <u64>load<u32>(literals + ((<u32>bits & literalMask) << 2));
      // At most three literals of 11 bits, or two and a length of 15 and 5, or 11 and 20.
      if (entry & LITERAL) {
        bits >>= entry;
        count -= entry;
        store<u8>(out, <u8>(entry >> 16));
        entry = <u64>load<u32>(literals + ((<u32>bits & literalMask) << 2));
        ++out;
        if (entry & LITERAL) {
          bits >>= entry;
          count -= entry;
          store<u8>(out, <u8>(entry >> 16));
          entry = <u64>load<u32>(literals + ((<u32>bits & literalMask) << 2));
          ++out;
          if (entry & LITERAL) {
            bits >>= entry;
            count -= entry;
            store<u8>(out, <u8>(entry >> 16));
            ++out;
            continue;
          }
        }
      }
      if (entry & EXCEPTIONAL) {
        if ((entry & (END | INVALID)) == 0) {
          bits >>= entry;
          count -= entry;
          entry = second(literals, entry, bits);
          if (entry & LITERAL) {
            bits >>= entry;
            count -= entry;
            store<u8>(out, <u8>(entry >> 16));
            ++out;
            continue;
          }
        }
        if (entry & EXCEPTIONAL) {
          bits >>= entry;
          count -= entry;
          store<u32>(region, HEADER, PHASE);
          result = unlessCut(region, at, count, entry & END ? GO_ON : LITERAL_SYMBOL);
          break;
        }
      }
      const length = lengthOf(entry, bits);
      bits >>= entry;
      count -= entry;
      bits |= load<u64>(at) << count;
      at += 7 - <usize>((count >> 3) & 7);
      count |= 56;
      entry = <u64>load<u32>(distances + ((<u32>bits & distanceMask) << 2));
      if (entry & EXCEPTIONAL) {
        if ((entry & INVALID) == 0) {
          bits >>= entry;
          count -= entry;
          entry = second(distances, entry, bits);
        }
        if (entry & INVALID) {
          result = unlessCut(region, at, count - entry, DISTANCE_SYMBOL);
          break;
        }
      }
      const distance = distanceOf(entry, bits);
      bits >>= entry;
      count -= entry;
      if (distance > out - oldest) {
        result = unlessCut(region, at, count, TOO_FAR);
        break;
      }
      const end = out + length;
      let from = out - distance;
      if (ASC_FEATURE_SIMD) {
        if (distance >= 16) {
          v128.store(out, v128.load(from));
          v128.store(out, v128.load(from, 16), 16);
          if (length > 32) {
            do {
              out += 32;
              from += 32;
              v128.store(out, v128.load(from));
              v128.store(out, v128.load(from, 16), 16);
            } while (out + 32 < end);
          }
          out = end;
          continue;
        }
      }
      if (distance >= 8) {
        do {
          store<u64>(out, load<u64>(from));
          out += 8;
          from += 8;
        } while (out < end);
      } else {
        const eight =
          (load<u64>(from) & (((<u64>1) << (distance << 3)) - 1)) * load<u64>(repeats + (distance << 3));
        const step = <usize>load<u8>(wholes + distance);
        do {
          store<u64>(out, eight);
          out += step;
        } while (out < end);
      }
      out = end;
    }
    if (result != GO_ON || load<u32>(region, PHASE) == HEADER) break;

    if (out >= pause) {
      result = PAUSED;
      break;
    }
    if (at > safe) {
      at = readTail(region, at);
      if (at == 0) {
        result = CUT;
        break;
      }
      safe = <usize>load<u32>(region, SAFE);
      continue;
    }

    bits |= load<u64>(at) << count;
    at += 7 - <usize>((count >> 3) & 7);
    count |= 56;
    const symbolAt = at;
    const symbolBits = bits;
    const symbolCount = count;
    entry = <u64>load<u32>(literals + ((<u32>bits & literalMask) << 2));
    if ((entry & EXCEPTIONAL) != 0 && (entry & (END | INVALID)) == 0) {
      bits >>= entry;
      count -= entry;
      entry = second(literals, entry, bits);
    }
    let length: usize = 1;
    let distance: usize = 0;
    if (entry & (LITERAL | EXCEPTIONAL)) {
      bits >>= entry;
      count -= entry;
      if (entry & EXCEPTIONAL) {
        store<u32>(region, HEADER, PHASE);
        result = unlessCut(region, at, count, entry & END ? GO_ON : LITERAL_SYMBOL);
        break;
      }
    } else {
      length = lengthOf(entry, bits);
      bits >>= entry;
      count -= entry;
      bits |= load<u64>(at) << count;
      at += 7 - <usize>((count >> 3) & 7);
      count |= 56;
      let far = <u64>load<u32>(distances + ((<u32>bits & distanceMask) << 2));
      if ((far & EXCEPTIONAL) != 0 && (far & INVALID) == 0) {
        bits >>= far;
        count -= far;
        far = second(distances, far, bits);
      }
      distance = distanceOf(far, bits);
      bits >>= far;
      count -= far;
      if (far & INVALID) {
        result = unlessCut(region, at, count, DISTANCE_SYMBOL);
        break;
      }
      if (distance > out - oldest) {
        result = unlessCut(region, at, count, TOO_FAR);
        break;
      }
    }
    if (bitsLeft(region, at, count) < 0) {
      result = CUT;
      break;
    }
    if (length > limit - out) {
      at = symbolAt;
      bits = symbolBits;
      count = symbolCount;
      result = NEEDS_ROOM;
      break;
    }
    if (distance == 0) {
      store<u8>(out, <u8>(entry >> 16));
      ++out;
    } else {
      const end = out + length;
      for (; out < end; ++out) store<u8>(out, load<u8>(out - distance));
    }
  }
  store<u32>(region, <u32>at, AT);
  store<u64>(region, bits, BITS);
  store<u32>(region, <u32>(count & 63), COUNT);
  store<u32>(region, <u32>out, OUT);
  return result;
}

/** An entry of the second table that a pointer leads to. The bits of the first are consumed. */
// @ts-ignore: decorator
@inline
function second(table: usize, pointer: u64, bits: u64): u64 {
  const index = <u32>(pointer >> 16) + (<u32>bits & ((1 << (<u32>(pointer >> 8) & 15)) - 1));
  return <u64>load<u32>(table + (index << 2));
}

/** The length that an entry and the extra bits behind its codeword stand for. */
// @ts-ignore: decorator
@inline
function lengthOf(entry: u64, bits: u64): usize {
  return <usize>(((entry >> 16) & 0x1ff) + ((bits >> ((entry >> 8) & 15)) & (entry >> 25)));
}

/** The distance, likewise. */
// @ts-ignore: decorator
@inline
function distanceOf(entry: u64, bits: u64): usize {
  return <usize>((entry >> 16) + ((bits & (((<u64>1) << entry) - 1)) >> ((entry >> 8) & 15)));
}
