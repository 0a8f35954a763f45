/**
 * The reloads of a server: one at a time, and at most one that waits for it. All calls that come while one runs share the one that waits. It
 * begins after all of them, so it loads what they want loaded.
 */
export class Reloads {
  readonly #reload: (drainMs: number) => Promise<void>;
  #running: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  /** Of the reload that waits. */
  #drainMs = 0;

  /** @param reload is never called while it is under way. */
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
