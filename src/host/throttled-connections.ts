import type { Throttled } from '../connection/environment.js';

/** The interval at which throttled connections are tried again, in ms. */
const RETRY_MS = 50;

/** The connections of a thread that are not read for a while. One timer serves them all, and runs only while there are any. */
export class ThrottledConnections {
  readonly #throttled = new Set<Throttled>();
  #timer: NodeJS.Timeout | undefined;

  add(one: Throttled): void {
    this.#throttled.add(one);
    this.#timer ??= setInterval(() => this.#retry(), RETRY_MS).unref();
  }

  #retry(): void {
    for (const one of [...this.#throttled]) {
      // Deleted first, because `retry` may throttle the connection again at once.
      this.#throttled.delete(one);
      if (!one.retry()) this.#throttled.add(one);
    }
    if (this.#throttled.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
