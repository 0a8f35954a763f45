/**
 * Prefix codes of limited length (RFC 1951 section 3.2.2): Huffman's algorithm with two queues (van Leeuwen, 1976), of which only the number
 * of codes of each length is kept. That is made to fit into the limit, and what then is given to the symbols is always a complete code.
 * There are no branches on what cannot be predicted.
 */
import { COUNTERS, DEPTHS, KEYS, PARENTS, SIZE_SHIFT, SORTED_KEYS, WEIGHTS } from './deflate-scratch';

/** A key is how often a symbol occurs, above these bits, and the symbol. */
const SYMBOL_BITS: u32 = 9;
const SYMBOL_MASK: u32 = (1 << SYMBOL_BITS) - 1;

/** The sort takes so many bits in a pass; fewer if no count has more. */
const DIGIT_BITS: u32 = 6;
const FEW_DIGIT_BITS: u32 = 4;

/** The greatest length of a code before it is limited. Deeper trees need a block of more tokens than there are (Fibonacci numbers). */
const MAX_DEPTH: u32 = 31;

/** The longest code that there is, in bits. */
const MAX_SIZE: u32 = 15;

/** More than any weight. */
const NEVER: u32 = 0xffffffff;

/** Clears a multiple of eight bytes. A call of `memory.fill` takes longer for so few. */
// @ts-ignore: decorator
@inline
export function clear(at: usize, bytes: usize): void {
  for (const end = at + bytes; at < end; at += 8) store<u64>(at, 0);
}

/**
 * Finds out how long the code of each symbol is, so that all together take the fewest bits, up to what the limit costs. At least two symbols
 * get a code, as some decoders demand.
 *
 * @param counts how often each symbol occurs, 16 bits each, and a multiple of four of them.
 * @param limit no code gets longer, in bits.
 * @param sizes gets the length of each code, 8 bits each; 0 for what does not occur.
 * @param list gets how many symbols have a code, and these symbols in order, 16 bits each.
 * @returns how many bits all symbols take with these codes.
 */
export function findSizes(scratch: usize, counts: usize, symbols: usize, limit: u32, sizes: usize, list: usize): u32 {
  clear(sizes, symbols);
  let keys = scratch + KEYS;
  const start = keys;
  let listed = list;
  let most: u32 = 0;
  for (let symbol: usize = 0; symbol < symbols; symbol += 4) {
    if (load<u64>(counts + (symbol << 1)) == 0) continue;
    for (let next = symbol; next < symbol + 4; ++next) {
      const count = <u32>load<u16>(counts + (next << 1));
      store<u32>(keys, (count << SYMBOL_BITS) | <u32>next);
      store<u16>(listed, <u16>next, 2);
      keys += select<usize>(4, 0, count != 0);
      listed += select<usize>(2, 0, count != 0);
      most |= count;
    }
  }
  const used = (keys - start) >> 2;
  store<u16>(list, <u16>used);
  if (used < 2) {
    const only = used == 0 ? 0 : load<u32>(start) & SYMBOL_MASK;
    const second = max<u32>(only, 1);
    store<u16>(list, 2);
    store<u16>(list, <u16>(only == second ? 0 : only), 2);
    store<u16>(list, <u16>second, 4);
    store<u8>(sizes + load<u16>(list, 2), 1);
    store<u8>(sizes + second, 1);
    return most;
  }
  const sorted = sort(scratch, used, most);
  countSizes(scratch, sorted, used);
  limitSizes(scratch, limit);

  // The rarest symbols get the longest codes.
  let total: u32 = 0;
  let key = sorted;
  for (let size = limit; size > 0; --size) {
    for (let left = load<u32>(scratch + COUNTERS + ((<usize>size) << 2)); left > 0; --left) {
      const word = load<u32>(key);
      store<u8>(sizes + (word & SYMBOL_MASK), <u8>size);
      total += (word >> SYMBOL_BITS) * size;
      key += 4;
    }
  }
  return total;
}

/** Sorts the keys by how often their symbols occur, the rarest first. @returns where they are then. */
function sort(scratch: usize, used: usize, max: u32): usize {
  let from = scratch + KEYS;
  let to = scratch + SORTED_KEYS;
  const counters = scratch + COUNTERS;
  const digitBits = select<u32>(FEW_DIGIT_BITS, DIGIT_BITS, max < 1 << FEW_DIGIT_BITS);
  const digits: u32 = 1 << digitBits;
  for (let shift = SYMBOL_BITS; max != 0; shift += digitBits) {
    clear(counters, digits << 2);
    for (let i: usize = 0; i < used; ++i) {
      const counter = counters + (((load<u32>(from + (i << 2)) >> shift) & (digits - 1)) << 2);
      store<u32>(counter, load<u32>(counter) + 4);
    }
    let sum: u32 = 0;
    for (let i: usize = 0; i < digits; ++i) {
      const count = load<u32>(counters + (i << 2));
      store<u32>(counters + (i << 2), sum);
      sum += count;
    }
    for (let i: usize = 0; i < used; ++i) {
      const key = load<u32>(from + (i << 2));
      const counter = counters + (((key >> shift) & (digits - 1)) << 2);
      const at = load<u32>(counter);
      store<u32>(to + at, key);
      store<u32>(counter, at + 4);
    }
    const other = from;
    from = to;
    to = other;
    max >>= digitBits;
  }
  return from;
}

