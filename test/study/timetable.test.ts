import { expect, it } from 'vitest';
import { Timetable } from '../../dist/study/timetable.js';

/** Goes through a timetable. Each step takes the time that it has, and what `late` says beyond that. @returns when it all ended. */
function walk(
  end: number,
  steps: number,
  late: (step: number) => number,
): { readonly ended: number; readonly parts: number[] } {
  let now = 0;
  const timetable = new Timetable(() => now, end, steps);
  const parts: number[] = [];
  for (let step = 0; step < steps; step++) {
    const until = timetable.next();
    parts.push(until - now);
    now = until + late(step);
  }
  return { ended: now, parts };
}

it('gives every step the same time', () => {
  expect(walk(100, 4, () => 0)).toEqual({ ended: 100, parts: [25, 25, 25, 25] });
});

it('takes from all later steps what one has taken too much', () => {
  expect(walk(100, 4, (step) => (step === 0 ? 30 : 0))).toEqual({ ended: 100, parts: [25, 15, 15, 15] });
});

it('ends late by a few steps where every one of a hundred is late', () => {
  const { ended } = walk(1000, 100, () => 3);
  expect(ended).toBeGreaterThan(1003);
  expect(ended).toBeLessThan(1003 + 4 * 3);
});

it('leaves steps without time where all of it is over, and never less than none', () => {
  expect(walk(12, 3, () => 20)).toEqual({ ended: 64, parts: [4, 0, 0] });
});
