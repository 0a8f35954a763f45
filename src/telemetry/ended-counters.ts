import { type Counter, Counters } from './counters.js';
import type { ThreadCounters } from './read-stats.js';

/** The name of the thread that has created the server. */
export const PRIMARY = 'primary';

/** The counts of threads that have ended, by their names, so that the totals of a name never fall: another thread may have it next. */
export class EndedCounters {
  readonly #byThread = new Map<string, Counters>();

  /** Adds the counts of a thread that has ended, or that is given new counters. */
  addAll(thread: string, counters: Counters): void {
    this.#of(thread).addAll(counters);
  }

  /** Adds to a figure that the primary counts. */
  add(counter: Counter, amount: number): void {
    this.#of(PRIMARY).add(counter, amount);
  }

  /** The sum of all threads. */
  get(counter: Counter): number {
    let sum = 0;
    for (const counters of this.#byThread.values()) sum += counters.get(counter);
    return sum;
  }

  get threads(): ThreadCounters[] {
    return [...this.#byThread].map(([thread, counters]) => ({ thread, counters }));
  }

  #of(thread: string): Counters {
    let counters = this.#byThread.get(thread);
    if (counters === undefined) {
      counters = new Counters();
      this.#byThread.set(thread, counters);
    }
    return counters;
  }
}
