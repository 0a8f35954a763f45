import { NEVER_BYTES } from '../kernels/thresholds.js';

/** The costs of one size in two implementations, in any unit. */
export interface Pair {
  /** The size, in bytes. */
  readonly bytes: number;
  /** The cost of the implementation that is meant for smaller sizes. */
  readonly smaller: number;
  /** The cost of the implementation that is meant for larger sizes. */
  readonly larger: number;
}

/**
 * The size from which on the implementation for larger sizes is to be used: the one with the least regret. The regret of a size
 * adds up, over all measured sizes, the cost of the implementation that would be used divided by the cost of the better one. (So
 * one disturbed figure does not move the result.) Of sizes with the same regret it is the smallest.
 * @param pairs in ascending order of sizes
 * @returns the first size if the implementation for smaller sizes is never better; {@link NEVER_BYTES} if the other one is never
 * better.
 */
export function crossover(pairs: readonly Pair[]): number {
  const regretOf = (from: number) =>
    pairs.reduce((sum, { bytes, smaller, larger }) => {
      return sum + (bytes < from ? smaller : larger) / Math.min(smaller, larger);
    }, 0);
  let best = { from: NEVER_BYTES, regret: regretOf(NEVER_BYTES) };
  for (const { bytes: from } of pairs.toReversed()) {
    const regret = regretOf(from);
    if (regret <= best.regret) best = { from, regret };
  }
  return best.from;
}
