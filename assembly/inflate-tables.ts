/**
 * Decoding tables for the Huffman codes of DEFLATE (RFC 1951 section 3.2.2). A table is looked up by the next bits of the input,
 * the first bit of a codeword in the lowest place. An entry is 32 bits:
 *
 * | bits     | of a literal | of a length or distance              | of a pointer to a second table |
 * |----------|--------------|--------------------------------------|--------------------------------|
 * | 0 to 7   | bits of the codeword | bits of the codeword and of the extra bits behind it | bits that the first table is looked up by |
 * | 8 to 11  | the same     | bits of the codeword                 | bits that the second table is looked up by |
 * | 13 to 15 | 0            | 0, or END, INVALID with EXCEPTIONAL  | EXCEPTIONAL |
 * | 16 on    | the byte     | the least length (9 bits) or distance (15 bits) | where the second table begins, in entries |
 * | 25 to 29 | 0            | of a length: a mask for the extra bits | |
 * | 31       | 1            | 0                                    | 0 |
 *
 * In a second table, codewords count without the bits that the first table was looked up by.
 */

export const LITERAL: u64 = 0x80000000;
/** Neither a literal nor a length or distance: a pointer, if neither of the next two is set. */
export const EXCEPTIONAL: u64 = 0x8000;
/** The block ends here. */
export const END: u64 = 0x4000;
/** No codeword, or one of a symbol that must not occur. */
export const INVALID: u64 = 0x2000;

/** What `buildTable` returns for a set of codewords that is none: too many, or too few. */
export const NO_CODE: i32 = -1;

/** How many bits the first tables are looked up by at most. */
export const LITERAL_BITS: i32 = 11;
export const DISTANCE_BITS: i32 = 8;
export const LENGTHS_BITS: i32 = 7;

/**
 * Room for the largest tables, in bytes. A second table of 2^b entries has at least b + 1 codewords, which makes 16 entries for
 * 5 of 288 symbols behind the 2048 entries of the first table, and 128 entries for 8 of 32 symbols behind 256.
 */
export const LITERALS_BYTES: i32 = (2048 + 58 * 16) * 4;
export const DISTANCES_BYTES: i32 = (256 + 4 * 128) * 4;
export const LENGTHS_BYTES: i32 = 128 * 4;

/** What `buildTable` works in: how many codewords there are of each length, where they go in the order, and that order. */
export const ORDER_BYTES: i32 = 64 + 64 + 288 * 2;

/** The entries of the symbols, to which the bits of their codewords are added. */
export const literalEntries = memory.data(288 * 4, 16);
export const distanceEntries = memory.data(32 * 4, 16);
export const lengthsEntries = memory.data(19 * 4, 16);

/** A codeword of `bits` bits, to be added to the entry of its symbol. */
// @ts-ignore: decorator
@inline
function codeword(bits: i32): u32 {
  return bits * 0x101;
}

function fillEntries(): void {
  for (let symbol = 0; symbol < 256; ++symbol) {
    store<u32>(literalEntries + <usize>(symbol << 2), <u32>LITERAL | (symbol << 16));
  }
  store<u32>(literalEntries, <u32>(EXCEPTIONAL | END), 256 << 2);
  // RFC 1951 section 3.2.5.
  for (let i = 0; i < 28; ++i) {
    const extra = i < 8 ? 0 : (i >> 2) - 1;
    const least = i < 8 ? 3 + i : 3 + ((4 + (i & 3)) << extra);
    store<u32>(literalEntries + <usize>((257 + i) << 2), extra | (least << 16) | (((1 << extra) - 1) << 25));
  }
  store<u32>(literalEntries, 258 << 16, 285 << 2);
  store<u32>(literalEntries, <u32>(EXCEPTIONAL | INVALID), 286 << 2);
  store<u32>(literalEntries, <u32>(EXCEPTIONAL | INVALID), 287 << 2);
  for (let i = 0; i < 30; ++i) {
    const extra = i < 4 ? 0 : (i >> 1) - 1;
    const least = i < 4 ? 1 + i : 1 + ((2 + (i & 1)) << extra);
    store<u32>(distanceEntries + <usize>(i << 2), extra | (least << 16));
  }
  store<u32>(distanceEntries, <u32>(EXCEPTIONAL | INVALID), 30 << 2);
  store<u32>(distanceEntries, <u32>(EXCEPTIONAL | INVALID), 31 << 2);
  for (let symbol = 0; symbol < 19; ++symbol) store<u32>(lengthsEntries + <usize>(symbol << 2), symbol << 16);
}

fillEntries();

/**
 * Builds the table of a code. Codewords are made from their lengths in the order of RFC 1951 section 3.2.2, with their bits
 * reversed. While the table grows with the length of the codewords, what stands in it is written a second time behind itself, so
 * that every entry is written once.
 *
 * A code without codewords, and one with a single codeword of one bit, are allowed where `mayBeIncomplete`: what has no codeword
 * is INVALID. Without codewords, the code of the code lengths has the symbol 0 everywhere, of one bit: that is how zlib reads it.
 *
 * @param lengths the lengths of the codewords, a byte each, with zeros up to a multiple of eight.
 * @param symbols how many there are, rounded up to a multiple of eight.
 * @param most how many bits the table is looked up by at most.
 * @param entries those of the symbols.
 * @param order ORDER_BYTES of memory, whatever its content.
 * @returns how many bits the table is looked up by, or NO_CODE.
 */
