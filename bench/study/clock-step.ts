/** Clocks move in steps: those of browsers in coarse ones, so that no page can find out what happens in the caches. */
import type { Clock } from './trial.js';

/** How many steps are looked at. */
const STEPS = 20;
/** After so many readings a clock is taken for one that stands still: that is more than half a second. */
const MOST_READINGS = 20_000_000;
/** A batch lasts at least so many steps. */
const LEAST_STEPS = 100;

/** The step of a clock in ms: the least by which two readings differ. Infinity for a clock that stands still. */
export function stepOf(clock: Clock): number {
  let least = Number.POSITIVE_INFINITY;
  let last = clock();
  let seen = 0;
  for (let readings = 0; readings < MOST_READINGS && seen < STEPS; readings++) {
    const now = clock();
    if (now === last) continue;
    least = Math.min(least, now - last);
    last = now;
    seen++;
  }
  return Number(least.toPrecision(3));
}

/** @throws Error if batches of this length cannot be measured by a clock with this step: both in ms */
export function expectFineClock(stepMs: number, batchMs: number): void {
  const most = batchMs / LEAST_STEPS;
  if (!(stepMs <= most))
    throw new Error(`the step of the clock must be at most ${most} ms for batches of ${batchMs} ms, got ${stepMs}`);
}
