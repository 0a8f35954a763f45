import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_SPAN, SpanLists } from '../../dist/memory/span-lists.js';

const LISTS = 3;
const SPANS = 12;

describe('lists of spans', () => {
  test('are empty at first', () => {
    const lists = new SpanLists(LISTS, SPANS);
    for (let list = 0; list < LISTS; list++) expect(lists.first(list)).toBe(NO_SPAN);
  });

  test('do what arrays do, whatever is added and removed', () => {
    const step = fc.record({ list: fc.nat(LISTS - 1), span: fc.nat(SPANS - 1) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const lists = new SpanLists(LISTS, SPANS);
        const arrays: number[][] = Array.from({ length: LISTS }, () => []);
        for (const { list, span } of steps) {
          const home = arrays.findIndex((array) => array.includes(span));
          if (home < 0) {
            lists.add(list, span);
            arrays[list]?.unshift(span);
          } else {
            lists.remove(home, span);
            arrays[home] = (arrays[home] as number[]).filter((other) => other !== span);
          }
          for (const [i, array] of arrays.entries()) {
            expect(lists.first(i)).toBe(array[0] ?? NO_SPAN);
            for (const member of array) expect(lists.isOnly(i, member)).toBe(array.length === 1);
          }
        }
        // All of each list, from the front.
        for (const [i, array] of arrays.entries()) {
          for (const span of array) {
            expect(lists.first(i)).toBe(span);
            lists.remove(i, span);
          }
          expect(lists.first(i)).toBe(NO_SPAN);
        }
      }),
      { numRuns: 60 },
    );
  });
});
