import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const CHANNEL = 'net.client.socket';

/**
 * The sockets that a client opens while it connects, for a client that leaves them open when it is given up. Node tells of each socket that is
 * made, and in whose name.
 */
export class OwnedSockets {
  readonly #owner = new AsyncLocalStorage<OwnedSockets>();
  readonly #sockets = new Set<Socket>();
  readonly #note = (message: unknown) => {
    if (this.#owner.getStore() === this) this.#sockets.add((message as { readonly socket: Socket }).socket);
  };

  /** Runs something that opens sockets, and knows these as long as its promise is not settled. */
  async during<Result>(open: () => Promise<Result>): Promise<Result> {
    subscribe(CHANNEL, this.#note);
    try {
      return await this.#owner.run(this, open);
    } finally {
      unsubscribe(CHANNEL, this.#note);
      this.#owner.disable(); // it makes every promise of the thread more expensive
      this.#sockets.clear();
    }
  }

  /** Ends them, at once. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
