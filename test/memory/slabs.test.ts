import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Slabs } from '../../dist/memory/slabs.js';
import { SlabLedger } from './slab-ledger.js';
import { slabSteps, walk } from './slab-steps.js';

const SPAN = 64 * 1024;
const MEBIBYTE = 1024 * 1024;

/** Takes as many slabs of a size as there is room for. */
function takeAll(slabs: Slabs, lengthBytes: number): number[] {
  const offsets: number[] = [];
  for (let offset = slabs.take(lengthBytes); offset >= 0; offset = slabs.take(lengthBytes)) offsets.push(offset);
  return offsets;
}

describe('the capacity of a slab', () => {
  test.each([
    [0, 64],
    [1, 64],
    [64, 64],
    [65, 128],
    [128, 128],
    [129, 256],
    [65_535, 65_536],
    [65_536, 65_536],
    [65_537, 131_072],
    [2 ** 30 - 1, 2 ** 30],
    [2 ** 30, 2 ** 30],
    [2 ** 30 + 1, 2 ** 31],
    [2 ** 31 + 1, 2 ** 32],
    [2 ** 32 - 1, 2 ** 32],
  ])('is for %i bytes the next power of two, %i', (lengthBytes, capacity) => {
    expect(Slabs.capacity(lengthBytes)).toBe(capacity);
  });
});

describe('taking slabs', () => {
  test.each([64, 128, 4096, 32_768])('finds room for all slabs of %i bytes that a range holds', (size) => {
    const slabs = new Slabs(1000, MEBIBYTE);
    const offsets = takeAll(slabs, size);
    expect(offsets).toHaveLength(MEBIBYTE / size);
    expect(new Set(offsets).size).toBe(offsets.length);
    expect(slabs.allocatedBytes).toBe(MEBIBYTE);
    expect(slabs.take(1)).toBe(-1);
  });

  test('finds the largest slab of a range that is no power of two, and then the next', () => {
    const slabs = new Slabs(0, 7 * SPAN + 1000);
    expect([4, 2, 1].map((spans) => slabs.take(spans * SPAN))).toEqual([0, 4 * SPAN, 6 * SPAN]);
    expect(slabs.take(1)).toBe(-1);
  });

  test.each([
    ['nothing', 0],
    ['less than a span', SPAN - 1],
  ])('finds no room in a range of %s', (_name, lengthBytes) => {
    const slabs = new Slabs(0, lengthBytes);
    expect(slabs.take(1)).toBe(-1);
    expect(slabs.take(SPAN)).toBe(-1);
    expect(slabs.allocatedSlabs).toBe(0);
  });

  test.each([SPAN * 4, 2 ** 30 + 1, 2 ** 31, 2 ** 32 - 1])(
    'finds no room for %i bytes in a range of three spans',
    (size) => {
      expect(new Slabs(0, 3 * SPAN).take(size)).toBe(-1);
    },
  );

  test('goes up to 1 GiB for a slab and up to 4 GiB for a range', () => {
    const start = 640 * 1024;
    const gibibyte = 2 ** 30;
    const slabs = new Slabs(start, 4 * gibibyte - SPAN - start);
    const offsets = takeAll(slabs, gibibyte);
    expect(offsets.sort((a, b) => a - b)).toEqual([start, start + gibibyte, start + 2 * gibibyte]);
    expect(slabs.take(gibibyte + 1)).toBe(-1);
    const high = slabs.take(64);
    expect(high).toBeGreaterThanOrEqual(start + 3 * gibibyte);
    slabs.free(high, 64);
    for (const offset of offsets) slabs.free(offset, gibibyte);
    expect(slabs.allocatedSlabs).toBe(0);
    expect(takeAll(slabs, gibibyte)).toHaveLength(3);
  });

  test('cuts small slabs from the smallest free range, so that the largest stays whole', () => {
    const slabs = new Slabs(0, 5 * SPAN);
    expect(slabs.take(64)).toBeGreaterThanOrEqual(4 * SPAN);
    expect(slabs.take(4 * SPAN)).toBe(0);
  });
});

