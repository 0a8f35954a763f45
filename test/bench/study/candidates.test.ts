import { describe, expect, it } from 'vitest';
import { candidateNames } from '../../../bench/study/candidates.js';
import { candidatesList, DESCRIPTIONS } from '../../../bench/study/report/candidates.js';

describe('the candidates in the report', () => {
  it.each(['unmask', 'validate', 'unmaskText'] as const)('are all of %s, each described once', (op) => {
    const names = candidateNames(op).filter((name) => !name.includes(' + '));
    expect(Object.keys(DESCRIPTIONS[op]).toSorted()).toEqual(names.toSorted());
  });

  it('are each something else than the others', () => {
    for (const descriptions of Object.values(DESCRIPTIONS)) {
      const texts = Object.values(descriptions);
      expect(new Set(texts).size).toBe(texts.length);
      for (const text of texts) expect(text.length).toBeGreaterThan(10);
    }
  });

  it('are listed if they took part', () => {
    const text = candidatesList((op) => (op === 'unmask' ? ['js', 'wasm'] : []));
    expect(text.match(/^- `[^`]+`/gm)).toEqual(['- `js`', '- `wasm`']);
  });
});
