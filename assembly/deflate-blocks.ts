/**
 * Blocks (RFC 1951 section 3.2.3): how large the tokens are as a stored block, with the fixed codes and with codes of their own, to the bit;
 * and the writing of the smallest of the three.
 */
import { assignCodes, clear, findSizes } from './deflate-codes';
import {
  BITS,
  BIT_COUNT,
  BLOCK_START,
  DISTANCE_CODES,
  DISTANCE_COUNTS,
  DISTANCE_LENGTHS,
  DISTANCE_SIZES,
  DISTANCES_USED,
  LENGTH_CODES,
  LENGTH_COUNTS,
  LENGTH_LENGTHS,
  LENGTH_SIZES,
  LENGTHS_USED,
  LITERAL_CODES,
  LITERAL_COUNTS,
  LITERAL_LENGTHS,
  LITERAL_SIZES,
  LITERALS_USED,
  OUT,
  OUT_END,
  POSITION,
  RUNS,
  RUNS_END,
  SIZE_SHIFT,
  EXTRA_SHIFT,
  TOKEN,
  TOKENS,
} from './deflate-scratch';
import { END_OF_BLOCK, extraOfDistance, extraOfLength, NO_DISTANCE } from './deflate-tokens';

/** The kind of a block, above the bit that says whether it is the last one, which is never set. */
const FIXED: u32 = 1 << 1;
const DYNAMIC: u32 = 2 << 1;

/** The bits in front of every block: one for the last, two for the kind. */
const KIND_BITS: u32 = 3;

/** How many symbols there are, up to a multiple of eight: literals and lengths, distances, and lengths of codes. */
const LITERAL_SYMBOLS: usize = 288;
const DISTANCE_SYMBOLS: usize = 32;
const LENGTH_SYMBOLS: usize = 24;

/** The longest codes, in bits. */
const MAX_SIZE: u32 = 15;
const MAX_LENGTH_SIZE: u32 = 7;

/** In the run-length encoding of code lengths: the one before again, and zeros. */
const REPEAT: u32 = 16;
const ZEROS_3: u32 = 17;
const ZEROS_11: u32 = 18;

/** The most bytes of a stored block, and the bits of its two lengths. */
const MAX_STORED: usize = 65535;
const STORED_LENGTH_BITS: u32 = 32;

/** The order in which the lengths of the codes for code lengths are sent. */
const order = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);
const LENGTHS_SENT: u32 = 19;

/** The fixed codes (RFC 1951 section 3.2.6). */
const fixedLiterals = memory.data(4 * 288, 16);
const fixedDistances = memory.data(4 * 32, 16);

for (let symbol: u32 = 0; symbol < 288; ++symbol) {
  let size: u32 = 8;
  let code: u32 = 0x30 + symbol;
  if (symbol >= 280) code = 0xc0 + symbol - 280;
  else if (symbol >= 256) {
    size = 7;
    code = symbol - 256;
  } else if (symbol >= 144) {
    size = 9;
    code = 0x190 + symbol - 144;
  }
  store<u32>(fixedLiterals + ((<usize>symbol) << 2), fixedCode(code, size));
}
for (let symbol: u32 = 0; symbol < 32; ++symbol) {
  store<u32>(fixedDistances + ((<usize>symbol) << 2), fixedCode(symbol, 5));
}
addExtraBits(fixedLiterals, fixedDistances);

function fixedCode(code: u32, size: u32): u32 {
  let bits: u32 = 0;
  for (let bit: u32 = 0; bit < size; ++bit) bits |= ((code >> bit) & 1) << (size - 1 - bit);
  return bits | (size << SIZE_SHIFT);
}

/** Adds to the codes how many extra bits follow them. A literal is followed by no distance, which has a code of no bits. */
function addExtraBits(literals: usize, distances: usize): void {
  for (let symbol: u32 = 265; symbol < 285; ++symbol) {
    const at = literals + ((<usize>symbol) << 2);
    store<u32>(at, load<u32>(at) | (extraOfLength(symbol) << EXTRA_SHIFT));
  }
  for (let symbol: u32 = 4; symbol < 30; ++symbol) {
    const at = distances + ((<usize>symbol) << 2);
    store<u32>(at, load<u32>(at) | (extraOfDistance(symbol) << EXTRA_SHIFT));
  }
  store<u32>(distances + ((<usize>NO_DISTANCE) << 2), 0);
}

