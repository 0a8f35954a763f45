/**
 * A worker that dies is replaced at once. If its successor dies within STABLE_MS, the next starts after RESTART_MS, and each
 * further one after twice as long, at most MAX_RESTART_MS. All of these are in ms.
 */
const RESTART_MS = 100;
const MAX_RESTART_MS = 10_000;
const STABLE_MS = 30_000;
/** With so many deaths in a minute, `/healthz` says degraded. */
const CRASHING_PER_MINUTE = 3;

/** The deaths of the workers of a pool, and how long to wait before each is replaced. */
export class WorkerDeaths {
  /** The times of the deaths in the last minute, in ms. */
  #times: number[] = [];
  #restartMs = 0;

  /** Call this at every death. */
  note(): void {
    this.#times.push(performance.now());
  }

  /**
   * How long to wait before the next worker starts, in ms. Call it once for each worker that is replaced.
   * @param livedMs how long the dead worker has lived, in ms.
   */
  delayAfter(livedMs: number): number {
    const delayMs = livedMs > STABLE_MS ? 0 : this.#restartMs;
    this.#restartMs = Math.min(Math.max(delayMs * 2, RESTART_MS), MAX_RESTART_MS);
    return delayMs;
  }

  get inLastMinute(): number {
    const since = performance.now() - 60_000;
    this.#times = this.#times.filter((at) => at > since);
    return this.#times.length;
  }

  /** Whether workers die so often that it is no accident. */
  get areFrequent(): boolean {
    return this.inLastMinute >= CRASHING_PER_MINUTE;
  }
}
