/** How often deadlines are looked at, in ms: one that is due is met by so much later. */
const SWEEP_MS = 100;

/** Who can have a deadline. */
export interface Expiring {
  onDeadline(): void;
}

/** The deadlines of a thread's connections: one timer for all of them, which runs only while there are any. */
export class Deadlines {
  readonly #due = new Map<Expiring, number>();
  #timer: NodeJS.Timeout | undefined;

  /** Calls `expiring.onDeadline()` in `delayMs`; replaces an earlier deadline of the same. */
  set(expiring: Expiring, delayMs: number): void {
    this.#due.set(expiring, performance.now() + delayMs);
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  clear(expiring: Expiring): void {
    this.#due.delete(expiring);
    if (this.#due.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    const now = performance.now();
    for (const [expiring, due] of this.#due) {
      if (due > now) continue;
      this.clear(expiring);
      expiring.onDeadline();
    }
  }
}
