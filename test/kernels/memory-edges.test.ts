import { describe, expect, it } from 'vitest';
import { advance, Utf8 } from '../../dist/kernels/utf8.js';
import { allKernels, bytes, KERNELS, KEY, newMemory, xor } from './all-kernels.js';

const PAGE = 65536;
const text = Buffer.from('Möwe, 床前明月光, 🚀 and the rest of it in plain ASCII. '.repeat(4));

describe.each(KERNELS)('at the very end of the memory, %s', (_, kernel) => {
  it('reads and writes nothing beyond', () => {
    for (let length = 0; length <= text.length; length++) {
      const payload = text.subarray(0, length);
      const offset = bytes.length - length;
      const expected = advance(payload, 0, length, Utf8.ACCEPT);
      bytes.set(xor(payload), offset);
      kernel.unmask(offset, length, KEY);
      expect(bytes.subarray(offset).equals(payload)).toBe(true);
      expect(kernel.validate(offset, length, Utf8.ACCEPT)).toBe(expected);
      bytes.set(xor(payload), offset);
      expect(kernel.unmaskText(offset, length, KEY, Utf8.ACCEPT)).toBe(expected);
      expect(bytes.subarray(offset).equals(payload)).toBe(true);
    }
  });
});

describe('in the largest memory there is, 4 GiB', () => {
  it('every kernel works above 2 GiB and up to the last byte, where the end is no 32-bit number', () => {
    const memory = newMemory(PAGE);
    const all = new Uint8Array(memory.buffer);
    for (const [, kernel] of allKernels(memory)) {
      for (const end of [2 ** 31 + 8, 2 ** 32]) {
        for (const length of [1, 5, 31, 64, 100, text.length]) {
          const payload = text.subarray(0, length);
          const offset = end - length;
          const expected = advance(payload, 0, length, Utf8.ACCEPT);
          all.set(xor(payload), offset);
          kernel.unmask(offset, length, KEY);
          expect(payload.equals(all.subarray(offset, end))).toBe(true);
          expect(kernel.validate(offset, length, Utf8.ACCEPT)).toBe(expected);
          all.set(xor(payload), offset);
          expect(kernel.unmaskText(offset, length, KEY, Utf8.ACCEPT)).toBe(expected);
          expect(payload.equals(all.subarray(offset, end))).toBe(true);
        }
      }
    }
  });
});

describe('the static data of the WASM kernels', () => {
  it('stays inside the first page, and the kernels write nothing else outside their ranges', () => {
    const memory = newMemory(2);
    new Uint8Array(memory.buffer).fill(0xa5);
    allKernels(memory);
    const after = new Uint8Array(memory.buffer);
    expect(after.subarray(0, PAGE).some((byte) => byte !== 0xa5)).toBe(true);
    expect(after.subarray(PAGE).every((byte) => byte === 0xa5)).toBe(true);
  });

  it('does not depend on what was in the memory, and survives another set of kernels there', () => {
    const memory = newMemory(2);
    const all = Buffer.from(memory.buffer).fill(0xa5);
    const kernels = [...allKernels(memory), ...allKernels(memory)];
    all.set(text, PAGE);
    for (const [, kernel] of kernels) expect(kernel.validate(PAGE, text.length, Utf8.ACCEPT)).toBe(Utf8.ACCEPT);
  });
});
