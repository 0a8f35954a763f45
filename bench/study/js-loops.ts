/**
 * Other ways to write the kernel in JavaScript. Each differs from another one in one respect, so that the study can say what this
 * respect is worth. `as number` and `as bigint` stand where an index is in range.
 */
import { rotateKey } from '#dist/kernels/kernel.js';
import { advance, NEXT_STATE, Utf8 } from '#dist/kernels/utf8.js';

const NOT_ASCII = 0x80808080;

export interface Unmasker {
  unmask(offset: number, length: number, key: number): void;
}

export interface Validator {
  validate(offset: number, length: number, state: number): number;
}

/**
 * One word of 32 bits at a time, in views that are fields. Its validation takes words of ASCII at once, and the others byte by byte
 * through a table of next states.
 */
export class WordLoop implements Unmasker, Validator {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;

  constructor({ buffer }: WebAssembly.Memory) {
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
  }

  unmask(offset: number, length: number, key: number): void {
    const bytes = this.#bytes;
    const words = this.#words;
    const end = offset + length;
    let at = offset;
    for (; at < end && (at & 3) !== 0; at++) {
      bytes[at] = (bytes[at] as number) ^ key;
      key = rotateKey(key, 1);
    }
    let word = at >>> 2;
    const endWord = word + ((end - at) >>> 2);
    at += (endWord - word) << 2;
    for (; word < endWord; word++) words[word] = (words[word] as number) ^ key;
    for (; at < end; at++) {
      bytes[at] = (bytes[at] as number) ^ key;
      key >>>= 8;
    }
  }

  validate(offset: number, length: number, state: number): number {
    const bytes = this.#bytes;
    const words = this.#words;
    const end = offset + length;
    let at = offset;
    for (; at < end && (at & 3) !== 0; at++) state = NEXT_STATE[(state << 8) | (bytes[at] as number)] as number;
    let word = at >>> 2;
    const endWord = word + ((end - at) >>> 2);
    at += (endWord - word) << 2;
    for (; word < endWord; word++) {
      const four = words[word] as number;
      if (((four & NOT_ASCII) | state) === 0) continue;
      state = NEXT_STATE[(state << 8) | (four & 0xff)] as number;
      state = NEXT_STATE[(state << 8) | ((four >>> 8) & 0xff)] as number;
      state = NEXT_STATE[(state << 8) | ((four >>> 16) & 0xff)] as number;
      state = NEXT_STATE[(state << 8) | (four >>> 24)] as number;
    }
    return advance(bytes, at, end, state);
  }
}

/** The same, eight words a turn. */
export class EightWordLoop implements Unmasker {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;

  constructor({ buffer }: WebAssembly.Memory) {
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
  }

  unmask(offset: number, length: number, key: number): void {
    const bytes = this.#bytes;
    const words = this.#words;
    const end = offset + length;
    let at = offset;
    for (; at < end && (at & 3) !== 0; at++) {
      bytes[at] = (bytes[at] as number) ^ key;
      key = rotateKey(key, 1);
    }
    let word = at >>> 2;
    const endWord = word + ((end - at) >>> 2);
    at += (endWord - word) << 2;
    for (; word + 8 <= endWord; word += 8) {
      words[word] = (words[word] as number) ^ key;
      words[word + 1] = (words[word + 1] as number) ^ key;
      words[word + 2] = (words[word + 2] as number) ^ key;
      words[word + 3] = (words[word + 3] as number) ^ key;
      words[word + 4] = (words[word + 4] as number) ^ key;
      words[word + 5] = (words[word + 5] as number) ^ key;
      words[word + 6] = (words[word + 6] as number) ^ key;
      words[word + 7] = (words[word + 7] as number) ^ key;
    }
    for (; word < endWord; word++) words[word] = (words[word] as number) ^ key;
    for (; at < end; at++) {
      bytes[at] = (bytes[at] as number) ^ key;
      key >>>= 8;
    }
  }
}

/** The same in a closure over the views. V8 compiles a view that a closure holds into the code, as a constant. */
export function eightWordClosure({ buffer }: WebAssembly.Memory): Unmasker {
  const bytes = new Uint8Array(buffer);
  const words = new Int32Array(buffer);
  return {
    unmask(offset, length, key) {
      const end = offset + length;
      let at = offset;
      for (; at < end && (at & 3) !== 0; at++) {
        bytes[at] = (bytes[at] as number) ^ key;
        key = rotateKey(key, 1);
      }
      let word = at >>> 2;
      const endWord = word + ((end - at) >>> 2);
      at += (endWord - word) << 2;
      for (; word + 8 <= endWord; word += 8) {
        words[word] = (words[word] as number) ^ key;
        words[word + 1] = (words[word + 1] as number) ^ key;
        words[word + 2] = (words[word + 2] as number) ^ key;
        words[word + 3] = (words[word + 3] as number) ^ key;
        words[word + 4] = (words[word + 4] as number) ^ key;
        words[word + 5] = (words[word + 5] as number) ^ key;
        words[word + 6] = (words[word + 6] as number) ^ key;
        words[word + 7] = (words[word + 7] as number) ^ key;
      }
      for (; word < endWord; word++) words[word] = (words[word] as number) ^ key;
      for (; at < end; at++) {
        bytes[at] = (bytes[at] as number) ^ key;
        key >>>= 8;
      }
    },
  };
}

