import { describe, expect, it } from 'vitest';
import { NEVER_BYTES } from '../../dist/kernels/thresholds.js';
import { crossover } from '../../dist/study/crossover.js';

/** One way takes 1 per byte, the other takes 100 for any size. */
const PAIRS = [10, 50, 100, 150, 200, 300, 1000].map((bytes) => ({ bytes, smaller: bytes, larger: 100 }));

describe('the crossover', () => {
  it('is the smallest size from which on the other way is not worse', () => {
    expect(crossover(PAIRS)).toBe(100);
  });

  it('is not moved by one disturbed figure', () => {
    const disturbed = PAIRS.map((pair) => (pair.bytes === 200 ? { ...pair, larger: 230 } : pair));
    expect(crossover(disturbed)).toBe(100);
  });

  it('is the first size where the other way is always better', () => {
    expect(crossover(PAIRS.map(({ bytes }) => ({ bytes, smaller: 2, larger: 1 })))).toBe(10);
  });

  it('is never if the other way is always worse', () => {
    expect(crossover(PAIRS.map(({ bytes }) => ({ bytes, smaller: 1, larger: 2 })))).toBe(NEVER_BYTES);
  });
});
