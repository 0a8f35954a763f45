import { describe, expect, it } from 'vitest';
import { type EngineRound, joinRounds } from '../../../bench/study/join.js';
import { studyMarkdown } from '../../../bench/study/report.js';
import { THRESHOLDS } from '../../../dist/kernels/thresholds.js';
import { keyOf, studyOf } from './study.js';

function roundOf(ns: number, more: Partial<EngineRound> = {}): EngineRound {
  return {
    name: 'Node 20',
    version: 'v20.1.2',
    compiler: 'V8 11.3',
    attempts: [
      { ...keyOf('js', 64), ns },
      { ...keyOf('js', 128), ns: 2 * ns },
    ],
    sentinel: [ns, 3 * ns, 2 * ns],
    clockStepMs: ns / 1000,
    answers: [{ question: 'compile', subject: 'wasm', value: ns }],
    thresholds: { ...THRESHOLDS, unmaskWasmFromBytes: ns },
    ...more,
  };
}

describe('the method chapter', () => {
  it('says the steps of all clocks, and nothing of them where none was measured', () => {
    const firefox = { name: 'Firefox 153', version: '153.8.0', compiler: 'SpiderMonkey 153', answers: [] };
    const engines = joinRounds([roundOf(0.2), roundOf(20, firefox), roundOf(5, firefox)]);
    const text = studyMarkdown(studyOf([], { engines }), {});
    expect(text).toContain('The steps: Node 20 0.200 µs and Firefox 153 20.0 µs.');
    expect(text).toContain('3 batches of about 50 ms');
    const old = engines.map(({ clockStepMs: _, ...engine }) => engine);
    expect(studyMarkdown(studyOf([], { engines: old }), {})).not.toContain('**Clocks**');
  });
});

describe('the rounds of an engine', () => {
  it('are joined case by case, answer by answer', () => {
    const [engine, ...others] = joinRounds([roundOf(12), roundOf(10), roundOf(11)]);
    expect(others).toEqual([]);
    expect(engine).toMatchObject({ name: 'Node 20', version: 'v20.1.2', compiler: 'V8 11.3', rounds: 3 });
    expect(engine?.figures).toEqual([
      { ...keyOf('js', 64), ns: 10, median: 11, least: 10, upper: 12, isSteady: true, attempts: [12, 10, 11] },
      { ...keyOf('js', 128), ns: 20, median: 22, least: 20, upper: 24, isSteady: true, attempts: [24, 20, 22] },
    ]);
    expect(engine?.sentinel).toEqual([24, 20, 22]);
    expect(engine?.clockStepMs).toBe(0.012);
    expect(engine?.answers).toEqual([{ question: 'compile', subject: 'wasm', attempts: [12, 10, 11] }]);
    expect(engine?.thresholds).toEqual({ ...THRESHOLDS, unmaskWasmFromBytes: 11 });
    expect(engine).not.toHaveProperty('compression');
  });

  it('are apart for each version of each engine, in the order in which they came first', () => {
    const other = { name: 'Firefox 140', version: '140.1', compiler: 'SpiderMonkey' };
    const rounds = [roundOf(1), roundOf(2, other), roundOf(3), roundOf(4, { version: 'v20.1.3' })];
    expect(joinRounds(rounds).map(({ name, version, rounds: count }) => [name, version, count])).toEqual([
      ['Node 20', 'v20.1.2', 2],
      ['Firefox 140', '140.1', 1],
      ['Node 20', 'v20.1.3', 1],
    ]);
  });

  it('need no thresholds: only Node has the kernel `auto`', () => {
    const { thresholds: _, ...round } = roundOf(1);
    const [engine] = joinRounds([round]);
    expect(engine).not.toHaveProperty('thresholds');
    const report = studyMarkdown(studyOf([], { engines: engine === undefined ? [] : [engine] }), {});
    expect(report).not.toContain('unmaskWasmFromBytes');
  });

  it('have compression in some of them: its figures are the lower quartiles too', () => {
    const of = (deflateMicros: number, bytes = 64) => ({
      compression: [
        {
          candidate: 'zlib',
          contextTakeover: false,
          bytes,
          ratio: 0.5,
          deflateMicros,
          inflateMicros: 2 * deflateMicros,
        },
      ],
    });
    const [engine] = joinRounds([
      roundOf(1, of(9)),
      roundOf(1),
      roundOf(1, of(7)),
      roundOf(1, of(8)),
      roundOf(1, of(1, 128)),
    ]);
    expect(engine?.compression).toMatchObject([
      { bytes: 64, deflateMicros: 7, inflateMicros: 14, ratio: 0.5, isSteady: false },
      { bytes: 128, deflateMicros: 1, isSteady: true },
    ]);
  });
});
