import { describe, expect, it } from 'vitest';
import { faultsOf, LEAST_ROUNDS } from '../../../bench/study/gate.js';
import type { Check } from '../../../bench/study/check.js';
import { type EngineResult, type Figure, MEASURING } from '../../../bench/study/results.js';
import { checksLike, engineOf, figureOf, newChecks, serverOf, studyOf } from './study.js';

const faultsOfEngine = (engine: EngineResult) => faultsOf(studyOf([], { engines: [engine] }));
const faultsOfFigures = (...figures: Figure[]) => faultsOf(studyOf(figures));

describe('the gate', () => {
  it('lets a study through whose figures can be right', () => {
    const servers = [serverOf('js', 100), serverOf('js', 90, { content: 'utf8' })];
    const checks = checksLike({ name: 'a case', own: 110, slower: 150, ns: 100 });
    const figures = [figureOf('js', 64, 20), figureOf('js', 128, 40), figureOf('wasm', 128, 10)];
    expect(faultsOf(studyOf(figures, { endToEnd: servers, checks }))).toEqual([]);
  });

  it('lets a case through that was disturbed in some rounds: its figure is right', () => {
    const disturbed = figureOf('js', 64, [20, 50, 50, 20, 50, 50, 50]);
    expect(faultsOfFigures(disturbed, figureOf('js', 128, 40))).toEqual([]);
    expect(disturbed).toMatchObject({ ns: 20, isSteady: false });
  });
});

