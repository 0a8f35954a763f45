/**
 * The reloads of a server. One runs at a time, and at most one waits. All calls that come while a reload runs share the one that
 * waits. It begins after all of these calls, so it loads every change that they were made for.
 */
export class Reloads {
  readonly #reload: (drainMs: number) => Promise<void>;
  #running: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  /** The drain time of the reload that waits, in ms. */
  #drainMs = 0;

  /** @param reload does one reload. It is not called again before its promise is settled. */
  constructor(reload: (drainMs: number) => Promise<void>) {
    this.#reload = reload;
  }

  /** Settles with the reload that this call starts or joins. Calls that join one reload get the longest of their drain times. */
  ask(drainMs: number): Promise<void> {
    if (this.#waiting !== undefined) {
      this.#drainMs = Math.max(this.#drainMs, drainMs);
      return this.#waiting;
    }
    if (this.#running === undefined) return this.#run(drainMs);
    this.#drainMs = drainMs;
    const next = () => {
      this.#waiting = undefined;
      return this.#run(this.#drainMs);
    };
    // If the reload that runs fails, only its own callers are told.
    this.#waiting = this.#running.then(next, next);
    return this.#waiting;
  }

  #run(drainMs: number): Promise<void> {
    this.#running = this.#reload(drainMs).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }
}
