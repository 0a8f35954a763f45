/**
 * Two kernels in JavaScript: one works byte by byte, the other in words, as typed arrays allow them. They are hot, and so
 * they are flat loops over views that are made once. That is possible because the memory of an arena never grows. `as number`
 * stands where an index is in range by the kernel's contract.
 */
import type { WasmMemory } from '../memory/wasm-memory.js';
import { type LongRanges, longRanges } from './js-long.js';
import { type Kernel, rotateKey } from './kernel.js';
import { NEXT_STATE, Utf8 } from './utf8.js';

/** The bits that no ASCII byte of a word has. */
const NOT_ASCII = 0x80808080;

const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** The faster of the two: words, unless this machine orders the bytes of a word differently from WebAssembly. */
export function jsKernel(memory: WasmMemory): Kernel {
  return IS_LITTLE_ENDIAN ? new JsWordKernel(memory) : new JsByteKernel(memory);
}

/** Works on one byte at a time. */
export class JsByteKernel implements Kernel {
  readonly name = 'js-byte';
  readonly #bytes: Uint8Array;

  constructor(memory: WasmMemory) {
    this.#bytes = new Uint8Array(memory.buffer);
  }

  unmask(offset: number, length: number, key: number): void {
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) {
      bytes[offset + i] = (bytes[offset + i] as number) ^ (key >>> ((i & 3) << 3));
    }
  }

  validate(offset: number, length: number, state: number): number {
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) {
      const byte = bytes[offset + i] as number;
      if (state !== Utf8.ACCEPT || byte >= 0x80) state = NEXT_STATE[(state << 8) | byte] as number;
    }
    return state;
  }

  unmaskText(offset: number, length: number, key: number, state: number): number {
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) {
      const byte = (bytes[offset + i] as number) ^ ((key >>> ((i & 3) << 3)) & 0xff);
      bytes[offset + i] = byte;
      if (state !== Utf8.ACCEPT || byte >= 0x80) state = NEXT_STATE[(state << 8) | byte] as number;
    }
    return state;
  }
}

/** From this length on, in bytes, a range is worth a call of the loops for long ones. */
const LONG_BYTES = 48;

/**
 * Works on four bytes at a time, from the first multiple of four. Between characters, a word of four ASCII bytes is judged at
 * once. Long ranges go to the loops of ./js-long. The loops for short ones are here, because V8 inlines these methods into their
 * callers: that saves 5 of 14 ns.
 */
export class JsWordKernel implements Kernel {
  readonly name = 'js';
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #unmaskLong: LongRanges['unmask'];
  readonly #validateLong: LongRanges['validate'];
  readonly #unmaskLongText: LongRanges['unmaskText'];

  constructor(memory: WasmMemory) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Int32Array(memory.buffer);
    const { unmask, validate, unmaskText } = longRanges(memory);
    this.#unmaskLong = unmask;
    this.#validateLong = validate;
    this.#unmaskLongText = unmaskText;
  }

  unmask(offset: number, length: number, key: number): void {
    if (length >= LONG_BYTES) {
      this.#unmaskLong(offset, length, key);
      return;
    }
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
    if (length >= LONG_BYTES) return this.#validateLong(offset, length, state);
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
    for (; at < end; at++) state = NEXT_STATE[(state << 8) | (bytes[at] as number)] as number;
    return state;
  }

  unmaskText(offset: number, length: number, key: number, state: number): number {
    if (length >= LONG_BYTES) return this.#unmaskLongText(offset, length, key, state);
    const bytes = this.#bytes;
    const words = this.#words;
    const end = offset + length;
    let at = offset;
    for (; at < end && (at & 3) !== 0; at++) {
      const byte = (bytes[at] as number) ^ (key & 0xff);
      bytes[at] = byte;
      state = NEXT_STATE[(state << 8) | byte] as number;
      key = rotateKey(key, 1);
    }
    let word = at >>> 2;
    const endWord = word + ((end - at) >>> 2);
    at += (endWord - word) << 2;
    for (; word < endWord; word++) {
      const four = (words[word] as number) ^ key;
      words[word] = four;
      if (((four & NOT_ASCII) | state) === 0) continue;
      state = NEXT_STATE[(state << 8) | (four & 0xff)] as number;
      state = NEXT_STATE[(state << 8) | ((four >>> 8) & 0xff)] as number;
      state = NEXT_STATE[(state << 8) | ((four >>> 16) & 0xff)] as number;
      state = NEXT_STATE[(state << 8) | (four >>> 24)] as number;
    }
    for (; at < end; at++) {
      const byte = (bytes[at] as number) ^ (key & 0xff);
      bytes[at] = byte;
      state = NEXT_STATE[(state << 8) | byte] as number;
      key >>>= 8;
    }
    return state;
  }
}
