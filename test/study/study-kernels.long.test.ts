import * as http from 'node:http';
import { describe, expect, it } from 'vitest';
import { studyKernels } from '../../dist/study/study-kernels.js';
import { ScriptedWork } from './scripted-work.js';

/** Studies kernels whose calls take as long as a script says: the longer the study, the longer, so that no test takes long. */
function study(seconds: number, isBusy: boolean, factorOf: (name: string) => number = () => 1) {
  const script = new ScriptedWork(isBusy);
  const unit = Math.max(seconds, 2) * 5e-4;
  const start = script.clock();
  const result = studyKernels(seconds, {
    clock: script.clock,
    wrap: (kernel, name) => script.costing(kernel, (length) => unit * (2 + length / 500) * factorOf(name)),
  });
  return { result, took: (script.clock() - start) / 1000 };
}

describe('a study of the kernels', () => {
  it.each([
    [3, false],
    [10, true],
    [30, false],
  ])('takes %d seconds, also if another process has half of the time: %s', (seconds, isBusy) => {
    const { took, result } = study(seconds, isBusy);
    expect(took).toBeGreaterThan(seconds * 0.95);
    expect(took).toBeLessThan(seconds * 1.1);
    expect(result.disturbance.wasBusy).toBe(isBusy);
  });
});

/** The names of those kernels that auto is the fastest with in an operation, if one of its ways is faster than the others. */
function choices(fastest: string) {
  // The two that auto never uses are the fastest by far.
  const factors = new Map([
    ['js-byte', 0.1],
    ['wasm-scalar', 0.1],
    [fastest, 0.5],
  ]);
  const { result } = study(0, false, (name) => factors.get(name) ?? 1);
  return {
    result,
    of: (op: string) => new Set(result.choices.filter((one) => one.op === op).map(({ kernel }) => kernel)),
  };
}

describe('what auto is the fastest with', () => {
  it('is measured with auto itself', () => {
    const { of } = choices('auto: wasm');
    for (const op of ['unmask', 'validate', 'unmaskText']) expect(of(op)).toEqual(new Set(['wasm']));
  });

  it('is native for text, and never for unmasking alone, which auto leaves to the others', () => {
    const { of, result } = choices('auto: native');
    for (const op of ['validate', 'unmaskText']) expect(of(op)).toEqual(new Set(['native']));
    expect(of('unmask')).not.toContain('native');
    expect(result.thresholds).toMatchObject({ validateNativeFromBytes: 1, unmaskTextNativeFromBytes: 1 });
  });

  it('is said once for each size of each text of each operation, of which the figures tell all five kernels', () => {
    const { result } = choices('auto: js');
    const names = result.choices.map(({ op, content, bytes }) => `${op} ${content} ${bytes}`);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(names)).toEqual(
      new Set(result.results.map(({ op, content, bytes }) => `${op} ${content} ${bytes}`)),
    );
    expect(new Set(result.choices.map(({ kernel }) => kernel))).toEqual(new Set(['js']));
    const kernels = new Set(result.results.map(({ kernel }) => kernel));
    expect(kernels).toEqual(new Set(['js-byte', 'js', 'wasm-scalar', 'wasm', 'native']));
  });

  it('has native among the figures of unmasking where Node unmasks by itself', () => {
    const { results, crossovers } = choices('auto: js').result;
    const isThere = 'websocketUnmask' in http;
    expect(results.some(({ op, kernel }) => op === 'unmask' && kernel === 'native')).toBe(isThere);
    expect(crossovers.some(({ op, to }) => op === 'unmask' && to === 'native')).toBe(isThere);
  });
});
