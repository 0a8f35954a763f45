import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { Utf8 } from '../../dist/kernels/utf8.js';

/** Bytes that complete every beginning of a character: at most three continuations, low for ED and F4, high for E0 and F0. */
const COMPLETIONS = [[], [0x80], [0xbf], [0x80, 0x80], [0xbf, 0xbf], [0x80, 0x80, 0x80], [0xbf, 0xbf, 0xbf]];

/**
 * The verdict that a decoder must give on a text, found by Node alone: valid, not yet valid, or invalid. It does not say how far
 * inside a character the text ends.
 */
export function verdict(text: Uint8Array): 'accept' | 'pending' | 'reject' {
  if (isUtf8(text)) return 'accept';
  return COMPLETIONS.some((more) => isUtf8(Buffer.concat([text, Buffer.from(more)]))) ? 'pending' : 'reject';
}

/** The same verdict for a state of a decoder. */
export function verdictOf(state: number): 'accept' | 'pending' | 'reject' {
  if (state === Utf8.ACCEPT) return 'accept';
  return state === Utf8.REJECT ? 'reject' : 'pending';
}

/** The first and last characters of each length in bytes, and those on both sides of the surrogates. */
export const BOUNDARIES = [0x00, 0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff];

/** Bytes that are not UTF-8, each with an error of its own. */
export const FAULTS: readonly (readonly [string, readonly number[]])[] = [
  ['a continuation with nothing before it', [0x80]],
  ['two continuations after two bytes', [0xc3, 0xa9, 0xa9]],
  ['an overlong two-byte slash', [0xc0, 0xaf]],
  ['an overlong two-byte delete', [0xc1, 0xbf]],
  ['an overlong three-byte slash', [0xe0, 0x80, 0xaf]],
  ['an overlong U+07FF', [0xe0, 0x9f, 0xbf]],
  ['an overlong four-byte slash', [0xf0, 0x80, 0x80, 0xaf]],
  ['an overlong U+FFFF', [0xf0, 0x8f, 0xbf, 0xbf]],
  ['the first surrogate', [0xed, 0xa0, 0x80]],
  ['the last surrogate', [0xed, 0xbf, 0xbf]],
  ['U+110000', [0xf4, 0x90, 0x80, 0x80]],
  ['U+140000', [0xf5, 0x80, 0x80, 0x80]],
  ['a five-byte sequence', [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ['FE', [0xfe]],
  ['FF', [0xff]],
  ['a character cut after its first byte', [0xe2, 0x41]],
  ['a character cut after its second byte', [0xe2, 0x82, 0x41]],
  ['a character cut after its third byte', [0xf0, 0x9f, 0x98, 0x41]],
  ['a character cut by another', [0xe2, 0xe2, 0x82, 0xac]],
];

const ascii = fc.string({ unit: 'binary-ascii', maxLength: 80 }).map((text) => Buffer.from(text));
const character = fc
  .oneof(
    fc.integer({ min: 0x80, max: 0x7ff }),
    fc.integer({ min: 0x800, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
    fc.constantFrom(...BOUNDARIES),
  )
  .map((codePoint) => Buffer.from(String.fromCodePoint(codePoint)));

/** Valid text, of ASCII runs long enough for every fast path and of characters of every length. */
export const validText = fc
  .array(fc.oneof(ascii, character, character, character), { maxLength: 24 })
  .map((parts) => Buffer.concat(parts));

/** Valid text with one byte changed, added or left out: most of it is just invalid. */
export const mutatedText = fc
  .tuple(validText, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.constantFrom('change', 'insert', 'remove'))
  .map(([text, position, byte, mutation]) => {
    const at = text.length === 0 ? 0 : position % text.length;
    const middle = mutation === 'remove' ? [] : [byte];
    return Buffer.concat([
      text.subarray(0, at),
      Buffer.from(middle),
      text.subarray(mutation === 'insert' ? at : at + 1),
    ]);
  });

/** Any bytes; those that matter to a decoder more often than the others. */
export const anyBytes = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2, 0xe0, 0xe1, 0xed, 0xf0, 0xf4),
    ),
    {
      maxLength: 200,
    },
  )
  .map((list) => Buffer.from(list));

export const text = fc.oneof(validText, mutatedText, anyBytes);
