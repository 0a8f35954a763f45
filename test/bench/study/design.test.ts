import { describe, expect, it } from 'vitest';
import { candidateNames } from '../../../bench/study/candidates.js';
import { groups, MAIN_WAYS } from '../../../bench/study/design.js';

const FULL = groups(false);

describe('the design of the study', () => {
  it('has each group of cases once', () => {
    for (const all of [FULL, groups(true)]) {
      const names = all.map(({ op, content, bytes, alignment, cache }) =>
        [op, content, bytes, alignment, cache].join(' '),
      );
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('has all sizes from 4 bytes to 16 MiB, and those at which frame headers grow', () => {
    const sizes = new Set(FULL.filter(({ op }) => op === 'unmask').map(({ bytes }) => bytes));
    for (let bytes = 4; bytes <= 2 ** 24; bytes *= 2) expect(sizes).toContain(bytes);
    for (const bytes of [125, 65535]) expect(sizes).toContain(bytes);
  });

  it('has all alignments and contents, hot and cold, for each operation that they concern', () => {
    for (const op of ['unmask', 'validate']) {
      const of = FULL.filter((group) => group.op === op);
      expect(new Set(of.map(({ alignment }) => alignment)).size).toBe(8);
      expect(new Set(of.map(({ cache }) => cache))).toEqual(new Set(['hot', 'cold']));
    }
    expect(new Set(FULL.filter(({ op }) => op === 'validate').map(({ content }) => content)).size).toBe(8);
  });

  it('tries each way to unmask with each way to validate', () => {
    const ways = candidateNames('unmaskText');
    expect(ways.filter((name) => name.includes(' + '))).toHaveLength(6 * 7);
    for (const way of MAIN_WAYS) expect(ways).toContain(way);
    expect(FULL.some(({ op, only }) => op === 'unmaskText' && only === undefined)).toBe(true);
  });

  it('is much smaller for a quick run', () => {
    expect(groups(true).length).toBeLessThan(FULL.length / 3);
  });
});
