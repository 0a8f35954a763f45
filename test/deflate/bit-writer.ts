/** Writes DEFLATE streams bit by bit, right or wrong. */
export class BitWriter {
  readonly #bits: number[] = [];

  /** A number, its lowest bit first (RFC 1951 section 3.1.1). */
  number(value: number, bits: number): this {
    for (let i = 0; i < bits; i++) this.#bits.push((value >>> i) & 1);
    return this;
  }

  /** A codeword, as a string of bits in the order in which they are sent. */
  code(codeword: string): this {
    for (const bit of codeword) this.#bits.push(Number(bit));
    return this;
  }

  /** Up to the next byte. */
  align(bit: 0 | 1 = 0): this {
    while (this.#bits.length % 8 !== 0) this.#bits.push(bit);
    return this;
  }

  bytes(...bytes: readonly number[]): this {
    this.align();
    for (const byte of bytes) this.number(byte, 8);
    return this;
  }

  /** A stored block (section 3.2.4), with its lengths. */
  stored(content: string, isLast = false): this {
    this.number(isLast ? 1 : 0, 3).align();
    return this.number(content.length, 16)
      .number(~content.length, 16)
      .bytes(...Buffer.from(content, 'latin1'));
  }

  /** The beginning of a stored block that ends a message, whose lengths are left out. */
  end(): this {
    return this.number(0, 3).align();
  }

  get bitLength(): number {
    return this.#bits.length;
  }

  /** All of it, with zeros up to the next byte. */
  get buffer(): Buffer {
    const buffer = Buffer.alloc(Math.ceil(this.#bits.length / 8));
    this.#bits.forEach((bit, i) => {
      buffer[i >> 3] = (buffer[i >> 3] as number) | (bit << (i & 7));
    });
    return buffer;
  }
}

/** The codewords for these lengths (section 3.2.2), also if there are too many for a code: '' where the length is 0. */
export function codewords(lengths: readonly number[]): string[] {
  const words = lengths.map(() => '');
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    code *= 2;
    lengths.forEach((other, symbol) => {
      if (other !== length) return;
      words[symbol] = code.toString(2).padStart(length, '0').slice(-length);
      code++;
    });
  }
  return words;
}

export const FIXED_LITERALS = codewords([
  ...Array(144).fill(8),
  ...Array(112).fill(9),
  ...Array(24).fill(7),
  ...Array(8).fill(8),
]);
export const FIXED_DISTANCES = codewords(Array(32).fill(5));

/** Lengths of codewords, given by symbol, and zeros up to `count`. */
export function lengths(count: number, of: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: count }, (_, symbol) => of[symbol] ?? 0);
}

/** What the header of a block with codes of its own says (section 3.2.7). */
export interface DynamicHeader {
  readonly isLast?: boolean;
  /** Lengths of the codewords of literals and lengths, and of distances. */
  readonly literals: readonly number[];
  readonly distances: readonly number[];
  /** HLIT and HDIST, if they are not those of the lengths. */
  readonly hlit?: number;
  readonly hdist?: number;
  /** Lengths of the codewords for lengths, by symbol. By default the symbols 0 to 15 have 4 bits. */
  readonly code?: readonly number[];
  /** What is sent for the lengths, if it is not each of them: symbols of `code`, with extra bits behind 16, 17 and 18. */
  readonly sent?: readonly (number | readonly [number, number])[];
}

const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Writes the header. */
export function dynamic(writer: BitWriter, header: DynamicHeader): BitWriter {
  const { literals, distances } = header;
  const code = header.code ?? [...Array(16).fill(4), 0, 0, 0];
  const words = codewords(code);
  writer.number(header.isLast ? 1 : 0, 1).number(2, 2);
  writer.number(header.hlit ?? literals.length - 257, 5).number(header.hdist ?? distances.length - 1, 5);
  writer.number(15, 4);
  for (const symbol of ORDER) writer.number(code[symbol] ?? 0, 3);
  for (const item of header.sent ?? [...literals, ...distances]) {
    const [symbol, extra] = typeof item === 'number' ? [item, 0] : item;
    writer.code(words[symbol] ?? '');
    if (symbol >= 16) writer.number(extra, symbol === 16 ? 2 : symbol === 17 ? 3 : 7);
  }
  return writer;
}
