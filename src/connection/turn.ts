import type { Output } from './output.js';

/**
 * A thread's turn: from the beginning of a callback of the event loop to its end. What is sent and published in a turn goes
 * out when it ends, one write for each connection. What is sent outside of a turn (after an `await`, from a timer) goes out
 * in the next microtask.
 */
export class Turn {
  /** The turn that this thread is in, if it is in one. */
  static running: Turn | undefined;

  /** The first `#touchedCount` of these: to cut an array costs more than to send what most of them have. */
  readonly #touched: (Output | undefined)[] = [];
  #touchedCount = 0;
  /** What must not be done while a hook runs. */
  readonly #deferred: (() => void)[] = [];
  #depth = 0;
  #scheduled = false;
  readonly #flushPublications: () => void;

  constructor(flushPublications: () => void) {
    this.#flushPublications = flushPublications;
  }

  begin(): void {
    this.#depth++;
    Turn.running = this;
  }

  end(): void {
    if (this.#depth > 1) {
      this.#depth--;
      return;
    }
    try {
      this.flush(); // still in the turn: what a stream answers from within a write waits until all is written
    } finally {
      this.#depth = 0;
      Turn.running = undefined;
    }
    while (this.#deferred.length > 0) (this.#deferred.shift() as () => void)();
  }

  /** Does something that needs the window: at once, or at the end of this turn, because a hook may be looking at it. */
  afterwards(action: () => void): void {
    if (this.#depth === 0) action();
    else this.#deferred.push(action);
  }

  /** To be called when an output gathers its first frame since it was last flushed by a turn. */
  touch(output: Output): void {
    this.#touched[this.#touchedCount++] = output;
    this.schedule();
  }

  /** There is something to be sent: at the end of this turn, or in a microtask outside of one. */
  schedule(): void {
    if (this.#depth > 0 || this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.begin();
      this.end();
    });
  }

  flush(): void {
    try {
      this.#flushPublications();
    } finally {
      this.#flushOutputs(0);
    }
  }

  #flushOutputs(first: number): void {
    let i = first;
    try {
      for (; i < this.#touchedCount; i++) {
        const output = this.#touched[i] as Output; // below the count
        this.#touched[i] = undefined;
        output.touched = false;
        output.flush();
      }
    } finally {
      // One that fails is not to cost the others theirs, which may lie in the window still.
      if (i < this.#touchedCount) this.#flushOutputs(i + 1);
      else this.#touchedCount = 0;
    }
  }
}
