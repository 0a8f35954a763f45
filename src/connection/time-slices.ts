/** One that gives way when it has had its slice, and goes on in the next iteration of the event loop. */
export interface Sliced {
  /** In which iteration it was last looked at, and since when it has had its slice of that, in ms. Kept by {@link TimeSlices}. */
  slicedIn: number;
  slicedAtMs: number;
  /** Whether it has had its slice, and waits for the next iteration. Kept by {@link TimeSlices}. */
  givesWay: boolean;
  /** It may go on. */
  goOn(): void;
}

/** How long all may have together in an iteration, in ms, and one of them at most and at least. */
const ROUND_MS = 16;
const MAX_SLICE_MS = 4;
const MIN_SLICE_MS = 0.25;

/** How many messages are handled before the clock is looked at, and how long that may take, in ms. */
const MAX_MESSAGES = 512;
const FIRST_MESSAGES = 16;
const STEP_MS = 0.5;

/**
 * Lets no connection keep its thread from the others. Node reads from a socket as long as its reads fill the buffer, up to 32 times
 * in a row: with a window of 256 KiB that is more than a million small frames before anybody else is looked at. So a connection
 * that has had its slice of an iteration of the event loop is not read on, and what it has sent is not handled, until the next
 * iteration. The more of them there are, the shorter are the slices.
 */
export class TimeSlices {
  #iteration = 0;
  #isScheduled = false;
  #startedAtMs = 0;
  /** How often it was asked in this iteration. */
  #questions = 0;
  #sliceMs = MAX_SLICE_MS;
  /** Adapted to what the hooks of this thread take. */
  #messages = FIRST_MESSAGES;
  #last: Sliced | undefined;
  #lastAtMs = 0;
  #waiting: Sliced[] = [];
  readonly #now: () => number;

  /** @param now the time, in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many messages of a connection may be handled until it is to ask again. */
  get messages(): number {
    return this.#messages;
  }

  /** Lets a connection give way to others if it has had its slice. */
  check(one: Sliced): void {
    if (!one.givesWay && this.isUsedUp(one)) this.giveWay(one);
  }

  /**
   * Lets a connection give way to others if it has had its slice, or has been handled for `mostMs` in this iteration. To be called
   * between steps of work that hooks have no part in.
   */
  checkWork(one: Sliced, mostMs: number): void {
    if (one.givesWay) return;
    const now = this.#now();
    this.#last = undefined; // the time since the last question is no measure of hooks
    if (this.#hasHad(one, now, mostMs)) this.giveWay(one);
  }

  /** Whether a connection has had its slice of this iteration. */
  isUsedUp(one: Sliced): boolean {
    const now = this.#now();
    this.#questions++;
    this.#adapt(one, now);
    return this.#hasHad(one, now, MAX_SLICE_MS);
  }

  #hasHad(one: Sliced, now: number, mostMs: number): boolean {
    if (one.slicedIn === this.#iteration) {
      // Many may come at once who have not waited before.
      const sliceMs = now - this.#startedAtMs > ROUND_MS ? MIN_SLICE_MS : this.#sliceMs;
      return now - one.slicedAtMs >= Math.min(sliceMs, mostMs);
    }
    one.slicedIn = this.#iteration;
    one.slicedAtMs = now;
    if (!this.#isScheduled) {
      this.#startedAtMs = now;
      this.#schedule();
    }
    return false;
  }

  /** Has `goOn` called in the next iteration, once. */
  giveWay(one: Sliced): void {
    if (one.givesWay) return;
    one.givesWay = true;
    this.#wait(one);
  }

  #wait(one: Sliced): void {
    this.#waiting.push(one);
    if (!this.#isScheduled) this.#schedule();
  }

  #schedule(): void {
    this.#isScheduled = true;
    setImmediate(() => this.#next());
  }

  #next(): void {
    this.#isScheduled = false;
    if (this.#now() - this.#startedAtMs < this.#questions * STEP_MS) {
      this.#messages = Math.min(2 * this.#messages, MAX_MESSAGES);
    }
    this.#questions = 0;
    this.#iteration++;
    this.#last = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#sliceMs = Math.min(Math.max(ROUND_MS / waiting.length, MIN_SLICE_MS), MAX_SLICE_MS);
    try {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        one.givesWay = false;
        one.goOn();
      }
    } finally {
      for (const one of waiting) this.#wait(one); // one has thrown
    }
  }

  /** Between two questions of the same connection there were its messages only. */
  #adapt(one: Sliced, now: number): void {
    if (this.#last === one && now - this.#lastAtMs > STEP_MS) {
      this.#messages = Math.max(1, Math.floor((this.#messages * STEP_MS) / (now - this.#lastAtMs)));
    }
    this.#last = one;
    this.#lastAtMs = now;
  }
}
