import type { Throttled } from '../connection/environment.js';

/** How often those who are throttled are looked at, in ms: for so long a peer that is too fast waits at least. */
const RETRY_MS = 50;

/** Those of a thread's connections that are not read for a while: one timer, which runs only while there are any. */
export class ThrottledConnections {
  readonly #throttled = new Set<Throttled>();
  #timer: NodeJS.Timeout | undefined;

  add(one: Throttled): void {
    this.#throttled.add(one);
    this.#timer ??= setInterval(() => this.#retry(), RETRY_MS).unref();
  }

  #retry(): void {
    for (const one of [...this.#throttled]) {
      // Not after: it may be throttled again at once.
      this.#throttled.delete(one);
      if (!one.retry()) this.#throttled.add(one);
    }
    if (this.#throttled.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
