import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allCases } from '../../../bench/study/all-cases.js';
import { nameOf } from '../../../bench/study/case.js';
import { checksOf } from '../../../bench/study/check.js';
import { LEAST_CHECKS } from '../../../bench/study/gate.js';
import { keyOf } from '../../../bench/study/harness.js';
import { deserialize, serialize } from '../../../bench/study/results.js';
import { engineOf, figureOf, serverOf, studyOf } from './study.js';

describe('the results of a study', () => {
  it('are read as they were written', () => {
    const figures = [figureOf('js', 4, [1.5, 1.25, 9]), figureOf('wasm, copy in', 8, 2, { pattern: 'many' })];
    const answers = [{ question: 'compile', subject: 'wasm', attempts: [1, 2] }] as const;
    const counters = [
      { op: 'unmask', candidate: 'js', bytes: 1024, instructionsPerByte: 1, cyclesPerByte: 2 },
    ] as const;
    const study = studyOf(figures, {
      engines: [engineOf(figures), engineOf([], { name: 'Node 24', answers })],
      endToEnd: [serverOf('js', [1, 2, 3])],
      modules: [{ name: 'wasm', bytes: 2, gzipBytes: 1 }],
      fingerprints: { js: '0123' },
      checks: [{ name: 'a case', own: 1, slower: 2 }],
      counters,
    });
    expect(deserialize(serialize(study))).toEqual(study);
  });

  it('have a line for each case, with all of its attempts', () => {
    const lines = serialize(studyOf([figureOf('js', 4, [1.5, 2, 1.75]), figureOf('js', 8, [2])])).split('\n');
    expect(lines).toContain('        ["unmask","js","any",4,6,"hot",[1.5,2,1.75]],');
    expect(lines).toContain('        ["unmask","js","any",8,6,"hot",[2]]');
  });

  it.each([
    ['js', 'js-words'],
    ['js, fused', 'js-words, fused'],
    ['js + js', 'js-words + js-words'],
    ['js-byte + js', 'js-byte + js-words'],
    ['js-bigint', 'js-bigint'],
    ['wasm', 'wasm'],
  ])('of format 1 have other names for candidates: %s is %s', (old, now) => {
    const columns = ['op', 'candidate', 'content', 'bytes', 'alignment', 'cache', 'ns', 'q1', 'q3', 'batches'];
    const row = ['unmask', old, 'any', 64, 6, 'hot', 20, 19, 22, 15];
    const engine = { node: 'v20.1.2', v8: '11.3', figures: [row], unreported: [] };
    const study = deserialize(JSON.stringify({ ...studyOf([]), format: undefined, columns, engines: [engine] }));
    expect(study.engines[0]?.figures[0]?.candidate).toBe(now);
  });

  it('of a newer format are refused', () => {
    const text = serialize(studyOf([], { format: 3 }));
    expect(() => deserialize(text)).toThrow('the study must be of format 2 or older, got 3');
  });

  it('of format 1 are read as what they are: without attempts, and steady if they were reported', () => {
    const columns = ['op', 'candidate', 'content', 'bytes', 'alignment', 'cache', 'ns', 'q1', 'q3', 'batches'];
    const row = (bytes: number, ns: number) => ['unmask', 'js', 'any', bytes, 6, 'hot', ns, ns - 1, ns + 2, 15];
    const engine = { node: 'v20.1.2', v8: '11.3', thresholds: {}, figures: [row(64, 20)], unreported: [row(128, 40)] };
    const load = { kernel: 'js', connections: 100, bytes: 1024, inFlight: 16, content: 'binary' };
    const turn = { perSecond: 10, microsPerMessage: 9, isClientBound: true, isDisturbed: false };
    const old = { ...studyOf([]), format: undefined, columns, engines: [engine], endToEnd: [{ ...load, ...turn }] };
    const study = deserialize(JSON.stringify({ ...old, threads: [{ threads: 2 }] }));
    expect(study).toMatchObject({
      format: 1,
      fingerprints: {},
      checks: [],
      engines: [{ name: 'Node 20', version: 'v20.1.2', compiler: 'V8 11.3', rounds: 0, sentinel: [], answers: [] }],
      endToEnd: [{ ...load, threads: 1, turns: [turn] }],
    });
    // What was called js then is another loop than the kernel of today.
    const key = { op: 'unmask', candidate: 'js-words', content: 'any', alignment: 6, pattern: 'hot', attempts: [] };
    expect(study.engines[0]?.figures).toEqual([
      { ...key, bytes: 64, ns: 20, median: 20, least: 19, upper: 22, isSteady: true },
      { ...key, bytes: 128, ns: 40, median: 40, least: 39, upper: 42, isSteady: false },
    ]);
    expect(study).not.toHaveProperty('threads');
  });
});

describe('the cross-check', () => {
  it('is compared with the figures of the same cases', () => {
    const engine = engineOf([figureOf('js', 64, [20, 21, 22, 23]), figureOf('js', 128, 40)]);
    const measured = { 'unmask js any 64 6 hot': [31, 20.123456], 'unmask wasm any 64 6 hot': [5, 6] };
    expect(checksOf(measured, engine)).toEqual([
      { engine: 'Node 20', name: 'unmask js any 64 6 hot', own: 20.12, slower: 31, ns: 20 },
      { engine: 'Node 20', name: 'unmask wasm any 64 6 hot', own: 5, slower: 6 },
    ]);
  });

  it('is a few pages that import nothing of the study, and has cases that are hot, cold and of many texts', () => {
    const text = readFileSync(new URL('../../../bench/study/cross-check.ts', import.meta.url), 'utf8');
    const imports = [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from);
    expect(imports.filter((from) => from?.startsWith('.'))).toEqual([]);
    expect(text.split('\n').length).toBeLessThan(200);
    const cases = [...text.matchAll(/^ {2}'((unmask|validate|unmaskText) .* (\w+))': \[/gm)];
    const count = (pattern: string) => cases.filter(([, , , own]) => own === pattern).length;
    expect([count('hot') >= LEAST_CHECKS, count('cold') > 1, count('many') > 1]).toEqual([true, true, true]);
    const known = new Set(allCases(false).map((one) => nameOf(keyOf(one))));
    expect(cases.map(([, name]) => name).filter((name) => !known.has(name as string))).toEqual([]);
  });
});
