/** The headers of blocks: their kinds (RFC 1951 section 3.2.3), the lengths of stored ones, the codes of others. */
import {
  AT,
  BITS,
  bitsLeft,
  BLOCK_TYPE,
  CODE_LENGTHS,
  CODED,
  COUNT,
  CUT,
  DISTANCE_LENGTHS,
  DISTANCES,
  DISTANCES_CODE,
  DISTANCES_LOOKUP,
  DONE,
  END_AT,
  GO_ON,
  INPUT_END,
  IS_LAST,
  LENGTHS,
  LENGTHS_CODE,
  LENGTHS_REPEAT,
  LITERALS,
  LITERALS_CODE,
  LITERALS_LOOKUP,
  NO_END,
  ORDER,
  PHASE,
  readFrom,
  readTail,
  SAFE,
  STORED,
  STORED_LEFT,
  STORED_LENGTHS,
  TOO_MANY_SYMBOLS,
  unlessCut,
} from './inflate-state';
import {
  buildTable,
  DISTANCE_BITS,
  distanceEntries,
  LENGTHS_BITS,
  lengthsEntries,
  LITERAL_BITS,
  literalEntries,
  NO_CODE,
} from './inflate-tables';

/** The order in which the lengths of the code of code lengths are sent (RFC 1951 section 3.2.7). */
const lengthsOrder = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

/** Between blocks: ends the message, or reads the header of the next block (RFC 1951 section 3.2.3). */
export function readHeader(region: usize): i32 {
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
