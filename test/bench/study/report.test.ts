import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gain, studyCharts } from '../../../bench/study/charts.js';
import { studyMarkdown } from '../../../bench/study/report.js';
import { deserialize, type EndToEndResult } from '../../../bench/study/results.js';
import { figureOf, studyOf } from './study.js';

const BENCH = new URL('../../../bench/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, BENCH), 'utf8');

function carried(kernel: string, perSecond: number, isClientBound = false): EndToEndResult {
  const load = { connections: 100, bytes: 1024, inFlight: 16, content: 'binary' } as const;
  return { kernel, ...load, perSecond, microsPerMessage: 2e6 / perSecond, isClientBound, isDisturbed: false };
}

describe('bench/STUDY.md', () => {
  it('is made from bench/results/study.json: no figure in it was typed', () => {
    expect(read('STUDY.md')).toBe(studyMarkdown(deserialize(read('results/study.json'))));
  });

  it('has charts that exist, with a transparent background', () => {
    const charts = [...read('STUDY.md').matchAll(/!\[[^\]]+\]\((results\/study-[\w-]+\.svg)\)/g)].map(
      ([, path = '']) => path,
    );
    expect(charts).toHaveLength(Object.keys(studyCharts(deserialize(read('results/study.json')))).length);
    for (const chart of charts) {
      expect(read(chart)).toContain('<svg');
      expect(read(chart)).not.toContain('fill="white"');
    }
  });
});

describe('the report', () => {
  it('leaves out sentences whose figures are not reported', () => {
    const text = studyMarkdown(studyOf([figureOf('js', 1024, 250), figureOf('js-byte', 1024, 1000)]));
    expect(text).toContain('At 1 KiB the loop over words is 4.00 times as fast as the loop over bytes');
    expect(text).not.toContain('WASM in place is');
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('calls two candidates equally fast when their difference is within the noise', () => {
    const text = studyMarkdown(studyOf([figureOf('js', 1024, 100), figureOf('js-byte', 1024, 103)]));
    expect(text).toContain('the loop over words is about as fast as the loop over bytes');
  });

  it('says that a quick run is quick', () => {
    expect(studyMarkdown(studyOf([], { isQuick: true }))).toContain('quick run');
    expect(studyMarkdown(studyOf([]))).not.toContain('quick run');
  });

  it('says how many cases are not reported, and how often they were tried', () => {
    const study = studyOf([figureOf('js', 4, 1)]);
    const engines = study.engines.map((engine) => ({ ...engine, unreported: [figureOf('js', 8, 1)] }));
    expect(studyMarkdown({ ...study, engines })).toMatch(/up to 3 times in all, .* That happened to 1 of 2 cases/);
  });
});

describe('what a kernel is worth', () => {
  it('is how much more the server carries than with js', () => {
    const results = [carried('js', 100), carried('wasm', 150)];
    expect(gain(results, carried('wasm', 150))).toBe(1.5);
  });

  it('is compared by CPU time where the client was the limit', () => {
    const busy = { ...carried('wasm', 100, true), microsPerMessage: 5 };
    expect(gain([{ ...carried('js', 100), microsPerMessage: 10 }], busy)).toBe(2);
  });

  it('is nothing without js', () => {
    expect(gain([], carried('wasm', 100))).toBeNaN();
  });
});

it('draws nothing if there are no figures', () => {
  expect(Object.values(studyCharts(studyOf([])))).toEqual(Array.from({ length: 5 }));
});
