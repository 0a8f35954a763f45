/**
 * What a block consists of between the search for matches and the writing of codes: a token of 32 bits for each literal and each match.
 *
 * | bits     | what |
 * |----------|------|
 * | 0 to 8   | the symbol: a literal, or that of the length (RFC 1951 section 3.2.5) |
 * | 9 to 13  | the symbol of the distance; {@link NO_DISTANCE} for a literal |
 * | 14 to 18 | the extra bits of the length |
 * | 19 to 31 | the extra bits of the distance |
 */

/** No distance has this symbol. Literals have it, so that all tokens can be counted in the same way. */
export const NO_DISTANCE: u32 = 30;

/** The shortest match, and the longest. */
export const MIN_MATCH: u32 = 3;
export const MAX_MATCH: u32 = 258;

/** The symbol that ends a block. */
export const END_OF_BLOCK: u32 = 256;

/** The first symbol of a length. The symbols 265 to 284 have extra bits. */
const FIRST_LENGTH: u32 = 257;
const LENGTH_258: u32 = 285;

/** By length less {@link MIN_MATCH}: the part of the token that tells it. */
const lengths = memory.data(256 * 4, 16);

for (let rest: u32 = 0; rest < 256; ++rest) {
  let token: u32 = FIRST_LENGTH + rest;
  if (rest == MAX_MATCH - MIN_MATCH) token = LENGTH_258;
  else if (rest >= 8) {
    // Four symbols for each number of extra bits.
    const extra = 29 - clz<u32>(rest);
    token = (FIRST_LENGTH + 4 * extra + (rest >> extra)) | ((rest & ((1 << extra) - 1)) << 14);
  }
  store<u32>(lengths + ((<usize>rest) << 2), token);
}

/** How many extra bits the symbol of a length has, from 257 to 285. */
// @ts-ignore: decorator
@inline
export function extraOfLength(symbol: u32): u32 {
  return symbol < 265 || symbol == LENGTH_258 ? 0 : (symbol - 261) >> 2;
}

/** How many extra bits the symbol of a distance has, from 0 to 29. */
// @ts-ignore: decorator
@inline
export function extraOfDistance(symbol: u32): u32 {
  return symbol < 4 ? 0 : (symbol - 2) >> 1;
}

// @ts-ignore: decorator
@inline
export function literalToken(byte: u32): u32 {
  return byte | (NO_DISTANCE << 9);
}

// @ts-ignore: decorator
@inline
export function matchToken(length: u32, distance: u32): u32 {
  const rest = distance - 1;
  // Two symbols for each number of extra bits. For the first two distances, which have none, `extra` is made 0.
  const extra = 30 - clz<u32>(rest | 2);
  const symbol = select<u32>(rest, 2 * extra + (rest >> extra), rest < 2);
  return load<u32>(lengths + ((<usize>(length - MIN_MATCH)) << 2)) | (symbol << 9) | ((rest & ((1 << extra) - 1)) << 19);
}