/** Counts the literals and lengths of a block. The search for matches has counted their distances. */
function count(s: usize, end: usize): void {
  clear(s + LITERAL_COUNTS, 2 * LITERAL_SYMBOLS);
  clear(s + LENGTH_COUNTS, 2 * LENGTH_SYMBOLS);
  const literals = s + LITERAL_COUNTS;
  for (let at = s + TOKENS; at < end; at += 4) {
    const counter = literals + ((load<u32>(at) & 511) << 1);
    store<u16>(counter, load<u16>(counter) + 1);
  }
  store<u16>(literals + 2 * END_OF_BLOCK, 1);
}

/** The sum of counts, a multiple of four of them. No sum within a block needs more than 16 bits. */
// @ts-ignore: decorator
@inline
function sum(counts: usize, from: usize, to: usize): u32 {
  let four: u64 = 0;
  for (let at = counts + (from << 1); at < counts + (to << 1); at += 8) four += load<u64>(at);
  return <u32>((four & 0xffff) + ((four >> 16) & 0xffff) + ((four >> 32) & 0xffff) + (four >> 48));
}

/** How many extra bits all lengths and distances have. */
function countExtraBits(s: usize): u32 {
  let bits: u32 = 0;
  for (let symbol: u32 = 265; symbol < 285; ++symbol) {
    bits += <u32>load<u16>(s + LITERAL_COUNTS + ((<usize>symbol) << 1)) * extraOfLength(symbol);
  }
  for (let symbol: u32 = 4; symbol < 30; ++symbol) {
    bits += <u32>load<u16>(s + DISTANCE_COUNTS + ((<usize>symbol) << 1)) * extraOfDistance(symbol);
  }
  return bits;
}

/** Run-length encodes code lengths (RFC 1951 section 3.2.7), and counts the symbols. @returns where the runs end */
function encodeRuns(s: usize, sizes: usize, length: u32, to: usize): usize {
  const end = sizes + length;
  while (sizes < end) {
    const size = <u32>load<u8>(sizes);
    const start = sizes++;
    if (size == 0) while (sizes + 8 <= end && load<u64>(sizes) == 0) sizes += 8;
    while (sizes < end && <u32>load<u8>(sizes) == size) ++sizes;
    let run = <u32>(sizes - start);
    if (size == 0) {
      while (run >= 11) {
        const zeros = min<u32>(run, 138);
        to = addRun(s, to, ZEROS_11, zeros - 11);
        run -= zeros;
      }
      if (run >= 3) {
        to = addRun(s, to, ZEROS_3, run - 3);
        run = 0;
      }
    } else {
      to = addRun(s, to, size, 0);
      --run;
      while (run >= 3) {
        const again = min<u32>(run, 6);
        to = addRun(s, to, REPEAT, again - 3);
        run -= again;
      }
    }
    for (; run > 0; --run) to = addRun(s, to, size, 0);
  }
  return to;
}

// @ts-ignore: decorator
@inline
function addRun(s: usize, to: usize, symbol: u32, extra: u32): usize {
  const counter = s + LENGTH_COUNTS + ((<usize>symbol) << 1);
  store<u16>(counter, load<u16>(counter) + 1);
  store<u16>(to, <u16>(symbol | (extra << 8)));
  return to + 2;
}

/** How many extra bits a symbol of the run-length encoding has. */
// @ts-ignore: decorator
@inline
function extraOfRun(symbol: u32): u32 {
  if (symbol < REPEAT) return 0;
  return symbol == REPEAT ? 2 : symbol == ZEROS_3 ? 3 : 7;
}

/** How many of the first sizes have to be sent, at least `least`. */
// @ts-ignore: decorator
@inline
function sent(sizes: usize, all: u32, least: u32): u32 {
  while (all > least && load<u8>(sizes + all - 1) == 0) --all;
  return all;
}

/**
 * Finds the best codes for the tokens.
 * @param limit what they may take at most, in bits: nothing else is of interest.
 * @returns how many bits they take, with the header that describes them; or any number that is not below the limit.
 */