export function buildTable(
  table: usize,
  lengths: usize,
  symbols: i32,
  most: i32,
  entries: usize,
  order: usize,
  mayBeIncomplete: bool,
): i32 {
  const places = order + 64;
  const sorted = order + 128;
  for (let i: usize = 0; i < 64; i += 8) store<u64>(order + i, 0);
  for (let at: i32 = 0; at < symbols; at += 8) {
    let eight = load<u64>(lengths + at);
    while (eight != 0) {
      const count = order + <usize>((eight & 0xff) << 2);
      store<u32>(count, load<u32>(count) + 1);
      eight >>= 8;
    }
  }

  let longest = 15;
  while (longest > 0 && load<u32>(order + (longest << 2)) == 0) --longest;
  if (longest <= 1 && load<u32>(order, 4) < 2) {
    if (!mayBeIncomplete && longest == 1) return NO_CODE;
    const none: u32 = mayBeIncomplete ? <u32>(EXCEPTIONAL | INVALID) + codeword(1) : load<u32>(entries) + codeword(1);
    store<u32>(table, none);
    store<u32>(table, none, 4);
    if (longest == 1) {
      let symbol = 0;
      while (load<u8>(lengths + symbol) == 0) ++symbol;
      store<u32>(table, load<u32>(entries + (symbol << 2)) + codeword(1));
    }
    return 1;
  }

  // How many codewords of each length there is room for, and where in the order they go.
  let shortest = 0;
  let room: i32 = 1;
  let place: i32 = 0;
  for (let length = 1; length <= longest; ++length) {
    const count = load<u32>(order + (length << 2));
    store<u32>(places + (length << 2), place);
    place += count;
    room = (room << 1) - <i32>count;
    if (shortest == 0 && count != 0) shortest = length;
  }
  // Once it is negative, it stays so.
  if (room != 0) return NO_CODE;
  for (let at: i32 = 0; at < symbols; at += 8) {
    let eight = load<u64>(lengths + at);
    let symbol = at;
    while (eight != 0) {
      const length = eight & 0xff;
      if (length != 0) {
        const next = places + <usize>(length << 2);
        const index = load<u32>(next);
        store<u32>(next, index + 1);
        store<u16>(sorted + (index << 1), <u16>symbol);
      }
      eight >>= 8;
      ++symbol;
    }
  }

  const root = min(longest, most);
  let next = sorted;
  let code: u32 = 0;
  let size: u32 = 1 << shortest;
  for (let length = shortest; ; ++length) {
    for (let left = load<u32>(order + (length << 2)); left != 0; --left) {
      store<u32>(table + (code << 2), load<u32>(entries + (<usize>load<u16>(next) << 2)) + codeword(length));
      next += 2;
      code = following(code, size);
    }
    if (length == root) break;
    double(table, size << 2);
    size <<= 1;
  }
  if (root == longest) return root;

  let end = size;
  let prefix: u32 = -1;
  let second: usize = 0;
  let secondSize: u32 = 0;
  for (let length = root + 1; length <= longest; ++length) {
    const bits = length - root;
    for (let left = load<u32>(order + (length << 2)); left != 0; --left) {
      if ((code & (size - 1)) != prefix) {
        prefix = code & (size - 1);
        // As large as the codewords with this prefix need it: they are those that come next.
        let secondBits = bits;
        let used = left;
        while (used < <u32>1 << secondBits && root + secondBits < longest) {
          ++secondBits;
          used = (used << 1) + load<u32>(order + ((root + secondBits) << 2));
        }
        secondSize = 1 << secondBits;
        store<u32>(table + (prefix << 2), <u32>EXCEPTIONAL | (end << 16) | (secondBits << 8) | root);
        second = table + (end << 2);
        end += secondSize;
      }
      const entry = load<u32>(entries + (<usize>load<u16>(next) << 2)) + codeword(bits);
      next += 2;
      for (let index = code >> root; index < secondSize; index += 1 << bits) store<u32>(second + (index << 2), entry);
      code = following(code, 1 << length);
    }
  }
  return root;
}

/** The codeword that follows in order, with bits reversed, among codewords of the same length: `size` is 2 to the power of it. */
// @ts-ignore: decorator
@inline
function following(code: u32, size: u32): u32 {
  const zeros = code ^ (size - 1);
  // The last codeword has no zero, and nothing follows it.
  const bit = <u32>0x80000000 >> clz<u32>(zeros);
  return (code & (bit - 1)) | bit;
}

/** Copies `length` bytes behind themselves: eight, or a multiple of 16. */
// @ts-ignore: decorator
@inline
function double(at: usize, length: u32): void {
  const end = at + length;
  if (ASC_FEATURE_SIMD) {
    if (length > 8) {
      for (; at < end; at += 16) v128.store(at + length, v128.load(at));
      return;
    }
  }
  for (; at < end; at += 8) store<u64>(at + length, load<u64>(at));
}
