import type { Timing } from './timing.js';

/** What other work on the machine has done to a measurement. All shares are from 0 to 1. */
export interface Disturbance {
  /** The share of cases whose median batch takes over 20 % longer than their best one: something slowed the processor down. */
  readonly unsteadyCases: number;
  /** The share of the time in which nothing was measured, because something else had the processor. */
  readonly lostTime: number;
  /** Whether the figures should not be trusted: one of the shares is more than a quiet machine has. */
  readonly wasBusy: boolean;
}

/** By how much the median batch of a steady case is above its best one, at most. */
const STEADY = 1.2;

/**
 * A quiet machine stays below both, and a process that wants the same core takes half of the time. Beside a tenth of the time, what
 * compiling takes is allowed to be lost, which is not more for a longer measurement.
 */
const MOST_UNSTEADY_CASES = 0.05;
const MOST_LOST_TIME = 0.1;
const COMPILING_NS = 0.15e9;

/** @param timings of all cases, at least one. */
export function disturbanceOf(timings: readonly Timing[]): Disturbance {
  const sum = (of: (timing: Timing) => number) => timings.reduce((total, timing) => total + of(timing), 0);
  const unsteadyCases = sum(({ best, median }) => (median > best * STEADY ? 1 : 0)) / timings.length;
  // Who loses the processor loses it in the middle of a batch, which is a long one then. The median batch is not interrupted.
  const elapsed = sum((timing) => timing.elapsed);
  const lost = sum((timing) => timing.elapsed - timing.median * timing.calls);
  return {
    unsteadyCases: rounded(unsteadyCases),
    lostTime: rounded(Math.max(0, lost / elapsed)),
    wasBusy: unsteadyCases > MOST_UNSTEADY_CASES || lost > elapsed * MOST_LOST_TIME + COMPILING_NS,
  };
}

/** To a thousandth. */
function rounded(share: number): number {
  return Math.round(share * 1000) / 1000;
}
