import type { Latency } from './latency.js';

/**
 * When the messages of a connection were sent that have not come back: first in, first out. Those that were sent at the same
 * time are one entry, so that what comes and goes together costs as much as one.
 *
 * Hot: rings of numbers, no objects.
 */
export class InFlight {
  readonly #times: Float64Array;
  readonly #counts: Int32Array;
  #first = 0;
  #entries = 0;
  #count = 0;

  /** @param most messages that may be in flight at a time. */
  constructor(most: number) {
    this.#times = new Float64Array(most);
    this.#counts = new Int32Array(most);
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** When the oldest was sent, in ms; Infinity if there is none. */
  get oldest(): number {
    return this.#entries === 0 ? Number.POSITIVE_INFINITY : (this.#times[this.#first] as number);
  }

  /** @param time in ms. */
  add(time: number, count: number): void {
    let at = this.#first + this.#entries;
    if (at >= this.#times.length) at -= this.#times.length;
    this.#times[at] = time;
    this.#counts[at] = count;
    this.#entries++;
    this.#count += count;
  }

  /** Takes the oldest out, and notes how long they took until `now`, in ms, if that counts. There must be as many. */
  take(count: number, now: number, latency: Latency | undefined): void {
    this.#count -= count;
    while (count > 0) {
      const at = this.#first;
      const there = this.#counts[at] as number;
      const taken = Math.min(there, count);
      latency?.note(now - (this.#times[at] as number), taken);
      count -= taken;
      if (taken < there) {
        this.#counts[at] = there - taken;
        return;
      }
      this.#first = at + 1 === this.#times.length ? 0 : at + 1;
      this.#entries--;
    }
  }

  /** Forgets all. @returns how many there were. */
  clear(): number {
    const forgotten = this.#count;
    this.#count = 0;
    this.#entries = 0;
    return forgotten;
  }
}
