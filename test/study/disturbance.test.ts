import { describe, expect, it } from 'vitest';
import { disturbanceOf } from '../../dist/study/disturbance.js';
import type { Timing } from '../../dist/study/timing.js';

const SECOND_NS = 1e9;

/** A hundred cases, which take ten seconds if nothing disturbs them. */
function cases(disturbed: number, how: Partial<Timing>): Timing[] {
  const calm = { best: 100, median: 105, calls: 1e6, elapsed: 105e6 };
  return Array.from({ length: 100 }, (_, i) => (i < disturbed ? { ...calm, ...how } : calm));
}

describe('a measurement', () => {
  it('is of a quiet machine if nothing disturbed it', () => {
    expect(disturbanceOf(cases(0, {}))).toEqual({ unsteadyCases: 0, lostTime: 0, wasBusy: false });
  });

  it('is of a busy machine if the median is more than 20 % above the best in over 5 % of the cases', () => {
    const unsteady = { median: 121, elapsed: 121e6 };
    expect(disturbanceOf(cases(5, unsteady))).toEqual({ unsteadyCases: 0.05, lostTime: 0, wasBusy: false });
    expect(disturbanceOf(cases(6, unsteady))).toEqual({ unsteadyCases: 0.06, lostTime: 0, wasBusy: true });
    expect(disturbanceOf(cases(100, { median: 120, elapsed: 120e6 }))).toMatchObject({ unsteadyCases: 0 });
  });

  it('is of a busy machine if another process had the processor for half of the time, though the medians know nothing of it', () => {
    expect(disturbanceOf(cases(100, { elapsed: 210e6 }))).toEqual({ unsteadyCases: 0, lostTime: 0.5, wasBusy: true });
  });

  it('may lose a tenth of the time, and beside that what compiling takes', () => {
    const lose = (ns: number) => disturbanceOf([...cases(0, {}), { best: 1, median: 1, calls: 0, elapsed: ns }]);
    expect(lose(1.3 * SECOND_NS)).toMatchObject({ lostTime: 0.11, wasBusy: false });
    expect(lose(1.4 * SECOND_NS)).toMatchObject({ lostTime: 0.118, wasBusy: true });
  });

  it('is not judged by compiling if it is short', () => {
    const short = { best: 100, median: 100, calls: 1e4, elapsed: 1.25e6 };
    expect(disturbanceOf(Array.from({ length: 100 }, () => short))).toMatchObject({ lostTime: 0.2, wasBusy: false });
  });
});
