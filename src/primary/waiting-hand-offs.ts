import type { HandOff } from '../host/hand-off.js';

export interface WaitingHandOffsOptions {
  /** How long a connection may wait, in ms. */
  readonly timeoutMs: number;
  /** Offers a connection to the workers. @returns false if no worker takes it now. */
  readonly offer: (handOff: HandOff) => boolean;
  /** Ends a connection that has waited for `timeoutMs`. */
  readonly abandon: (handOff: HandOff) => void;
}

/**
 * Connections that no worker takes now. Each waits until a worker takes it, or until its time is over: the clients of those that were
 * opened in the primary have their 101 already.
 */
export class WaitingHandOffs {
  readonly #options: WaitingHandOffsOptions;
  /** The connections in the order in which they came, and for each the timer that ends its wait. */
  readonly #timers = new Map<HandOff, NodeJS.Timeout>();

  constructor(options: WaitingHandOffsOptions) {
    this.#options = options;
  }

  /** How many connections wait. */
  get size(): number {
    return this.#timers.size;
  }

  /** Lets connections wait behind all others, and offers all of them. */
  add(handOffs: readonly HandOff[]): void {
    for (const handOff of handOffs) {
      this.#timers.set(
        handOff,
        setTimeout(() => this.#end(handOff), this.#options.timeoutMs),
      );
    }
    this.offerAll();
  }

  /** Offers all connections, the oldest first, until one is not taken. Call this when a worker may take some. */
  offerAll(): void {
    for (const handOff of this.#timers.keys()) {
      if (!this.#options.offer(handOff)) return;
      this.#remove(handOff);
    }
  }

  /** Ends all waits. The caller owns the connections from now on, and no timer is left. */
  takeAll(): HandOff[] {
    const handOffs = [...this.#timers.keys()];
    for (const handOff of handOffs) this.#remove(handOff);
    return handOffs;
  }

  #end(handOff: HandOff): void {
    this.#remove(handOff);
    if (!this.#options.offer(handOff)) this.#options.abandon(handOff);
  }

  #remove(handOff: HandOff): void {
    clearTimeout(this.#timers.get(handOff));
    this.#timers.delete(handOff);
  }
}
