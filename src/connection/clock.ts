/**
 * The time of a hosting thread as its connections see it, in ms: it is read often and moves on only when the thread's sweep
 * comes by. A thread that was blocked could not hear its peers: then it moves on by two ticks at most.
 */
export class Clock {
  /** Since the clock was made. Whole, so that nobody who notes it needs memory for that. */
  nowMs = 0;
  /** How far the last tick has moved it. */
  elapsedMs = 0;
  /** How far a tick moves it when nothing is late. Times that were noted between two ticks are too early by as much. */
  readonly tickMs: number;
  readonly #precise: () => number;
  #exactMs = 0;

  /** @param precise real time, in ms since whenever. */
  constructor(tickMs: number, precise: () => number = () => performance.now()) {
    this.tickMs = tickMs;
    this.#precise = precise;
  }

  /** Real time, in ms since whenever, for what cannot wait for a tick. Costs a call of the system. */
  get preciseMs(): number {
    return this.#precise();
  }

  /** @param sinceLastMs real time since the last tick. */
  tick(sinceLastMs: number): void {
    this.#exactMs += Math.min(sinceLastMs, 2 * this.tickMs);
    const now = Math.floor(this.#exactMs);
    this.elapsedMs = now - this.nowMs;
    this.nowMs = now;
  }
}
