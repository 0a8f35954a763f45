import { NEVER_BYTES } from '../kernels/thresholds.js';

/** What one size costs by two ways, in any unit. */
export interface Pair {
  readonly bytes: number;
  readonly smaller: number;
  readonly larger: number;
}

/**
 * The size from which on to go the way that is for larger sizes: the one with the least regret, which is the sum, over all
 * sizes, of how much more is paid than by the better of the two ways, in proportion. (One disturbed figure does not move it.)
 * Of sizes with the same regret it is the smallest.
 * @param pairs in ascending order of sizes
 * @returns the first size if the other way is never worth it; {@link NEVER_BYTES} if this one is not.
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
