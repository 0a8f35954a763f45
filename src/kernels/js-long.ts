/**
 * The loops of the kernel in JavaScript for long ranges. They are closures over views and tables that exist once for each thread. V8
 * compiles these into the code as constants, which makes the loops 1.1 to 1.6 times as fast as with views in fields. (With
 * imported tables they took 1.15 times as long.)
 *
 * `as number` and `as bigint` stand where an index is in range by the kernel's contract. Sizes and places are not shifted to the
 * left, because they can have 32 bits.
 */
import type { WasmMemory } from '../memory/wasm-memory.js';
import { rotateKey } from './kernel.js';
import { POSITIONS, ROWS, STATE_AT } from './shift-automaton.js';
import { Utf8 } from './utf8.js';

/** The bits that no ASCII byte of a word has. */
const NOT_ASCII = 0x80808080;

/** The bits that count in the result of a step of the automaton, and what they are between characters. */
const POSITION_BITS = 31;
const ACCEPT_POSITION = 6;

/** From this length on, in bytes, texts are first taken for ASCII. */
const ASCII_FROM_BYTES = 256;

/** The operations of a kernel on ranges of at least 16 bytes. */
export interface LongRanges {
  unmask(offset: number, length: number, key: number): void;
  validate(offset: number, length: number, state: number): number;
  unmaskText(offset: number, length: number, key: number, state: number): number;
}

