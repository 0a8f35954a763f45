/**
 * The time of a hosting thread as its connections see it, in ms: it is read often and moves on only when the thread's sweep
 * comes by. A thread that was blocked could not hear its peers: then it moves on by two ticks at most.
 */
export class Clock {
  /** Since the clock was made. Whole, so that nobody who notes it needs memory for that. */
  nowMs = 0;
  /**
   * `performance.now()`, refreshed every 50 ms while rates are limited: rates cannot wait for a tick, and to ask the system in each read
   * would cost a quarter of all that a small read costs.
   */
  recentMs = 0;
  /** How far the last tick has moved it. */
  elapsedMs = 0;
  /** How far a tick moves it when nothing is late. Times that were noted between two ticks are too early by as much. */
  readonly tickMs: number;
  #exactMs = 0;

  constructor(tickMs: number) {
    this.tickMs = tickMs;
  }

  /** @param sinceLastMs real time since the last tick. */
  tick(sinceLastMs: number): void {
    this.#exactMs += Math.min(sinceLastMs, 2 * this.tickMs);
    const now = Math.floor(this.#exactMs);
    this.elapsedMs = now - this.nowMs;
    this.nowMs = now;
  }
}
