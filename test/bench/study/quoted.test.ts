import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { QUOTING, quote } from '../../../bench/study/quoted.js';
import { deserialize } from '../../../bench/study/results.js';
import { figureOf, studyOf } from './study.js';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');

describe('what documents quote of the study', () => {
  it.each(QUOTING)('is in %s what the results say (npm run study:report writes it)', (path) => {
    expect(read(path)).toBe(quote(read(path), deserialize(read('bench/results/study.json'))));
  });

  const [document = ''] = QUOTING.map(read);
  const study = studyOf([figureOf('js', 1024, 250), figureOf('wasm', 1024, 25)]);

  it('is replaced by what new results say, and nothing else is', () => {
    const text = quote(document, study);
    expect(text).toContain('unmasks 1 KiB 10.0 times as fast as the JavaScript of this package');
    expect(text).toContain('(a CPU, 2026-01-02, commit 0123456789)');
    const rest = (of: string) => of.split(/<!-- .*study:report.* -->/).filter((_, i) => i !== 1);
    expect(rest(text)).toEqual(rest(document));
    expect(quote(text, study)).toBe(text);
    expect(quote(text, studyOf([figureOf('js', 1024, 300), figureOf('wasm', 1024, 25)]))).not.toContain('10.0 times');
  });

  it('is nothing of an older format', () => {
    expect(quote(document, { ...study, format: 1 })).not.toContain('times as fast as the JavaScript');
  });

  it('needs both marks, once each', () => {
    const [begin = '', end = ''] = document.match(/<!-- .*study:report.* -->/g) ?? [];
    for (const wrong of ['', begin, end, `${end} ${begin}`, document + begin, document + end, document + begin + end])
      expect(() => quote(wrong, study)).toThrow('once each');
  });
});