/** Makes the loops over a memory that never grows. The machine must order the bytes of a word as WebAssembly does. */
export function longRanges({ buffer }: WasmMemory): LongRanges {
  const bytes = new Uint8Array(buffer);
  const words = new Int32Array(buffer);
  const longs = new BigInt64Array(buffer);
  const view = new DataView(buffer);
  /** Eight bytes as two words and as one: no other way from one to the other is as fast in all versions of V8. */
  const halves = new Int32Array(2);
  const whole = new BigInt64Array(halves.buffer);
  const rows = ROWS;
  const positions = POSITIONS;
  const stateAt = STATE_AT;

  /** The position behind four bytes, of which the first is in the lowest bits. */
  function step4(position: number, four: number): number {
    position = (rows[four & 0xff] as number) >> position;
    position = (rows[(four >>> 8) & 0xff] as number) >> position;
    position = (rows[(four >>> 16) & 0xff] as number) >> position;
    return (rows[four >>> 24] as number) >> position;
  }

  /** The key twice. */
  function doubled(key: number): bigint {
    halves[0] = key;
    halves[1] = key;
    return whole[0] as bigint;
  }

  function isAscii(eight: bigint): boolean {
    whole[0] = eight;
    return (((halves[0] as number) | (halves[1] as number)) & NOT_ASCII) === 0;
  }

  /**
   * In words of 64 bits, eight a turn: JavaScript has these words only as BigInt, but V8 compiles an XOR from an array into an array
   * without making one. The first and the last eight bytes, which may lie across words, are read before, and written behind.
   */
  function unmask(offset: number, length: number, key: number): void {
    const tail = offset + (length - 8);
    const tailKey = rotateKey(key, length);
    const first = view.getInt32(offset, true) ^ key;
    const second = view.getInt32(offset + 4, true) ^ key;
    const secondLast = view.getInt32(tail, true) ^ tailKey;
    const last = view.getInt32(tail + 4, true) ^ tailKey;
    const long = doubled(rotateKey(key, -offset));
    let at = ((offset + 7) / 8) >>> 0;
    const end = ((offset + length) / 8) >>> 0;
    for (; at + 8 <= end; at += 8) {
      longs[at] = (longs[at] as bigint) ^ long;
      longs[at + 1] = (longs[at + 1] as bigint) ^ long;
      longs[at + 2] = (longs[at + 2] as bigint) ^ long;
      longs[at + 3] = (longs[at + 3] as bigint) ^ long;
      longs[at + 4] = (longs[at + 4] as bigint) ^ long;
      longs[at + 5] = (longs[at + 5] as bigint) ^ long;
      longs[at + 6] = (longs[at + 6] as bigint) ^ long;
      longs[at + 7] = (longs[at + 7] as bigint) ^ long;
    }
    for (; at < end; at++) longs[at] = (longs[at] as bigint) ^ long;
    view.setInt32(offset, first, true);
    view.setInt32(offset + 4, second, true);
    view.setInt32(tail, secondLast, true);
    view.setInt32(tail + 4, last, true);
  }

  /** How many bytes at the front are found to be ASCII, in steps of 64. */
  function asciiFront(offset: number, length: number): number {
    if (((view.getInt32(offset, true) | view.getInt32(offset + 4, true)) & NOT_ASCII) !== 0) return 0;
    let at = ((offset + 7) / 8) >>> 0;
    const end = ((offset + length) / 8) >>> 0;
    for (; at + 8 <= end; at += 8) {
      const a =
        (longs[at] as bigint) | (longs[at + 1] as bigint) | (longs[at + 2] as bigint) | (longs[at + 3] as bigint);
      const b =
        (longs[at + 4] as bigint) | (longs[at + 5] as bigint) | (longs[at + 6] as bigint) | (longs[at + 7] as bigint);
      if (!isAscii(a | b)) break;
    }
    return at * 8 - offset;
  }

  /** Unmasks the front of a text as long as it is ASCII, in steps of 64 bytes. @returns how many bytes it has unmasked */
  function unmaskAsciiFront(offset: number, length: number, key: number): number {
    const first = view.getInt32(offset, true) ^ key;
    const second = view.getInt32(offset + 4, true) ^ key;
    if (((first | second) & NOT_ASCII) !== 0) return 0;
    const long = doubled(rotateKey(key, -offset));
    const begin = ((offset + 7) / 8) >>> 0;
    const end = ((offset + length) / 8) >>> 0;
    let at = begin;
    for (; at + 8 <= end; at += 8) {
      const a = (longs[at] as bigint) ^ long;
      const b = (longs[at + 1] as bigint) ^ long;
      const c = (longs[at + 2] as bigint) ^ long;
      const d = (longs[at + 3] as bigint) ^ long;
      const e = (longs[at + 4] as bigint) ^ long;
      const f = (longs[at + 5] as bigint) ^ long;
      const g = (longs[at + 6] as bigint) ^ long;
      const h = (longs[at + 7] as bigint) ^ long;
      if (!isAscii(a | b | c | d | e | f | g | h)) break;
      longs[at] = a;
      longs[at + 1] = b;
      longs[at + 2] = c;
      longs[at + 3] = d;
      longs[at + 4] = e;
      longs[at + 5] = f;
      longs[at + 6] = g;
      longs[at + 7] = h;
    }
    if (at === begin) return 0;
    view.setInt32(offset, first, true);
    view.setInt32(offset + 4, second, true);
    return at * 8 - offset;
  }

  /** By four words a turn: one look tells whether they are ASCII, and if they are not, the automaton takes them without a branch. */
  function validate(offset: number, length: number, state: number): number {
    const end = offset + length;
    if (length >= ASCII_FROM_BYTES && state === Utf8.ACCEPT) offset += asciiFront(offset, length);
    let position = positions[state] as number;
    let at = offset;
    for (; at < end && (at & 3) !== 0; at++) position = (rows[bytes[at] as number] as number) >> position;
    let word = at >>> 2;
    const endWord = word + ((end - at) >>> 2);
    at += (endWord - word) * 4;
    for (; word + 4 <= endWord; word += 4) {
      const a = words[word] as number;
      const b = words[word + 1] as number;
      const c = words[word + 2] as number;
      const d = words[word + 3] as number;
      if (((a | b | c | d) & NOT_ASCII) === 0 && (position & POSITION_BITS) === ACCEPT_POSITION) continue;
      position = step4(step4(step4(step4(position, a), b), c), d);
    }
    for (; word < endWord; word++) {
      const four = words[word] as number;
      if ((four & NOT_ASCII) === 0 && (position & POSITION_BITS) === ACCEPT_POSITION) continue;
      position = step4(position, four);
    }
    for (; at < end; at++) position = (rows[bytes[at] as number] as number) >> position;
    return stateAt[position & POSITION_BITS] as number;
  }

  /** The same, unmasking on the way. */
  function unmaskText(offset: number, length: number, key: number, state: number): number {
    const end = offset + length;
    if (length >= ASCII_FROM_BYTES && state === Utf8.ACCEPT) {
      const ascii = unmaskAsciiFront(offset, length, key);
      offset += ascii;
      key = rotateKey(key, ascii);
    }
    let position = positions[state] as number;
    let at = offset;
    for (; at < end && (at & 3) !== 0; at++) {
      const byte = (bytes[at] as number) ^ (key & 0xff);
      bytes[at] = byte;
      position = (rows[byte] as number) >> position;
      key = rotateKey(key, 1);
    }
    let word = at >>> 2;
    const endWord = word + ((end - at) >>> 2);
    at += (endWord - word) * 4;
    for (; word + 4 <= endWord; word += 4) {
      const a = (words[word] as number) ^ key;
      const b = (words[word + 1] as number) ^ key;
      const c = (words[word + 2] as number) ^ key;
      const d = (words[word + 3] as number) ^ key;
      words[word] = a;
      words[word + 1] = b;
      words[word + 2] = c;
      words[word + 3] = d;
      if (((a | b | c | d) & NOT_ASCII) === 0 && (position & POSITION_BITS) === ACCEPT_POSITION) continue;
      position = step4(step4(step4(step4(position, a), b), c), d);
    }
    for (; word < endWord; word++) {
      const four = (words[word] as number) ^ key;
      words[word] = four;
      if ((four & NOT_ASCII) === 0 && (position & POSITION_BITS) === ACCEPT_POSITION) continue;
      position = step4(position, four);
    }
    for (; at < end; at++) {
      const byte = (bytes[at] as number) ^ (key & 0xff);
      bytes[at] = byte;
      position = (rows[byte] as number) >> position;
      key >>>= 8;
    }
    return stateAt[position & POSITION_BITS] as number;
  }

  return { unmask, validate, unmaskText };
}