describe('the gate finds', () => {
  it('a size that takes longer than a larger one, however steady it is', () => {
    const wrong = figureOf('wasm, copy in and out', 64, 172.7);
    expect(wrong.isSteady).toBe(true);
    expect(faultsOfFigures(figureOf('wasm, copy in and out', 128, 77.38), wrong)).toEqual([
      'Node 20: unmask wasm, copy in and out any 128 6 hot takes 77.38 ns, and 64 bytes take 172.7: more bytes do not take less time',
    ]);
  });

  it('it between neighbours that were measured, whatever the sizes between them', () => {
    expect(faultsOfFigures(figureOf('js', 64, 500), figureOf('js', 1024, 400))).toHaveLength(1);
    expect(faultsOfFigures(figureOf('js', 64, 500), figureOf('js', 1024, 600))).toEqual([]);
  });

  it.each([
    ['of other candidates', figureOf('js', 64, 200)],
    ['of other patterns', figureOf('wasm', 64, 200, { pattern: 'cold' })],
    ['of other contents', figureOf('wasm', 64, 200, { content: 'ascii' })],
    ['of other alignments', figureOf('wasm', 64, 200, { alignment: 0 })],
    ['of sizes that are no powers of two', figureOf('wasm', 125, 200)],
  ])('no fault in figures %s', (_, other) => {
    expect(faultsOfFigures(other, figureOf('wasm', 128, 100))).toEqual([]);
  });

  it('no fault in what is within the noise: a tenth, or 4 ns, or the spread of the attempts', () => {
    expect(faultsOfFigures(figureOf('js', 64, 109), figureOf('js', 128, 100))).toEqual([]);
    expect(faultsOfFigures(figureOf('js', 64, 115), figureOf('js', 128, 100))).toHaveLength(1);
    expect(faultsOfFigures(figureOf('js', 4, 8.9), figureOf('js', 8, 5))).toEqual([]);
    expect(faultsOfFigures(figureOf('js', 4, 9.1), figureOf('js', 8, 5))).toHaveLength(1);
    expect(faultsOfFigures(figureOf('js', 64, [105, 115, 115, 115, 115, 115, 115]), figureOf('js', 128, 100))).toEqual(
      [],
    );
    expect(faultsOfFigures(figureOf('js', 64, 115), figureOf('js', 128, [100, 100, 100, 100, 100, 110, 110]))).toEqual(
      [],
    );
  });

  it('no fault where a long string is made, which may get its memory sooner, if it is larger', () => {
    const faults = (candidate: string, smaller: number) =>
      faultsOfFigures(figureOf(candidate, smaller, 1_100_000), figureOf(candidate, 2 * smaller, 600_000)).length;
    expect(faults('TextDecoder', 2 ** 20)).toBe(0);
    expect(faults('wasm + TextDecoder', 2 ** 20)).toBe(0);
    expect(faults('TextDecoder', 2 ** 17)).toBe(0);
    expect(faults('TextDecoder', 2 ** 15)).toBe(1);
    expect(faults('wasm + TextDecoder', 2 ** 15)).toBe(1);
    expect(faults('isUtf8', 2 ** 20)).toBe(1);
  });

  it('no fault where the kernel auto changes to another implementation, and the same where it does not', () => {
    const faults = (op: 'validate' | 'unmaskText', candidate: string, smaller: number) => {
      const of = (bytes: number, ns: number) => figureOf(candidate, bytes, ns, { op, content: 'ascii' });
      return faultsOfFigures(of(smaller, 100), of(2 * smaller, 50)).length;
    };
    expect(faults('validate', 'auto', 512)).toBe(0);
    expect(faults('unmaskText', 'auto, fused', 512)).toBe(0);
    expect(faults('validate', 'auto', 1024)).toBe(1);
    expect(faults('validate', 'auto', 256)).toBe(1);
    expect(faults('validate', 'native', 512)).toBe(1);
  });

  it('a sentinel that has not run in every round', () => {
    const says = ['Node 20: the sentinel has not run in every round'];
    expect(faultsOfEngine(engineOf([], { sentinel: [1, 1, 1, 1, 1, 1] }))).toEqual(says);
    expect(faultsOfEngine(engineOf([], { sentinel: [1, 1, 1, 1, 1, 1, Number.NaN] }))).toEqual(says);
  });

  it('a machine that was slower in most rounds, by the sentinel', () => {
    const sentinel = [200_000, 230_000, 231_000, 229_000, 230_000, 230_000, 230_000];
    expect(faultsOfEngine(engineOf([], { sentinel }))).toEqual([
      'Node 20: the machine was not quiet: the sentinel took 230.0 µs in the middle round and 200.0 µs in the fastest',
    ]);
    expect(
      faultsOfEngine(engineOf([], { sentinel: sentinel.with(1, 200_000).with(2, 201_000).with(3, 201_000) })),
    ).toEqual([]);
  });

  it('a case without an attempt in some round', () => {
    expect(faultsOfFigures(figureOf('js', 64, [20, 20, 20, 20, 20, 20]))).toEqual([
      'Node 20: unmask js any 64 6 hot has 6 attempts in 7 rounds',
    ]);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('an attempt that took %s ns', (ns) => {
    expect(faultsOfFigures(figureOf('js', 64, [20, 20, 20, ns, 20, 20, 20]))).toEqual([
      `Node 20: unmask js any 64 6 hot has an attempt of ${ns} ns`,
    ]);
  });

  it('too few rounds, except in a quick run', () => {
    const engine = engineOf([], { rounds: LEAST_ROUNDS.kernels - 1, sentinel: [1, 1, 1, 1, 1, 1] });
    const servers = [serverOf('js', [100, 100, 100, 100])];
    const study = studyOf([], { engines: [engine], endToEnd: servers });
    expect(faultsOf(study)).toEqual([
      'Node 20: 6 rounds, and a study has at least 7',
      'the server with js, 1 thread, 100 connections, 1024 bytes, 16 in flight, binary: 4 rounds, and a study has at least 5',
    ]);
    expect(faultsOf({ ...study, isQuick: true })).toEqual([]);
  });

  it('a server that takes more CPU time for binary messages than for the same as text', () => {
    const text = serverOf('js', 100, { content: 'ascii' });
    expect(faultsOf(studyOf([], { endToEnd: [serverOf('js', 80), text] }))).toEqual([
      'the server with js, 1 thread, 100 connections, 1024 bytes, 16 in flight, binary takes more CPU time than ascii, which is validated too',
    ]);
    for (const right of [
      serverOf('js', 90), // within the noise
      serverOf('js', [80, 80, 80, 80, 95]), // within the spread
      serverOf('wasm', 80),
      serverOf('js', 80, { bytes: 2048 }),
      serverOf('js', 80, { threads: 2 }),
      serverOf('js', 80, { connections: 20 }),
      serverOf('js', 80, { inFlight: 1 }),
      serverOf('js', 80, { content: 'utf8' }),
    ])
      expect(faultsOf(studyOf([], { endToEnd: [right, text] }))).toEqual([]);
  });

  it('a figure that the second program does not find within 15 % or 4 ns, and one that is not there', () => {
    const check = (own: number, ns?: number) => {
      const others = checksLike({ name: 'another case', own: 100, slower: 100, ns: 100 });
      const checked = { name: 'a case', own, slower: 1000, ...(ns === undefined ? {} : { ns }) };
      return faultsOf(studyOf([], { checks: [checked, ...others] }));
    };
    expect(check(114, 100)).toEqual([]);
    expect(check(24, 20)).toEqual([]);
    expect(check(24.1, 20)).toHaveLength(1);
    expect(check(86, 100)).toEqual([]);
    expect(check(116, 100)).toEqual(['the cross-check has 116 ns for a case, and the study 100']);
    expect(check(84, 100)).toHaveLength(1);
    expect(check(69)).toEqual(['the cross-check has 69 ns for a case, and the study no figure']);
  });

  it('too little of the second program on the main engine, in a study that is measured as today', () => {
    const check = { name: 'unmask js any 64 6 hot', own: 100, slower: 100, ns: 100 };
    const of = (checks: Check[]) => faultsOf(studyOf([], { checks, measuring: MEASURING, mainNode: 'v20.1.2' }));
    const main = newChecks({ ...check, engine: 'Node 20' });
    expect(of([...main, { ...check, engine: 'Node 18' }])).toEqual([]);
    expect(of(newChecks({ ...check, engine: 'Node 18' }))).toEqual([
      'the cross-check has 0 figures, and a study has at least 10',
      'the cross-check has no figure of a case that is cold',
      'the cross-check has no figure of a case that is many',
    ]);
    expect(of([...main, { ...check, engine: 'Node 18', own: 130 }])).toEqual([
      'the cross-check has 130 ns for unmask js any 64 6 hot on Node 18, and the study 100',
    ]);
  });

  it('fewer than ten figures of the second program', () => {
    const checks = checksLike({ name: 'a case', own: 100, slower: 100, ns: 100 }).slice(1);
    expect(faultsOf(studyOf([], { checks }))).toEqual(['the cross-check has 9 figures, and a study has at least 10']);
    expect(faultsOf(studyOf([], { checks: [] }))).toHaveLength(1);
  });
});