/** Builds Huffman's tree over sorted keys. Counts how many symbols are how deep in it, into the counters. */
function countSizes(scratch: usize, sorted: usize, used: usize): void {
  const weights = scratch + WEIGHTS;
  const parents = scratch + PARENTS;
  const depths = scratch + DEPTHS;
  const counters = scratch + COUNTERS;
  const unused = parents + (used << 2);
  // No inner node is as heavy as what is behind the last leaf, and no leaf as what is behind the last inner node.
  store<u32>(sorted + (used << 2), NEVER);
  let leaf = sorted;
  let inner: usize = 0;
  const last = (used - 1) << 2;
  for (let made: usize = 0; made < last; made += 4) {
    store<u32>(weights + made, NEVER);
    let weight: u32 = 0;
    for (let child = 0; child < 2; ++child) {
      const ofLeaf = load<u32>(leaf) >> SYMBOL_BITS;
      const ofInner = load<u32>(weights + inner);
      const isLeaf = ofLeaf <= ofInner;
      weight += select<u32>(ofLeaf, ofInner, isLeaf);
      store<u32>(select<usize>(unused, parents + inner, isLeaf), <u32>made);
      leaf += select<usize>(4, 0, isLeaf);
      inner += select<usize>(0, 4, isLeaf);
    }
    store<u32>(weights + made, weight);
  }

  clear(counters, (MAX_DEPTH + 1) << 2);
  store<u32>(depths + last - 4, 0);
  store<u32>(counters, 1);
  for (let node = last - 4; node > 0; ) {
    node -= 4;
    const depth = load<u32>(depths + load<u32>(parents + node)) + 4;
    store<u32>(depths + node, depth);
    store<u32>(counters + depth, load<u32>(counters + depth) + 1);
  }
  // Each inner node has two children. Those that are no inner nodes are leaves.
  let above: u32 = 1;
  store<u32>(counters, 0);
  for (let at = counters + 4; above != 0; at += 4) {
    const nodes = load<u32>(at);
    store<u32>(at, 2 * above - nodes);
    above = nodes;
  }
}

/**
 * Makes codes that are longer than the limit as long as that, and then some others longer, until all have room. The sum of
 * 2^-size over all codes is 1 before and after: the code is complete.
 */
function limitSizes(scratch: usize, limit: u32): void {
  const counters = scratch + COUNTERS;
  const longest = counters + ((<usize>limit) << 2);
  let tooLong: u32 = 0;
  for (let at = counters + (<usize>MAX_DEPTH << 2); at > longest; at -= 4) tooLong += load<u32>(at);
  if (tooLong == 0) return;
  store<u32>(longest, load<u32>(longest) + tooLong);
  // How much the codes take, in units of a longest code.
  let taken: u32 = 0;
  for (let size: u32 = 1; size <= limit; ++size) {
    taken += load<u32>(counters + ((<usize>size) << 2)) << (limit - size);
  }
  // A leaf goes one down, and one of the deepest becomes its sibling: that takes one unit less.
  for (let excess = taken - (1 << limit); excess > 0; --excess) {
    let at = longest - 4;
    while (load<u32>(at) == 0) at -= 4;
    store<u32>(at, load<u32>(at) - 1);
    store<u32>(at + 4, load<u32>(at + 4) + 2);
    store<u32>(longest, load<u32>(longest) - 1);
  }
}

/**
 * Assigns the codes: of each length in the order of the symbols (RFC 1951 section 3.2.2). They are kept with their bits reversed, as they
 * are sent.
 *
 * @param sizes the length of each code, 8 bits each.
 * @param list how many symbols have a code, and these symbols in order, 16 bits each.
 * @param codes gets the codes, 32 bits each. What is there for symbols without a code means nothing.
 */
export function assignCodes(scratch: usize, sizes: usize, list: usize, codes: usize): void {
  const next = scratch + COUNTERS;
  clear(next, (MAX_SIZE + 1) << 2);
  const end = list + 2 + ((<usize>load<u16>(list)) << 1);
  for (let at = list + 2; at < end; at += 2) {
    const counter = next + ((<usize>load<u8>(sizes + load<u16>(at))) << 2);
    store<u32>(counter, load<u32>(counter) + 1);
  }
  let code: u32 = 0;
  for (let size: usize = 1; size <= MAX_SIZE; ++size) {
    const at = next + (size << 2);
    code <<= 1;
    const count = load<u32>(at);
    store<u32>(at, code);
    code += count;
  }
  for (let at = list + 2; at < end; at += 2) {
    const symbol = <usize>load<u16>(at);
    const size = <u32>load<u8>(sizes + symbol);
    const counter = next + ((<usize>size) << 2);
    const bits = load<u32>(counter);
    store<u32>(counter, bits + 1);
    store<u32>(codes + (symbol << 2), reversed(bits, size) | (size << SIZE_SHIFT));
  }
}

/** The lowest `size` bits in reverse order. */
// @ts-ignore: decorator
@inline
function reversed(bits: u32, size: u32): u32 {
  bits = ((bits >> 1) & 0x5555) | ((bits & 0x5555) << 1);
  bits = ((bits >> 2) & 0x3333) | ((bits & 0x3333) << 2);
  bits = ((bits >> 4) & 0x0f0f) | ((bits & 0x0f0f) << 4);
  bits = ((bits >> 8) & 0x00ff) | ((bits & 0x00ff) << 8);
  return bits >> (16 - size);
}
