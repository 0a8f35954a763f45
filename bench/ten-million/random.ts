/** Numbers from 0 (included) to 1 (excluded), the same for the same seed: mulberry32, of Tommy Ettinger. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A time until the next of events that come independently of each other, `mean` apart on average. */
export function exponential(random: () => number, mean: number): number {
  return -mean * Math.log(1 - random());
}
