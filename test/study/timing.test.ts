import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../dist/kernels/kernel.js';
import { batch, timings } from '../../dist/study/timing.js';
import { ScriptedWork } from './scripted-work.js';

const NOTHING: Kernel = { name: 'nothing', unmask: () => {}, validate: () => 0, unmaskText: () => 0 };

/** Measures two kernels for a while: one takes 1 µs a call, the other 3. */
function measured(ms: number, isBusy: boolean) {
  const script = new ScriptedWork(isBusy);
  const subjects = [0.001, 0.003].map((cost) => ({
    kernel: script.costing(NOTHING, () => cost),
    run: batch('validate(offset, length, 0)'),
  }));
  const start = script.clock();
  const figures = timings(subjects, 0, 16, start + ms, script.clock);
  return { figures, took: script.clock() - start };
}

describe('timings', () => {
  it('are nanoseconds per call, the best of many batches and the median of them', () => {
    const { figures } = measured(50, false);
    expect(figures).toHaveLength(2);
    for (const [i, ns] of [1000, 3000].entries()) {
      expect(figures[i]?.best).toBeCloseTo(ns, 3);
      expect(figures[i]?.median).toBeCloseTo(ns, 3);
      expect(figures[i]?.elapsed).toBeCloseTo(ns * (figures[i]?.calls as number), 0);
    }
  });

  it('end when they should, with the calls that find out how long a batch is', () => {
    const { took } = measured(50, false);
    expect(took).toBeGreaterThanOrEqual(50);
    expect(took).toBeLessThan(50.5);
  });

  it('leave out what another process took, except from the time of all calls', () => {
    const { figures } = measured(100, true);
    const [one] = figures;
    expect(one?.best).toBeCloseTo(1000, 3);
    expect(one?.median).toBeCloseTo(1000, 3);
    const sum = (of: (one: (typeof figures)[number]) => number) =>
      figures.reduce((total, figure) => total + of(figure), 0);
    expect(sum(({ elapsed }) => elapsed) / sum(({ median, calls }) => median * calls)).toBeCloseTo(2, 0);
  });

  it('take three batches of each at least, which are short where there is no time', () => {
    const { figures, took } = measured(-1, false);
    expect(figures.map(({ best }) => Math.round(best))).toEqual([1000, 3000]);
    expect(took).toBeLessThan(0.2);
    expect(figures[0]?.calls).toBe(3 * 16);
  });
});