function planCodes(s: usize, limit: u32): u32 {
  const literalSizes = s + LITERAL_SIZES;
  const distanceSizes = s + DISTANCE_SIZES;
  const lengthSizes = s + LENGTH_SIZES;
  let bits = findSizes(s, s + LITERAL_COUNTS, LITERAL_SYMBOLS, MAX_SIZE, literalSizes, s + LITERALS_USED);
  bits += findSizes(s, s + DISTANCE_COUNTS, DISTANCE_SYMBOLS, MAX_SIZE, distanceSizes, s + DISTANCES_USED);
  // The kind, three numbers, and at least four lengths of codes for lengths.
  bits += KIND_BITS + 14;
  if (bits + 12 >= limit) return limit;
  const literals = sent(literalSizes, 286, 257);
  const distances = sent(distanceSizes, 30, 1);
  let runs = encodeRuns(s, literalSizes, literals, s + RUNS);
  runs = encodeRuns(s, distanceSizes, distances, runs);
  bits += findSizes(s, s + LENGTH_COUNTS, LENGTH_SYMBOLS, MAX_LENGTH_SIZE, lengthSizes, s + LENGTHS_USED);
  for (let symbol: u32 = REPEAT; symbol <= ZEROS_11; ++symbol) {
    bits += <u32>load<u16>(s + LENGTH_COUNTS + ((<usize>symbol) << 1)) * extraOfRun(symbol);
  }
  let lengths = LENGTHS_SENT;
  while (lengths > 4 && load<u8>(lengthSizes + load<u8>(order + lengths - 1)) == 0) --lengths;
  bits += 3 * lengths;
  store<u32>(s + LITERAL_LENGTHS, literals);
  store<u32>(s + DISTANCE_LENGTHS, distances);
  store<u32>(s + LENGTH_LENGTHS, lengths);
  store<usize>(s + RUNS_END, runs);
  return bits;
}

/** How many bits the block takes if it is stored: each part with its padding and its lengths. */
function storedBits(bitCount: u32, length: usize): u32 {
  let bits = <u32>(length << 3);
  bits += KIND_BITS + ((5 - bitCount) & 7) + STORED_LENGTH_BITS;
  while (length > MAX_STORED) {
    length -= MAX_STORED;
    bits += 8 + STORED_LENGTH_BITS;
  }
  return bits;
}

/**
 * Writes the tokens as a block.
 * @returns false if then the output would not be below its limit with the end that {@link writeEnd} writes. Then nothing is written.
 */
export function writeBlock(s: usize): bool {
  const bitCount = load<u32>(s + BIT_COUNT);
  const tokens = s + TOKENS;
  const tokensEnd = load<usize>(s + TOKEN);
  const start = load<usize>(s + BLOCK_START);
  const length = load<usize>(s + POSITION) - start;
  count(s, tokensEnd);
  const literals = s + LITERAL_COUNTS;
  const stored = storedBits(bitCount, length);
  const extra = countExtraBits(s);
  // 8 bits for each symbol; 9 for the literals from 144 on, 7 for the end and the lengths below 115; 5 for each distance.
  const matches = sum(s + DISTANCE_COUNTS, 0, DISTANCE_SYMBOLS);
  const symbols = <u32>((tokensEnd - tokens) >> 2) + 1;
  const fixed = KIND_BITS + 8 * symbols + sum(literals, 144, 256) - sum(literals, 256, 280) + 5 * matches + extra;
  const other = min(stored, fixed);
  const dynamic = extra >= other ? other : planCodes(s, other - extra) + extra;
  const bits = min(other, dynamic);

  const out = load<usize>(s + OUT);
  if (out + ((bitCount + bits + KIND_BITS + 7) >> 3) > load<usize>(s + OUT_END)) return false;
  if (bits == stored) writeStored(s, start, length);
  else if (bits == fixed) {
    putBits(s, FIXED, KIND_BITS);
    writeTokens(s, tokens, tokensEnd, fixedLiterals, fixedDistances);
  } else {
    assignCodes(s, s + LITERAL_SIZES, s + LITERALS_USED, s + LITERAL_CODES);
    assignCodes(s, s + DISTANCE_SIZES, s + DISTANCES_USED, s + DISTANCE_CODES);
    assignCodes(s, s + LENGTH_SIZES, s + LENGTHS_USED, s + LENGTH_CODES);
    addExtraBits(s + LITERAL_CODES, s + DISTANCE_CODES);
    writeHeader(s);
    writeTokens(s, tokens, tokensEnd, s + LITERAL_CODES, s + DISTANCE_CODES);
  }
  return true;
}

/** Writes the first bits of an empty stored block, whose other bytes, 00 00 FF FF, are left off (RFC 7692 section 7.2.1). */
export function writeEnd(s: usize): usize {
  putBits(s, 0, KIND_BITS);
  putBits(s, 0, 7);
  return load<usize>(s + OUT);
}

