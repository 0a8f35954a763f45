import { randomBytes } from 'node:crypto';
import { constants, inflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { LargeDeflate } from '../../dist/compression/large-deflate.js';
import { PayloadDeflater } from '../../dist/compression/payload-deflater.js';
import { DEFLATE_LEVELS } from '../../dist/kernels/deflater.js';
import { plainInflate } from '../kernels/plain-inflate.js';
import { Counters } from '../../dist/telemetry/counters.js';

const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

const inflate = (bytes: Uint8Array, windowBits: number) =>
  inflateRawSync(Buffer.concat([bytes, TAIL]), { windowBits, finishFlush: constants.Z_SYNC_FLUSH });

const KERNELS = ['auto', 'wasm', 'native'] as const;

describe.each(KERNELS.flatMap((kernel) => DEFLATE_LEVELS.map((level) => ({ kernel, level }))))(
  'a payload that $kernel compresses at level $level',
  ({ kernel, level }) => {
    const deflater = new PayloadDeflater({ kernel, level, thresholdBytes: 100 }, new Counters());

    test('inflates to itself with every window, also if it is as long as it may be', () => {
      const repeated = randomBytes(600).toString('hex');
      for (const length of [deflater.leastBytes, 5000, deflater.mostBytes]) {
        const payload = Buffer.from(repeated.repeat(Math.ceil(length / repeated.length)).slice(0, length));
        deflater.take(payload);
        for (const windowBits of [15, 12, 8]) {
          const bytes = deflater.deflate(windowBits);
          expect(bytes?.length).toBeLessThan(length);
          expect(inflate(bytes as Uint8Array, windowBits).equals(payload)).toBe(true);
        }
      }
    });

    test('refers to no payload before it', () => {
      const payload = randomBytes(1000);
      for (let i = 0; i < 2; i++) {
        deflater.take(payload);
        expect(deflater.deflate(15)).toBeUndefined(); // nothing in it repeats
      }
    });

    test('in pieces inflates to itself, and refers to nothing farther away than its window', () => {
      const payload = Buffer.from(randomBytes(3000).toString('hex').repeat(20));
      for (const windowBits of [15, 12, 8]) {
        const large = new LargeDeflate(deflater.pieces(windowBits), payload);
        while (!large.isOver) large.goOn();
        const bytes = Buffer.concat(large.parts);
        expect(inflate(bytes, 15).equals(payload)).toBe(true);
        const { farthest } = plainInflate(bytes, Buffer.alloc(0), 2 ** 15);
        expect(farthest).toBeLessThanOrEqual(2 ** windowBits);
        if (windowBits === 15) expect(bytes.length).toBeLessThan(5000); // each piece refers to the one before
      }
    });

    test('refers to nothing that lies in front of it in memory', () => {
      const fresh = new PayloadDeflater({ kernel, level, thresholdBytes: 100 }, new Counters()); // whose memory is still all zeros
      fresh.take(Buffer.alloc(5000));
      expect(inflate(fresh.deflate(15) as Uint8Array, 15).equals(Buffer.alloc(5000))).toBe(true);
    });

    test('is not longer than it was, or there is none', () => {
      for (const length of [1, 2, 3]) {
        deflater.take(randomBytes(length));
        expect(deflater.deflate(15)).toBeUndefined();
      }
    });
  },
);

test('the threshold is the least that is compressed, and the most is bounded by the time that it takes', () => {
  const sizes = (['wasm', 'native'] as const).flatMap((kernel) =>
    DEFLATE_LEVELS.map((level) => new PayloadDeflater({ kernel, level, thresholdBytes: 7 }, new Counters())),
  );
  expect(sizes.map(({ leastBytes, mostBytes }) => [leastBytes, mostBytes])).toEqual([
    [7, 128 * 1024],
    [7, 48 * 1024],
    [7, 128 * 1024],
    [7, 12 * 1024],
  ]);
});
