import type { Latency } from './latency.js';
import type { ResolvedLoadOptions } from './resolved-load-options.js';

/** How late a call of {@link SendSchedule.advance} is at least, in ms, to look for when each message was due. */
const LATE_MS = 2;

/** Into how many parts a longer time is divided at most. */
const MAX_PARTS = 1000;

/**
 * How many messages a thread may send, by its amount and its rate. Without a rate as many as are wanted; with one, those that
 * are due, and each has the time from which it counts: when it was due, however late it can be sent.
 */
export class SendSchedule {
  readonly #perMs: number;
  #left = Number.POSITIVE_INFINITY;
  #startedAt = 0;
  #advancedTo = 0;
  /** How many have become due since. */
  #released = 0;
  /** Those that are due and not taken, first in, first out: entries from `#first` on. */
  readonly #times: number[] = [];
  readonly #counts: number[] = [];
  #first = 0;
  #waiting = 0;

  /** From when what was last taken counts, in ms. */
  time = 0;

  constructor({ ratePerSecond }: Pick<ResolvedLoadOptions, 'ratePerSecond'>) {
    this.#perMs = ratePerSecond / 1000;
  }

  get isRated(): boolean {
    return Number.isFinite(this.#perMs);
  }

  /** Whether there will never be more. */
  get isExhausted(): boolean {
    return this.#left === 0 && this.#waiting === 0;
  }

  /** How many are due and not taken. */
  get waiting(): number {
    return this.#waiting;
  }

  /** From now on so many in all, and none is late. @param now in ms */
  start(left: number, now: number): void {
    this.#left = left;
    this.#startedAt = now;
    this.#advancedTo = now;
    this.#released = 0;
    this.#clear();
  }

  /** Makes due what is due by `now`, in ms; if the last time was long ago, what was due in each ms since counts from that. */
  advance(now: number): void {
    const missed = now - this.#advancedTo;
    if (missed > LATE_MS) {
      const part = Math.max(1, missed / MAX_PARTS);
      for (let time = this.#advancedTo + part; time < now; time += part) this.#release(time);
    }
    this.#release(now);
    this.#advancedTo = now;
  }

  #release(now: number): void {
    const due = Math.floor((now - this.#startedAt) * this.#perMs) - this.#released;
    const count = Math.min(due, this.#left);
    this.#released += due;
    if (count <= 0) return;
    this.#left -= count;
    this.#waiting += count;
    this.#times.push(now);
    this.#counts.push(count);
  }

  /** Takes up to `wanted`, all of which count from the same {@link time}: to be called until it returns 0. */
  take(wanted: number, now: number): number {
    if (!this.isRated) {
      this.time = now;
      const taken = Math.min(wanted, this.#left);
      this.#left -= taken;
      return taken;
    }
    if (this.#waiting === 0 || wanted === 0) return 0;
    const there = this.#counts[this.#first] as number;
    const taken = Math.min(wanted, there);
    this.time = this.#times[this.#first] as number;
    this.#counts[this.#first] = there - taken;
    this.#waiting -= taken;
    if (taken === there) this.#first++;
    if (this.#waiting === 0) this.#clear();
    return taken;
  }

  /** Gives up what is due and not taken, and notes how long it has waited at `now`, in ms: it would have taken longer. */
  abandon(now: number, latency: Latency): void {
    for (let i = this.#first; i < this.#times.length; i++) {
      latency.note(now - (this.#times[i] as number), this.#counts[i] as number);
    }
    this.#clear();
  }

  #clear(): void {
    this.#times.length = 0;
    this.#counts.length = 0;
    this.#first = 0;
    this.#waiting = 0;
  }
}
