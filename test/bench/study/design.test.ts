import { describe, expect, it } from 'vitest';
import { allCases } from '../../../bench/study/all-cases.js';
import { browserCases } from '../../../bench/study/browser-cases.js';
import { candidateNames, candidatesOf } from '../../../bench/study/candidates.js';
import { nameOf } from '../../../bench/study/case.js';
import { groups, MAIN_WAYS } from '../../../bench/study/design.js';
import { LEAST_ROUNDS } from '../../../bench/study/gate.js';
import { keyOf } from '../../../bench/study/harness.js';
import { planOf, secondsOf } from '../../../bench/study/plan.js';
import { portableCandidates } from '../../../bench/study/portable-candidates.js';
import { Workplace } from '../../../bench/study/workplace.js';

const FULL = groups(false);
const CACHE = 32 * 1024 * 1024;

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

  it('tries each way to unmask with each way to validate, and what Node unmasks with what Node validates', () => {
    const ways = candidateNames('unmaskText');
    const [nodes, others] = [true, false].map((isNodes) =>
      ways.filter((name) => name.includes(' + ') && name.startsWith('websocketUnmask') === isNodes),
    );
    expect(nodes).toEqual(['websocketUnmask + isUtf8']);
    expect(others).toHaveLength(6 * 7);
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

  it('takes about forty minutes on Node, and five in a quick run, with rounds enough for the gate', () => {
    const [full, quick] = [planOf(false), planOf(true)];
    expect(full.kernelRounds).toBeGreaterThanOrEqual(LEAST_ROUNDS.kernels);
    expect(full.serverRounds).toBeGreaterThanOrEqual(LEAST_ROUNDS.servers);
    expect(quick.kernelRounds).toBeGreaterThan(1);
    const minutes = (isQuick: boolean, engines: number, hasServers: boolean) =>
      secondsOf(planOf(isQuick), isQuick, CACHE, engines, hasServers) / 60;
    expect(minutes(false, 4, true)).toBeLessThan(40);
    expect(minutes(true, 4, true)).toBeLessThan(5);
    expect(minutes(false, 2, true)).toBeLessThan(minutes(false, 4, true));
    expect(minutes(false, 4, false)).toBeLessThan(minutes(false, 4, true));
  });

  it('takes less than an hour on all engines, and eight minutes in a quick run', () => {
    const minutes = (isQuick: boolean) => secondsOf(planOf(isQuick), isQuick, CACHE, 5, true, 2) / 60;
    expect([minutes(false) < 60, minutes(true) < 8]).toEqual([true, true]);
  });

  it('takes little more than a minute at most for each round of a browser', () => {
    const seconds = (isQuick: boolean, browsers: number) =>
      secondsOf(planOf(isQuick), isQuick, CACHE, 1, false, browsers);
    for (const isQuick of [false, true]) {
      const ofOne = (seconds(isQuick, 1) - seconds(isQuick, 0)) / planOf(isQuick).kernelRounds;
      expect(ofOne).toBeLessThan(isQuick ? 25 : 70);
      expect(ofOne).toBeGreaterThan(browserCases(isQuick).length * 0.2);
      expect(seconds(isQuick, 3)).toBeCloseTo(3 * seconds(isQuick, 1) - 2 * seconds(isQuick, 0));
    }
  });

  it('is much smaller for a quick run', () => {
    expect(groups(true).length).toBeLessThan(0.4 * FULL.length);
  });
});

describe('the cases of browsers', () => {
  it.each([false, true])('are all among those of Node, each once (quick: %s)', (isQuick) => {
    const names = browserCases(isQuick).map((one) => nameOf(keyOf(one)));
    const known = new Set(allCases(isQuick).map((one) => nameOf(keyOf(one))));
    // A quick run has fewer sizes of both in one pass.
    const left = names.filter((name) => !known.has(name) && !(isQuick && name.startsWith('unmaskText')));
    expect(left).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('have every candidate that needs no Node at the size of the table of engines, and enough sizes for crossovers', () => {
    const keys = browserCases(false).map(keyOf);
    for (const op of ['unmask', 'validate'] as const) {
      const at64 = new Set(
        keys.filter((key) => key.op === op && key.bytes === 65536).map(({ candidate }) => candidate),
      );
      expect([...at64].toSorted()).toEqual(
        portableCandidates(op)
          .map(({ name }) => name)
          .toSorted(),
      );
    }
    for (const candidate of ['js-byte', 'js', 'wasm', 'wasm, copy in and out'])
      expect(keys.filter((key) => key.op === 'unmask' && key.candidate === candidate).length).toBe(12);
  });

  it('are the same candidates as those of Node', () => {
    for (const op of ['unmask', 'validate', 'unmaskText'] as const) {
      const own = candidatesOf(op).map(({ name }) => name);
      expect(own.filter((name) => portableCandidates(op).some((one) => one.name === name))).toEqual(
        portableCandidates(op).map(({ name }) => name),
      );
    }
  });
});

describe('bufferutil', () => {
  it('is native code, not the JavaScript that it falls back on', () => {
    const [candidate] = candidatesOf('unmask').filter(({ name }) => name === 'bufferutil');
    // It is there only where `npm run study` has installed it.
    const made = candidate?.make(new Workplace(0)) as { unmask(): void } | undefined;
    if (made !== undefined) expect(String(made.unmask)).toContain('[native code]');
  });
});
