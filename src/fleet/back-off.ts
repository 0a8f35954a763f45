const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 10_000;
/** A connection that has lasted for this long, in ms, was a good one: the next attempts begin with short delays. */
const GOOD_AFTER_MS = MAX_DELAY_MS;

/**
 * How long to wait before the next attempt to connect: 100 ms, and twice as long after each failure, up to 10 s; each of them times a random
 * number from 0.5 to 1.5, so that the servers of a fleet do not come back all at once. A connection that is lost within 10 s counts as a failure
 * too.
 */
export class BackOff {
  readonly #random: () => number;
  #failures = 0;

  /** @param random a number from 0 to 1, as `Math.random` gives it. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /**
   * An attempt has failed, or a connection is lost.
   * @param lastedMs how long the connection has lasted; 0 if there was none.
   * @returns the time to wait in ms.
   */
  next(lastedMs: number): number {
    if (lastedMs >= GOOD_AFTER_MS) this.#failures = 0;
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.#failures, MAX_DELAY_MS);
    this.#failures++;
    return delayMs * (0.5 + this.#random());
  }
}
