import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HexReader, hexOf, readHex } from '../../dist/anatomy/hex.js';

describe('hex', () => {
  test.each([
    ['8105', '8105'],
    ['81 05\n48\t65\r\n', '81054865'],
    ['81:05:48', '810548'],
    ['0x81, 0x05, 0X4a', '81054a'],
    ['0x8105 48', '810548'],
    ['\\x81\\x05', '8105'],
    ['FF00ab', 'ff00ab'],
    ['0x', ''],
    ['', ''],
    [' \n', ''],
  ])('%j is read as "%s"', (text, bytes) => {
    expect(hexOf(readHex(text))).toBe(bytes);
  });

  test.each([
    ['8', 'a byte of one digit at position 1: each has two'],
    ['810', 'a byte of one digit at position 3: each has two'],
    ['8 1', 'a byte of one digit at position 1: each has two'],
    ['0x8 0x1', 'a byte of one digit at position 3: each has two'],
    ['81zz', 'no digit of hex at position 3: "z"'],
    ['x81', 'no digit of hex at position 1: "x"'],
    ['810x', 'no digit of hex at position 4: "x"'],
    ['\\81', 'no digit of hex at position 2: "8"'],
    ['81\\', 'a backslash at the end'],
    ['00 00x', 'no digit of hex at position 6: "x"'],
    ['81\x1b[31m', 'no digit of hex at position 3: "\\u001b"'],
    ['81\u009b', 'no digit of hex at position 3: "\\u009b"'],
  ])('%j is refused: %s', (text, message) => {
    expect(() => readHex(text)).toThrow(new SyntaxError(message));
  });

  test('is read as it was written, with any separator and any prefix, wherever the text is cut', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 50 }),
        fc.constantFrom('', ' ', ':', ', ', '\n'),
        fc.constantFrom('', '0x', '\\x'),
        fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
        (bytes, separator, prefix, cuts) => {
          const between = prefix === '0x' && separator === '' ? ' ' : separator;
          const text = [...bytes].map((byte) => prefix + byte.toString(16).padStart(2, '0')).join(between);
          const reader = new HexReader();
          const read: number[] = [];
          for (let at = 0; at < text.length; ) {
            const end = at + cuts.next().value;
            read.push(...reader.feed(text.slice(at, end)));
            at = end;
          }
          reader.end();
          expect(read).toEqual([...bytes]);
        },
      ),
    );
  });
});