/** Writes few bits. */
function putBits(s: usize, bits: u32, size: u32): void {
  const count = load<u32>(s + BIT_COUNT);
  const all = load<u32>(s + BITS) | (bits << count);
  const out = load<usize>(s + OUT);
  const total = count + size;
  store<u32>(out, all);
  store<usize>(s + OUT, out + (total >> 3));
  store<u32>(s + BITS, all >> (total & 24));
  store<u32>(s + BIT_COUNT, total & 7);
}

function writeStored(s: usize, from: usize, length: usize): void {
  while (length > 0) {
    const part = min(length, MAX_STORED);
    putBits(s, 0, KIND_BITS);
    putBits(s, 0, (8 - load<u32>(s + BIT_COUNT)) & 7);
    const out = load<usize>(s + OUT);
    store<u16>(out, <u16>part);
    store<u16>(out, <u16>~part, 2);
    memory.copy(out + 4, from, part);
    store<usize>(s + OUT, out + 4 + part);
    from += part;
    length -= part;
  }
}

/** Writes what describes the codes of a dynamic block (RFC 1951 section 3.2.7). */
function writeHeader(s: usize): void {
  const lengths = load<u32>(s + LENGTH_LENGTHS);
  putBits(s, DYNAMIC, KIND_BITS);
  putBits(s, (load<u32>(s + LITERAL_LENGTHS) - 257) | ((load<u32>(s + DISTANCE_LENGTHS) - 1) << 5) | ((lengths - 4) << 10), 14);
  let out = load<usize>(s + OUT);
  let bits = <u64>load<u32>(s + BITS);
  let n = load<u32>(s + BIT_COUNT);
  for (let i: u32 = 0; i < lengths; ++i) {
    bits |= <u64>load<u8>(s + LENGTH_SIZES + load<u8>(order + i)) << n;
    n += 3;
    store<u64>(out, bits);
    out += n >> 3;
    bits >>= n & 8;
    n &= 7;
  }
  const runsEnd = load<usize>(s + RUNS_END);
  for (let run = s + RUNS; run < runsEnd; run += 2) {
    const word = <u32>load<u16>(run);
    const symbol = word & 0xff;
    const code = load<u32>(s + LENGTH_CODES + ((<usize>symbol) << 2));
    bits |= <u64>(code & 0xffff) << n;
    n += code >> SIZE_SHIFT;
    bits |= <u64>(word >> 8) << n;
    n += extraOfRun(symbol);
    store<u64>(out, bits);
    out += n >> 3;
    bits >>= n & 0x38;
    n &= 7;
  }
  store<usize>(s + OUT, out);
  store<u32>(s + BITS, <u32>bits);
  store<u32>(s + BIT_COUNT, n);
}

/** Writes the codes of the tokens, and that of the end of the block. */
function writeTokens(s: usize, at: usize, end: usize, literals: usize, distances: usize): void {
  let out = load<usize>(s + OUT);
  let bits = <u64>load<u32>(s + BITS);
  let n = load<u32>(s + BIT_COUNT);
  for (; at < end; at += 4) {
    const token = load<u32>(at);
    const code = load<u32>(literals + ((token & 511) << 2));
    bits |= <u64>(code & 0xffff) << n;
    n += (code >> SIZE_SHIFT) & 15;
    const distance = load<u32>(distances + (((token >> 9) & 31) << 2));
    bits |= <u64>((token >> 14) & 31) << n;
    n += code >> EXTRA_SHIFT;
    bits |= <u64>((distance & 0xffff) | ((token >> 19) << ((distance >> SIZE_SHIFT) & 15))) << n;
    n += ((distance >> SIZE_SHIFT) & 15) + (distance >> EXTRA_SHIFT);
    store<u64>(out, bits);
    out += n >> 3;
    bits >>= n & 0x38;
    n &= 7;
  }
  const code = load<u32>(literals + 4 * END_OF_BLOCK);
  bits |= <u64>(code & 0xffff) << n;
  n += code >> SIZE_SHIFT;
  store<u64>(out, bits);
  store<usize>(s + OUT, out + (n >> 3));
  store<u32>(s + BITS, <u32>(bits >> (n & 0x38)));
  store<u32>(s + BIT_COUNT, n & 7);
}
