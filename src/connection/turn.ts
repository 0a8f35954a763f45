/**
 * A thread's turn: from the beginning of a callback of the event loop to its end. What is published in a turn goes out when it
 * ends; what is published outside of one (after an `await`, from a timer) in the next microtask.
 */
export class Turn {
  /** The turn that this thread is in, if it is in one. */
  static running: Turn | undefined;

  /** What must not be done while a hook runs. */
  readonly #deferred: (() => void)[] = [];
  #depth = 0;
  /** Of another server in this thread, whose hook has begun this one. */
  #outer: Turn | undefined;
  #scheduled = false;
  readonly #flushPublications: () => void;

  constructor(flushPublications: () => void) {
    this.#flushPublications = flushPublications;
  }

  begin(): void {
    if (this.#depth++ === 0) this.#outer = Turn.running;
    Turn.running = this;
  }

  end(): void {
    if (this.#depth > 1) {
      this.#depth--;
      return;
    }
    try {
      this.#flushPublications(); // still in the turn: what a stream answers from within a write waits until all is written
    } finally {
      this.#depth = 0;
      Turn.running = this.#outer;
      this.#outer = undefined;
    }
    while (this.#deferred.length > 0) (this.#deferred.shift() as () => void)();
  }

  /** Does something that needs the window: at once, or at the end of this turn, because a hook may be looking at it. */
  afterwards(action: () => void): void {
    if (this.#depth === 0) action();
    else this.#deferred.push(action);
  }

  /** There are publications to be sent: at the end of this turn, or in a microtask outside of one. */
  schedule(): void {
    if (this.#depth > 0 || this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.begin();
      this.end();
    });
  }
}
