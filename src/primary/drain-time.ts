import { MAX_TIMEOUT_MS } from './machine-limits.js';

/** How long a draining worker may go on after its deadline before it is ended, in ms. */
export const GRACE_MS = 250;

/** The longest time to drain, in ms. With the grace it is the longest delay of a timer: a timer with a longer delay fires at once. */
export const MAX_DRAIN_MS = MAX_TIMEOUT_MS - GRACE_MS;

/** How connections are drained. */
export interface DrainTimes {
  /** The time over which their closes are spread, in ms. */
  readonly drainSpreadMs: number;
  /** How long they have to be closed after that, in ms. */
  readonly drainMs: number;
}

/** Every connection is destroyed at once. */
export const NO_TIME: DrainTimes = { drainSpreadMs: 0, drainMs: 0 };

/** The whole time of a drain, in ms. */
export function wholeMs({ drainSpreadMs, drainMs }: DrainTimes): number {
  return Math.min(drainSpreadMs + drainMs, MAX_DRAIN_MS);
}

/** The longer of each of the times. */
export function longestOf(one: DrainTimes, other: DrainTimes): DrainTimes {
  return {
    drainSpreadMs: Math.max(one.drainSpreadMs, other.drainSpreadMs),
    drainMs: Math.max(one.drainMs, other.drainMs),
  };
}
