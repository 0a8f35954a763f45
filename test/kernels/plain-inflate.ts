/**
 * An inflater as RFC 1951 puts it, bit by bit, which tells what a stream is made of. It refuses everything that is not complete:
 * a code that leaves bits unused, a distance farther than allowed, bytes behind the end.
 */
export interface Inflated {
  readonly bytes: Buffer;
  readonly blocks: readonly ('stored' | 'fixed' | 'dynamic')[];
  readonly farthest: number;
  /** The longest codes of literals, lengths and distances, and of code lengths, in bits. */
  readonly longestCode: number;
  readonly longestLengthCode: number;
}

const LENGTHS = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const DISTANCES = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const FIXED = [
  ...new Array<number>(144).fill(8),
  ...new Array<number>(112).fill(9),
  ...new Array<number>(24).fill(7),
  ...new Array<number>(8).fill(8),
];

/** Symbols by the length of their code times 2^16, plus the code. */
type Code = ReadonlyMap<number, number>;

function codeOf(sizes: readonly number[]): Code {
  const code = new Map<number, number>();
  let next = 0;
  for (let size = 1; size <= 15; size++) {
    next *= 2;
    sizes.forEach((of, symbol) => {
      if (of === size) code.set((size << 16) | next++, symbol);
    });
  }
  if (next !== 2 ** 15) throw new Error('the code is not complete');
  return code;
}

/** @param message as RFC 7692 sends it, without the last four bytes. @param history what the receiver knows. */
export function plainInflate(message: Uint8Array, history: Uint8Array = Buffer.alloc(0), window = 32768): Inflated {
  const input = Buffer.concat([message, Buffer.from([0, 0, 0xff, 0xff])]);
  const out: number[] = [...history];
  const blocks: Inflated['blocks'][number][] = [];
  let at = 0;
  let farthest = 0;
  let longestCode = 0;
  let longestLengthCode = 0;
  const bits = (count: number) => {
    let value = 0;
    for (let i = 0; i < count; i++, at++) {
      if (at >= input.length * 8) throw new Error('the stream is cut');
      value |= (((input[at >> 3] as number) >> (at & 7)) & 1) << i;
    }
    return value;
  };
  const symbol = (code: Code) => {
    let value = 0;
    for (let size = 1; size <= 15; size++) {
      value = value * 2 + bits(1);
      const found = code.get((size << 16) | value);
      if (found !== undefined) return found;
    }
    throw new Error('no such code');
  };
  const codes = (): readonly [Code, Code] => {
    const literals = bits(5) + 257;
    const distances = bits(5) + 1;
    const lengthSizes = new Array<number>(19).fill(0);
    for (let i = 0, count = bits(4) + 4; i < count; i++) lengthSizes[ORDER[i] as number] = bits(3);
    longestLengthCode = Math.max(longestLengthCode, ...lengthSizes);
    const lengthCode = codeOf(lengthSizes);
    const sizes: number[] = [];
    while (sizes.length < literals + distances) {
      const next = symbol(lengthCode);
      if (next < 16) sizes.push(next);
      else {
        const again = next === 16 ? 3 + bits(2) : next === 17 ? 3 + bits(3) : 11 + bits(7);
        const size = next === 16 ? sizes.at(-1) : 0;
        if (size === undefined) throw new Error('nothing to repeat');
        for (let i = 0; i < again; i++) sizes.push(size);
      }
    }
    if (sizes.length !== literals + distances) throw new Error('too many code lengths');
    longestCode = Math.max(longestCode, ...sizes);
    return [codeOf(sizes.slice(0, literals)), codeOf(sizes.slice(literals))];
  };
  while (at < input.length * 8) {
    if (bits(1) !== 0) throw new Error('a last block');
    const kind = bits(2);
    if (kind === 0) {
      at = (at + 7) & ~7;
      const length = bits(16);
      if ((bits(16) ^ length) !== 0xffff) throw new Error('the length of a stored block is wrong');
      for (let i = 0; i < length; i++) out.push(bits(8));
      blocks.push('stored');
      continue;
    }
    if (kind === 3) throw new Error('no such kind of block');
    blocks.push(kind === 1 ? 'fixed' : 'dynamic');
    const [literals, distances] = kind === 1 ? [codeOf(FIXED), codeOf(new Array<number>(32).fill(5))] : codes();
    for (let next = symbol(literals); next !== 256; next = symbol(literals)) {
      if (next < 256) {
        out.push(next);
        continue;
      }
      const length = (LENGTHS[next - 257] as number) + bits(next < 265 || next === 285 ? 0 : (next - 261) >> 2);
      // RFC 1951 section 3.2.5: 284 is for 227 to 257.
      if (next === 284 && length === 258) throw new Error('the symbol of the longest match is 285');
      const far = symbol(distances);
      const distance = (DISTANCES[far] as number) + bits(far < 4 ? 0 : (far - 2) >> 1);
      if (distance > window || distance > out.length) throw new Error(`a distance of ${distance} in ${window}`);
      farthest = Math.max(farthest, distance);
      for (let i = 0; i < length; i++) out.push(out[out.length - distance] as number);
    }
  }
  // The last one is the empty block that the sender has cut.
  if (blocks.pop() !== 'stored') throw new Error('no empty block at the end');
  return { bytes: Buffer.from(out.slice(history.length)), blocks, farthest, longestCode, longestLengthCode };
}
