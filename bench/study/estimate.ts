import { median, percentile } from '../statistics.js';

/**
 * What the attempts of a case say, in the unit of the attempts. A disturbance of the machine only ever adds to a cost, and it may last
 * for a second or for a minute. So the attempts of a case lie far apart, all of them count, and the figure is their lower quartile: it
 * is right while fewer than three quarters of the attempts were disturbed, and it is no single lucky attempt. Three attempts, as
 * compression has, are too few for that: their lower quartile is the least of them.
 */
export interface Estimate {
  /** The figure: the lower quartile. */
  readonly value: number;
  readonly median: number;
  readonly least: number;
  /** The upper quartile. From `least` to here is the spread. */
  readonly upper: number;
  /** Whether the median is within {@link STEADY_BOUND} of the least. A case that is not is printed as not steady. */
  readonly isSteady: boolean;
}

/** A case is steady while the median of its attempts is above the least of them by no more than this part of it. */
export const STEADY_BOUND = 0.1;

/**
 * Whether the attempts fall into two groups by the direction of their rounds: every other round goes backwards. All of one direction are
 * above all of the other then, and the middles are apart by more than {@link STEADY_BOUND}. What was measured before decides such a case, and
 * the lower quartile is that of the direction in which it takes less. Fewer than six attempts say nothing of that.
 */
export function differsByDirection(attempts: readonly number[]): boolean {
  if (attempts.length < 6) return false;
  const one = attempts.filter((_, round) => round % 2 === 0);
  const other = attempts.filter((_, round) => round % 2 === 1);
  const areApart = (less: readonly number[], more: readonly number[]) =>
    Math.max(...less) < Math.min(...more) && median(more) > median(less) * (1 + STEADY_BOUND);
  return areApart(one, other) || areApart(other, one);
}

/** Costs: less is better. All figures are NaN without an attempt. */
export function estimate(attempts: readonly number[]): Estimate {
  const least = attempts.length === 0 ? Number.NaN : Math.min(...attempts);
  const middle = median(attempts);
  return {
    value: percentile(attempts, 0.25),
    median: middle,
    least,
    upper: percentile(attempts, 0.75),
    isSteady: middle <= least * (1 + STEADY_BOUND),
  };
}
