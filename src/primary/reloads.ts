import { type DrainTimes, longestOf, NO_TIME } from './drain-time.js';

/**
 * The reloads of a server. One runs at a time, and at most one waits. All calls that come while a reload runs share the one that
 * waits. It begins after all of these calls, so it loads every change that they were made for.
 */
export class Reloads {
  readonly #reload: (times: DrainTimes) => Promise<void>;
  #running: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  /** The drain times of the reload that waits. */
  #times = NO_TIME;

  /** @param reload does one reload. It is not called again before its promise is settled. */
  constructor(reload: (times: DrainTimes) => Promise<void>) {
    this.#reload = reload;
  }

  /** Settles with the reload that this call starts or joins. Calls that join one reload get the longest of their drain times. */
  ask(times: DrainTimes): Promise<void> {
    if (this.#waiting !== undefined) {
      this.#times = longestOf(this.#times, times);
      return this.#waiting;
    }
    if (this.#running === undefined) return this.#run(times);
    this.#times = times;
    const next = () => {
      this.#waiting = undefined;
      return this.#run(this.#times);
    };
    // If the reload that runs fails, only its own callers are told.
    this.#waiting = this.#running.then(next, next);
    return this.#waiting;
  }

  #run(times: DrainTimes): Promise<void> {
    this.#running = this.#reload(times).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }
}
