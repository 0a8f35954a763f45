import { describe, expect, it } from 'vitest';
import {
  byteLoopOfViews,
  dataViewOfViews,
  keptLongs,
  keptWords,
  longsOfViews,
  longsOver,
  wordsOfViews,
  wordsOver,
} from '../../../bench/study/view-loops.js';

const KEY = 0x3d21fa37;
const MASK = [0x37, 0xfa, 0x21, 0x3d];

describe.each([
  ['bytes', byteLoopOfViews],
  ['eight words', wordsOfViews],
  ['a DataView', dataViewOfViews],
  ['words of 64 bits', longsOfViews],
  ['eight words in a view that is kept', keptWords()],
  ['words of 64 bits in a view that is kept', keptLongs()],
])('unmasking of a view by %s', (_, { unmask }) => {
  it('XORs each byte with the key at every length to 150 and alignment, and writes nowhere else', () => {
    for (let length = 0; length <= 150; length++) {
      for (let offset = 0; offset < 8; offset++) {
        const before = Uint8Array.from({ length: 176 }, (_, i) => (i * 167) & 0xff);
        const memory = before.slice();
        unmask(memory.subarray(offset, offset + length), KEY);
        const right = before.map((byte, i) =>
          i >= offset && i < offset + length ? byte ^ (MASK[(i - offset) & 3] as number) : byte,
        );
        if (Buffer.compare(memory, right) !== 0) expect.fail(`length ${length}, ${offset}`);
      }
    }
  });

  it('goes from one buffer to another and back', () => {
    const [one, other] = [new Uint8Array(64), new Uint8Array(128)];
    for (const view of [one, other, one, other.subarray(1)]) unmask(view, KEY);
    expect([one.every((byte) => byte === 0), other[0], other[1]]).toEqual([true, 0x37, 0xfa ^ 0x37]);
  });
});

describe.each([
  ['eight words', wordsOver],
  ['words of 64 bits', longsOver],
])('unmasking of views of one buffer by %s in a closure', (_, over) => {
  it('XORs each byte at every length to 150 and alignment, of another buffer too, and writes nowhere else', () => {
    const before = Uint8Array.from({ length: 176 }, (_, i) => (i * 167) & 0xff);
    const own = new Uint8Array(176);
    const { unmask } = over(own.buffer);
    for (const memory of [own, new Uint8Array(176)]) {
      for (let length = 0; length <= 150; length++) {
        for (let offset = 0; offset < 8; offset++) {
          memory.set(before);
          unmask(memory.subarray(offset, offset + length), KEY);
          const right = before.map((byte, i) =>
            i >= offset && i < offset + length ? byte ^ (MASK[(i - offset) & 3] as number) : byte,
          );
          if (Buffer.compare(memory, right) !== 0) expect.fail(`length ${length}, ${offset}`);
        }
      }
    }
  });
});
