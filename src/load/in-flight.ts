import type { Latency } from './latency.js';

/**
 * The messages of a connection that were sent and have not come back: first in, first out, with when they were due, from which
 * their latency counts, and when they were sent, from which their time limit does. Those of the same time are one entry, so
 * that what comes and goes together costs as much as one.
 *
 * Hot: rings of numbers, no objects.
 */
export class InFlight {
  readonly #dueTimes: Float64Array;
  readonly #sendTimes: Float64Array;
  readonly #counts: Int32Array;
  #first = 0;
  #entries = 0;
  #count = 0;

  /** @param most messages that may be in flight at a time. */
  constructor(most: number) {
    this.#dueTimes = new Float64Array(most);
    this.#sendTimes = new Float64Array(most);
    this.#counts = new Int32Array(most);
  }

  /** How many messages are in flight. */
  get count(): number {
    return this.#count;
  }

  /** When the oldest was sent, in ms; Infinity if there is none. */
  get oldest(): number {
    return this.#entries === 0 ? Number.POSITIVE_INFINITY : (this.#sendTimes[this.#first] as number);
  }

  /**
   * @param due when the messages were due, in ms
   * @param now when they are sent, in ms
   */
  add(due: number, count: number, now: number): void {
    let at = this.#first + this.#entries;
    if (at >= this.#counts.length) at -= this.#counts.length;
    this.#dueTimes[at] = due;
    this.#sendTimes[at] = now;
    this.#counts[at] = count;
    this.#entries++;
    this.#count += count;
  }

  /** Takes the oldest out, and notes how long ago they were due at `now`, in ms, if that counts. There must be as many. */
  take(count: number, now: number, latency: Latency | undefined): void {
    this.#count -= count;
    while (count > 0) {
      const at = this.#first;
      const there = this.#counts[at] as number;
      const taken = Math.min(there, count);
      latency?.note(now - (this.#dueTimes[at] as number), taken);
      count -= taken;
      if (taken < there) {
        this.#counts[at] = there - taken;
        return;
      }
      this.#first = at + 1 === this.#counts.length ? 0 : at + 1;
      this.#entries--;
    }
  }

  /** Forgets all messages. @returns how many there were. */
  clear(): number {
    const forgotten = this.#count;
    this.#count = 0;
    this.#entries = 0;
    return forgotten;
  }
}