describe('growing a slab', () => {
  test('doubles it where it lies as long as what is behind it is free', () => {
    const slabs = new Slabs(0, 16 * SPAN);
    const offset = slabs.take(SPAN);
    for (let capacity = SPAN; capacity < 16 * SPAN; capacity *= 2) {
      expect(slabs.grow(offset, capacity)).toBe(true);
      expect(slabs.allocatedBytes).toBe(capacity * 2);
      expect(slabs.allocatedSlabs).toBe(1);
    }
    expect(slabs.grow(offset, 16 * SPAN)).toBe(false);
    slabs.free(offset, 16 * SPAN);
    expect(slabs.allocatedBytes).toBe(0);
  });

  test('fails, and changes nothing, when what is behind is taken', () => {
    const slabs = new Slabs(0, 2 * SPAN);
    const [low, high] = takeAll(slabs, SPAN).sort((a, b) => a - b) as [number, number];
    expect(slabs.grow(low, SPAN)).toBe(false);
    expect(slabs.grow(high, SPAN)).toBe(false);
    expect(slabs.allocatedBytes).toBe(2 * SPAN);
    slabs.free(high, SPAN);
    expect(slabs.grow(low, SPAN)).toBe(true);
  });

  test('fails at the end of the range, whose last slab has no buddy', () => {
    const slabs = new Slabs(0, 3 * SPAN);
    slabs.take(2 * SPAN);
    const last = slabs.take(SPAN);
    expect(last).toBe(2 * SPAN);
    expect(slabs.grow(last, SPAN)).toBe(false);
  });

  test.each([64, 32_768])('fails for a small slab, of %i bytes', (size) => {
    const slabs = new Slabs(0, 4 * SPAN);
    expect(slabs.grow(slabs.take(size), size)).toBe(false);
  });

  test('fails for a slab of 1 GiB, the largest there is', () => {
    const slabs = new Slabs(0, 2 ** 31);
    const offset = slabs.take(2 ** 30);
    expect(slabs.grow(offset, 2 ** 30)).toBe(false);
  });

  test('lets the slab give back everything that it has grown to', () => {
    const ledger = new SlabLedger(0, 8 * SPAN);
    ledger.take(SPAN);
    while (ledger.grow(0));
    ledger.free(0);
    expect(ledger.take(8 * SPAN)).toBeDefined();
  });
});

describe('a slab that is taken for good', () => {
  test.each([1, SPAN, SPAN + 1, 4 * SPAN])('of %i bytes leaves the largest range whole', (lengthBytes) => {
    const slabs = new Slabs(1000, (32 + 8 + 2) * SPAN);
    const offset = slabs.takeForGood(lengthBytes);
    expect(offset).toBeGreaterThanOrEqual(1000 + 32 * SPAN);
    expect(slabs.allocatedBytes).toBe(Math.max(SPAN, Slabs.capacity(lengthBytes)));
    expect(slabs.allocatedSlabs).toBe(1);
    expect(slabs.take(32 * SPAN)).toBe(1000);
    expect(slabs.takeForGood(32 * SPAN)).toBe(-1);
  });
});

describe('with a quarter kept', () => {
  test('whoever can do without a slab gets none of it, and others do', () => {
    const slabs = new Slabs(0, 17 * SPAN);
    slabs.take(SPAN);
    slabs.keepQuarter();
    const spare = slabs.takeSpare(8 * SPAN);
    expect(spare).toBeGreaterThanOrEqual(0);
    expect(slabs.growSpare(spare, 8 * SPAN)).toBe(false);
    expect(slabs.takeSpare(4 * SPAN + 1)).toBe(-1);
    const small = slabs.takeSpare(2 * SPAN);
    expect(slabs.growSpare(small, 2 * SPAN)).toBe(true);
    expect(slabs.isShort).toBe(false);
    expect(slabs.takeSpare(1)).toBe(-1);
    const kept = slabs.take(SPAN);
    expect(kept).toBeGreaterThanOrEqual(0);
    expect(slabs.isShort).toBe(true);
    slabs.free(kept, SPAN);
    slabs.free(small, 4 * SPAN);
    expect(slabs.takeSpare(4 * SPAN)).toBeGreaterThanOrEqual(0);
  });

  test('all of it is free for everybody as long as nothing is kept', () => {
    const slabs = new Slabs(0, 4 * SPAN);
    expect(slabs.takeSpare(2 * SPAN)).toBeGreaterThanOrEqual(0);
    expect(slabs.isShort).toBe(false);
    expect(slabs.takeSpare(2 * SPAN)).toBeGreaterThanOrEqual(0);
    expect(slabs.isShort).toBe(false);
  });
});

