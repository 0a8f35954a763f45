import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TextCheck } from '../../dist/fleet/text-check.js';

test('it agrees with isUtf8 for every length, offset and place of a wrong byte', () => {
  const texts = new TextCheck();
  for (const length of [1, 2, 3, 4, 5, 31, 32, 33, 34, 35, 36, 37, 64, 511, 512, 513]) {
    for (let offset = 0; offset < 9; offset++) {
      // The memory ends with the text, also in the middle of a word.
      const bytes = new Uint8Array(new ArrayBuffer(offset + length), offset >> 1);
      bytes.fill(0x61);
      const start = bytes.length - length;
      expect(texts.isUtf8(bytes, start, bytes.length)).toBe(true);
      for (let at = start; at < bytes.length; at++) {
        bytes[at] = 0xff;
        expect(texts.isUtf8(bytes, start, bytes.length)).toBe(false);
        bytes[at] = 0x61;
      }
      bytes.fill(0xff, 0, start); // what lies around the text does not matter
      expect(texts.isUtf8(bytes, start, bytes.length)).toBe(true);
    }
  }
});

test('it agrees with isUtf8 for any text, and parts of texts', () => {
  const texts = new TextCheck();
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀'), maxLength: 300 });
  fc.assert(
    fc.property(text, fc.nat(9), fc.nat(1200), fc.nat(3), (one, offset, length, skipped) => {
      const bytes = Buffer.concat([Buffer.alloc(offset, 0xff), Buffer.from(one), Buffer.alloc(3, 0xff)]);
      const start = Math.min(offset + skipped, bytes.length - 3);
      const end = Math.min(start + length, bytes.length - 3);
      expect(texts.isUtf8(bytes, start, end)).toBe(isUtf8(bytes.subarray(start, end)));
    }),
  );
});
