import type { Latency } from './latency.js';
import type { ResolvedLoadOptions } from './resolved-load-options.js';

/** How late a call of {@link SendSchedule.advance} is at least, in ms, to look for when each message was due. */
const LATE_MS = 2;

/** Into how many parts a longer time is divided at most. */
const MAX_PARTS = 1000;

/**
 * How many messages a thread may send, by its amount and its rate. Without a rate it is as many as are wanted. With a rate it is the
 * messages that are due, and the latency of each counts from when it was due, however late it can be sent.
 */
export class SendSchedule {
  readonly #perMs: number;
  #left = Number.POSITIVE_INFINITY;
  #startedAt = 0;
  #advancedTo = 0;
  /** How many messages have become due since the start. */
  #released = 0;
  /** The messages that are due and not taken, first in, first out: entries from `#first` on. */
  readonly #times: number[] = [];
  readonly #counts: number[] = [];
  #first = 0;
  #waiting = 0;

  /** The time from which the messages that were last taken count, in ms. */
  time = 0;

  constructor({ ratePerSecond }: Pick<ResolvedLoadOptions, 'ratePerSecond'>) {
    this.#perMs = ratePerSecond / 1000;
  }

  get isRated(): boolean {
    return Number.isFinite(this.#perMs);
  }

  /** Whether no more messages will become due. */
  get isExhausted(): boolean {
    return this.#left === 0 && this.#waiting === 0;
  }

  /** How many messages are due and not taken. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Starts anew: from now on no message is late. @param left messages in all. @param now in ms */
  start(left: number, now: number): void {
    this.#left = left;
    this.#startedAt = now;
    this.#advancedTo = now;
    this.#released = 0;
    this.#clear();
  }

  /** Makes due the messages that are due by `now`, in ms. After a long time, each part of it counts by itself. */
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

  /** Takes up to `wanted` messages, which all count from the same {@link time}. To be called until it returns 0. */
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

  /** Gives up the messages that are due and not taken, and notes how long they have waited at `now`, in ms: their latency is at least that. */
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
