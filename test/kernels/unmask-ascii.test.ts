import { describe, expect, it } from 'vitest';
import { wasmKernel } from '../../dist/kernels/wasm.js';
import { bytes, FREE, holds, KEY, memory, place, untouchedAround, xor } from './all-kernels.js';

const START = FREE + 64;
/** How many bytes in front of a byte that is not ASCII may be reported as not checked. */
const STEP = 64;

const unmaskAscii = wasmKernel(memory).unmaskAscii as (offset: number, length: number, key: number) => number;

/** Unmasks a text. @param foreign the index of its first byte that is not ASCII @returns the error, if there is one */
function fault(text: Buffer, offset: number, foreign: number | undefined): string | undefined {
  place(xor(text, 0), offset);
  const ascii = unmaskAscii(offset, text.length, KEY);
  const where = `length ${text.length}, offset ${offset - START}, not ASCII at ${foreign}`;
  if (!untouchedAround(offset, text.length)) return `wrote outside its range: ${where}`;
  if (!holds(text, offset)) return `is not unmasked: ${where}`;
  if (foreign === undefined) return ascii === text.length ? undefined : `${ascii} of all are ASCII: ${where}`;
  return ascii <= foreign && ascii > foreign - STEP - 16 ? undefined : `${ascii} are ASCII: ${where}`;
}

describe('unmaskAscii', () => {
  it('knows texts that are ASCII, at every length to 300 and every alignment', () => {
    for (let length = 0; length <= 300; length++) {
      const text = Buffer.from(Array.from({ length }, (_, i) => i & 0x7f));
      for (let offset = 0; offset < 16; offset++) {
        const found = fault(text, START + offset, undefined);
        if (found !== undefined) expect.fail(found);
      }
    }
  });

  it('finds a byte that is not, wherever it is, and unmasks what is behind it', () => {
    for (const length of [1, 2, 15, 16, 17, 63, 64, 65, 80, 130, 200, 300]) {
      for (let foreign = 0; foreign < length; foreign++) {
        const text = Buffer.from(Array.from({ length }, (_, i) => (i * 7) & 0x7f));
        text[foreign] = foreign % 2 === 0 ? 0x80 : 0xff;
        for (let offset = 0; offset < 16; offset++) {
          const found = fault(text, START + offset, foreign);
          if (found !== undefined) expect.fail(found);
        }
      }
    }
  });

  it('reaches the last byte of the memory', () => {
    const text = Buffer.alloc(1000, 'a');
    const offset = bytes.length - text.length;
    bytes.set(xor(text, 0), offset);
    expect(unmaskAscii(offset, text.length, KEY)).toBe(text.length);
    expect(bytes.subarray(offset).equals(text)).toBe(true);
  });
});
