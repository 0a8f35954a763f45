import { describe, expect, it } from 'vitest';
import { allCases } from '../../../bench/study/all-cases.js';
import { candidateNames } from '../../../bench/study/candidates.js';
import { groups, MAIN_WAYS } from '../../../bench/study/design.js';
import { LEAST_ROUNDS } from '../../../bench/study/gate.js';
import { planOf, secondsOf } from '../../../bench/study/plan.js';

const FULL = groups(false);

describe('the design of the study', () => {
  it('has each group of cases once', () => {
    for (const all of [FULL, groups(true)]) {
      const names = all.map(({ op, content, bytes, alignment, pattern }) =>
        [op, content, bytes, alignment, pattern].join(' '),
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
      expect(new Set(of.map(({ pattern }) => pattern))).toEqual(
        new Set(['hot', 'cold', 'latency', ...(op === 'validate' ? ['many'] : [])]),
      );
    }
    expect(new Set(FULL.filter(({ op }) => op === 'validate').map(({ content }) => content)).size).toBe(8);
  });

  it('tries each way to unmask with each way to validate', () => {
    const ways = candidateNames('unmaskText');
    expect(ways.filter((name) => name.includes(' + '))).toHaveLength(6 * 7);
    for (const way of MAIN_WAYS) expect(ways).toContain(way);
    expect(FULL.some(({ op, only }) => op === 'unmaskText' && only === undefined)).toBe(true);
  });

  it('has latency only where a call leaves something to wait for', () => {
    const cases = allCases(false);
    expect(cases.length).toBeGreaterThan(1000);
    expect(cases.some(({ group, candidate }) => group.pattern === 'latency' && candidate.landing === 'source')).toBe(
      true,
    );
    expect(cases.some(({ group, candidate }) => group.pattern === 'latency' && candidate.landing === 'scratch')).toBe(
      false,
    );
  });

  it('takes about half an hour, and two minutes in a quick run, with rounds enough for the gate', () => {
    const [full, quick] = [planOf(false), planOf(true)];
    expect(full.kernelRounds).toBeGreaterThanOrEqual(LEAST_ROUNDS.kernels);
    expect(full.serverRounds).toBeGreaterThanOrEqual(LEAST_ROUNDS.servers);
    expect(quick.kernelRounds).toBeGreaterThan(1);
    const minutes = (isQuick: boolean, engines: number, hasServers: boolean) =>
      secondsOf(planOf(isQuick), isQuick, engines, hasServers) / 60;
    expect(minutes(false, 4, true)).toBeLessThan(35);
    expect(minutes(true, 4, true)).toBeLessThan(3);
    expect(minutes(false, 2, true)).toBeLessThan(minutes(false, 4, true));
    expect(minutes(false, 4, false)).toBeLessThan(minutes(false, 4, true));
  });

  it('is much smaller for a quick run', () => {
    expect(groups(true).length).toBeLessThan(FULL.length / 3);
  });
});
