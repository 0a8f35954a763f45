import { expect, it } from 'vitest';
import { deserialize, serialize } from '../../../bench/study/results.js';
import { THRESHOLDS } from '../../../dist/kernels/thresholds.js';
import { figureOf, studyOf } from './study.js';

it('reads a study as it was written', () => {
  const unreported = [figureOf('js', 64, 9, { cache: 'cold', content: 'invalid at the end' })];
  const engine = { node: 'v24.0.0', v8: '13.6', thresholds: THRESHOLDS, figures: [], unreported };
  const study = studyOf([figureOf('js', 4, 1.5), figureOf('wasm, copy in', 8, 2)]);
  const two = { ...study, engines: [...study.engines, engine] };
  expect(deserialize(serialize(two))).toEqual(two);
});

it('writes a line for each figure', () => {
  const lines = serialize(studyOf([figureOf('js', 4, 1.5), figureOf('js', 8, 2)])).split('\n');
  expect(lines).toContain('        ["unmask","js","any",4,6,"hot",1.5,1.5,1.5,9],');
});