/** Words by a DataView, which need not begin at a multiple of four, so that no bytes are left in front. */
export function viewClosure({ buffer }: WebAssembly.Memory): Unmasker {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  return {
    unmask(offset, length, key) {
      let at = offset;
      const end = offset + length;
      for (; at + 32 <= end; at += 32) {
        view.setInt32(at, view.getInt32(at, true) ^ key, true);
        view.setInt32(at + 4, view.getInt32(at + 4, true) ^ key, true);
        view.setInt32(at + 8, view.getInt32(at + 8, true) ^ key, true);
        view.setInt32(at + 12, view.getInt32(at + 12, true) ^ key, true);
        view.setInt32(at + 16, view.getInt32(at + 16, true) ^ key, true);
        view.setInt32(at + 20, view.getInt32(at + 20, true) ^ key, true);
        view.setInt32(at + 24, view.getInt32(at + 24, true) ^ key, true);
        view.setInt32(at + 28, view.getInt32(at + 28, true) ^ key, true);
      }
      for (; at + 4 <= end; at += 4) view.setInt32(at, view.getInt32(at, true) ^ key, true);
      for (; at < end; at++) {
        bytes[at] = (bytes[at] as number) ^ key;
        key >>>= 8;
      }
    },
  };
}

/** Words of 64 bits, four a turn, in a closure. The bytes around whole words are unmasked one by one. */
export function fourBigIntClosure({ buffer }: WebAssembly.Memory): Unmasker {
  const bytes = new Uint8Array(buffer);
  const words = new BigInt64Array(buffer);
  return {
    unmask(offset, length, key) {
      const end = offset + length;
      let at = offset;
      for (; at < end && (at & 7) !== 0; at++) {
        bytes[at] = (bytes[at] as number) ^ key;
        key = rotateKey(key, 1);
      }
      if (end - at >= 8) {
        const half = BigInt(key >>> 0);
        const long = BigInt.asIntN(64, (half << 32n) | half);
        let word = at >>> 3;
        const endWord = word + ((end - at) >>> 3);
        at += (endWord - word) << 3;
        for (; word + 4 <= endWord; word += 4) {
          words[word] = (words[word] as bigint) ^ long;
          words[word + 1] = (words[word + 1] as bigint) ^ long;
          words[word + 2] = (words[word + 2] as bigint) ^ long;
          words[word + 3] = (words[word + 3] as bigint) ^ long;
        }
        for (; word < endWord; word++) words[word] = (words[word] as bigint) ^ long;
      }
      for (; at < end; at++) {
        bytes[at] = (bytes[at] as number) ^ key;
        key = rotateKey(key, 1);
      }
    },
  };
}

/**
 * Validation that skips ASCII by words, and takes every other character at once, by a branch for its length: one unaligned word holds
 * all of it. A character that the end cuts is left to the automaton.
 */
export function branchingClosure({ buffer }: WebAssembly.Memory): Validator {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  return {
    validate(offset, length, state) {
      let at = offset;
      const end = offset + length;
      while (state !== Utf8.ACCEPT && at < end) state = NEXT_STATE[(state << 8) | (bytes[at++] as number)] as number;
      while (at + 4 <= end) {
        const four = view.getInt32(at, true);
        const high = four & NOT_ASCII;
        if (high === 0) at += 4;
        else if ((four & 0x80) === 0) at += (31 - Math.clz32(high & -high)) >> 3;
        else {
          const bytesOfOne = characterBytes(four);
          if (bytesOfOne === 0) return Utf8.REJECT;
          at += bytesOfOne;
        }
      }
      return advance(bytes, at, end, state);
    },
  };
}

/** How many bytes the character at the front of a word has, which is not ASCII; 0 if it is none. The masks are those of its bits. */
function characterBytes(four: number): number {
  if ((four & 0x00c0c0f0) === 0x008080e0) {
    // The bits that tell E0 80 to 9F, which is overlong, and ED A0 to BF, which is a surrogate.
    const bits = four & 0x200f;
    return bits === 0 || bits === 0x200d ? 0 : 3;
  }
  if ((four & 0xc0e0) === 0x80c0) return (four & 0x1e) === 0 ? 0 : 2;
  if ((four & 0xc0c0c0f8) === (0x808080f0 | 0)) {
    // The bits that tell F0 80 to 8F, which is overlong, and what is above F4 8F.
    const bits = four & 0x3007;
    return bits === 0 || ((four & 4) !== 0 && bits !== 4) ? 0 : 4;
  }
  return 0;
}
