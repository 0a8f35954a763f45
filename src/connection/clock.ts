/**
 * The time of a hosting thread as its connections see it, in ms: it is read often and moves on only when the thread's sweep
 * comes by. A thread that was blocked could not hear its peers: then it moves on by two ticks at most.
 */
export class Clock {
  /** Since the clock was made. */
  nowMs = 0;
  /** How far the last tick has moved it. */
  elapsedMs = 0;
  /** How far a tick moves it when nothing is late. Times that were noted between two ticks are too early by as much. */
  readonly tickMs: number;

  constructor(tickMs: number) {
    this.tickMs = tickMs;
  }

  /** @param sinceLastMs real time since the last tick. */
  tick(sinceLastMs: number): void {
    this.elapsedMs = Math.min(sinceLastMs, 2 * this.tickMs);
    this.nowMs += this.elapsedMs;
  }
}