describe('an error that would give the bytes of one connection to another throws:', () => {
  const message = /arena bookkeeping is broken/;

  test.each([64, 4096, 32_768, SPAN, 4 * SPAN])('a second free of a slab of %i bytes that was the only one', (size) => {
    const slabs = new Slabs(0, MEBIBYTE);
    const offset = slabs.take(size);
    slabs.free(offset, size);
    expect(() => slabs.free(offset, size)).toThrow(message);
    expect(slabs.allocatedSlabs).toBe(0);
    expect(slabs.allocatedBytes).toBe(0);
  });

  test.each([64, 4096, 32_768, SPAN, 4 * SPAN])('a second free of a slab of %i bytes among others', (size) => {
    const slabs = new Slabs(500, MEBIBYTE);
    const offsets = takeAll(slabs, size);
    const step = Math.max(2, offsets.length / 64);
    const freed = offsets.filter((_, i) => i % step === 0);
    for (const offset of freed) {
      slabs.free(offset, size);
      expect(() => slabs.free(offset, size)).toThrow(message);
    }
    expect(slabs.allocatedSlabs).toBe(offsets.length - freed.length);
  });

  test.each([64, 1024, 32_768])('a free of the middle of a slab of %i bytes', (size) => {
    const slabs = new Slabs(0, MEBIBYTE);
    const offset = slabs.take(size);
    for (const inside of [1, 32, size / 2, size - 1]) {
      expect(() => slabs.free(offset + inside, size)).toThrow(message);
    }
    slabs.free(offset, size);
  });

  test.each([
    ['a small slab, as a smaller one', 4096, 2048],
    ['a small slab, as a larger one', 4096, 8192],
    ['a small slab, as a span', 4096, SPAN],
    ['a span, as a small slab', SPAN, 4096],
    ['two spans, as one', 2 * SPAN, SPAN],
    ['two spans, as four', 2 * SPAN, 4 * SPAN],
  ])('a free of %s', (_name, size, wrong) => {
    const slabs = new Slabs(0, MEBIBYTE);
    const offset = slabs.take(size);
    expect(() => slabs.free(offset, wrong)).toThrow(message);
    expect(slabs.allocatedBytes).toBe(size);
    slabs.free(offset, size);
    expect(slabs.allocatedSlabs).toBe(0);
  });

  test('a free with the size that the slab had before it grew', () => {
    const slabs = new Slabs(0, MEBIBYTE);
    const offset = slabs.take(SPAN);
    expect(slabs.grow(offset, SPAN)).toBe(true);
    expect(() => slabs.free(offset, SPAN)).toThrow(message);
    slabs.free(offset, 2 * SPAN);
  });

  test('a free or a growth of a slab that was never taken', () => {
    const slabs = new Slabs(SPAN, MEBIBYTE);
    for (const offset of [0, SPAN, 3 * SPAN, SPAN + MEBIBYTE, 2 ** 31]) {
      expect(() => slabs.free(offset, 64)).toThrow(message);
      expect(() => slabs.free(offset, SPAN)).toThrow(message);
      expect(() => slabs.grow(offset, SPAN)).toThrow(message);
    }
    expect(slabs.allocatedSlabs).toBe(0);
  });

  test('a free or a growth of the second span of a slab', () => {
    const slabs = new Slabs(0, MEBIBYTE);
    const offset = slabs.take(4 * SPAN);
    expect(() => slabs.free(offset + SPAN, SPAN)).toThrow(message);
    expect(() => slabs.free(offset + SPAN, 64)).toThrow(message);
    expect(() => slabs.grow(offset + 2 * SPAN, 2 * SPAN)).toThrow(message);
  });

  test('a growth of a slab that is free', () => {
    const slabs = new Slabs(0, MEBIBYTE);
    const offset = slabs.take(SPAN);
    slabs.free(offset, SPAN);
    expect(() => slabs.grow(offset, SPAN)).toThrow(message);
  });
});

describe('the memory comes together again', () => {
  test('after slabs of each size were taken once: the largest can be taken', () => {
    const slabs = new Slabs(0, 16 * SPAN);
    const sizes = Array.from({ length: 10 }, (_, i) => 64 << i);
    const offsets = sizes.map((size) => slabs.take(size));
    for (const [i, size] of sizes.entries()) slabs.free(offsets[i] as number, size);
    expect(slabs.take(16 * SPAN)).toBe(0);
  });

  test('when a slab of one small size is wanted after all was used for another', () => {
    const slabs = new Slabs(0, 3 * SPAN);
    for (let size = 64; size < SPAN; size *= 2) {
      const offsets = takeAll(slabs, size);
      expect(offsets).toHaveLength((3 * SPAN) / size);
      for (const offset of offsets) slabs.free(offset, size);
    }
  });

  test('does not cut a span each time that a single small slab is taken and freed', () => {
    const slabs = new Slabs(0, 4 * SPAN);
    const first = slabs.take(64);
    slabs.free(first, 64);
    for (let i = 0; i < 10; i++) {
      const next = slabs.take(64);
      expect(next).toBe(first);
      slabs.free(next, 64);
    }
  });
});

describe('whatever is taken, freed and grown', () => {
  test('no two slabs overlap, all lie inside, the counts are right, and all comes together again', () => {
    fc.assert(
      fc.property(fc.nat(5_000_000), fc.integer({ min: 1, max: 48 }), fc.array(slabSteps(), { maxLength: 200 }), walk),
      { numRuns: 150 },
    );
  });
});
