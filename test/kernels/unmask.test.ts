import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rotateKey } from '../../dist/kernels/kernel.js';
import { FREE, holds, KERNELS, KEY, place, untouchedAround, xor } from './all-kernels.js';

const START = FREE + 64;
const PAYLOAD = Buffer.from(Array.from({ length: 66_000 }, (_, i) => (i * 167 + (i >> 8)) & 0xff));
/** The payload unmasked by the byte loop, for each phase of the key. */
const UNMASKED = [0, 1, 2, 3].map((phase) => xor(PAYLOAD, phase));

describe.each(KERNELS)('unmask by %s', (_, kernel) => {
  /** Unmasks one range. @returns the error, if there is one */
  function fault(offset: number, length: number, phase: number): string | undefined {
    place(PAYLOAD.subarray(0, length), offset);
    kernel.unmask(offset, length, rotateKey(KEY, phase));
    const expected = UNMASKED[phase]?.subarray(0, length) ?? PAYLOAD;
    const where = `offset ${offset - START}, length ${length}, phase ${phase}`;
    if (!untouchedAround(offset, length)) return `wrote outside its range: ${where}`;
    return holds(expected, offset) ? undefined : `differs from the byte loop: ${where}`;
  }

  it('agrees with the byte loop at every length to 300, alignment and phase of the key, and writes nowhere else', () => {
    for (let length = 0; length <= 300; length++) {
      for (let offset = 0; offset < 16; offset++) {
        for (let phase = 0; phase < 4; phase++) {
          const found = fault(START + offset, length, phase);
          if (found !== undefined) expect.fail(found);
        }
      }
    }
  });

  it('agrees with the byte loop at lengths around every change of step', () => {
    for (const around of [512, 528, 1024, 3072, 4096, 65536]) {
      for (let length = around - 2; length <= around + 2; length++) {
        for (let offset = 0; offset < 16; offset++) {
          const found = fault(START + offset, length, offset & 3);
          if (found !== undefined) expect.fail(found);
        }
      }
    }
  });

  it('undoes itself, with any key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer(), (payload, key) => {
        place(payload, START);
        kernel.unmask(START, payload.length, key);
        kernel.unmask(START, payload.length, key);
        expect(holds(payload, START)).toBe(true);
      }),
    );
  });

  it('unmasks a payload in pieces of any size when the key is rotated by the bytes before', () => {
    const payload = PAYLOAD.subarray(0, 3000);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 20 }), (pieces) => {
        place(payload, START);
        let at = 0;
        for (const piece of [...pieces, payload.length]) {
          const length = Math.min(piece, payload.length - at);
          kernel.unmask(START + at, length, rotateKey(KEY, at));
          at += length;
        }
        expect(holds(xor(payload), START)).toBe(true);
      }),
    );
  });

  it('works with a key whose top bit is set', () => {
    place(Buffer.from([0, 0, 0, 0, 0]), START);
    kernel.unmask(START, 5, 0x80fe01ff | 0);
    expect(holds(Buffer.from([0xff, 0x01, 0xfe, 0x80, 0xff]), START)).toBe(true);
  });
});

describe('rotateKey', () => {
  it('moves the key by the bytes that have passed, modulo four', () => {
    expect(rotateKey(0x44332211, 0)).toBe(0x44332211);
    expect(rotateKey(0x44332211, 1)).toBe(0x11443322);
    expect(rotateKey(0x44332211, 2)).toBe(0x22114433);
    expect(rotateKey(0x44332211, 3)).toBe(0x33221144);
    expect(rotateKey(0x44332211, 1_000_001)).toBe(0x11443322);
  });

  it('gives an int32 for every key', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(), (key, passed) => {
        expect(rotateKey(key, passed) | 0).toBe(rotateKey(key, passed));
      }),
    );
  });
});
