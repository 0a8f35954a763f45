import type { Duplex } from 'node:stream';

/** How long a client that got a last response may take to close its side, in ms. */
const LINGER_MS = 2000;

/** The most sockets that linger at once. For a newcomer the oldest is destroyed. */
const MAX_LINGERING = 64;

/**
 * Sockets that got a last response. Bytes that their clients still send are discarded, until the clients close too, or their time
 * is over.
 */
export class LingeringSockets {
  readonly #sockets = new Set<Duplex>();
  readonly #onTaken: (socket: Duplex) => void;

  /** @param onTaken is called with each socket that lingers from now on, and counts as nothing else any more. */
  constructor(onTaken: (socket: Duplex) => void = () => {}) {
    this.#onTaken = onTaken;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Sends a last response, and lets the socket linger. */
  end(socket: Duplex, response: string): void {
    socket.end(response);
    this.add(socket);
  }

  /** Lets a socket linger to which the caller sends the last response. */
  add(socket: Duplex): void {
    this.#onTaken(socket);
    if (socket.destroyed || this.#sockets.has(socket)) return;
    socket.resume();
    for (const oldest of this.#sockets) {
      if (this.#sockets.size < MAX_LINGERING) break;
      this.#sockets.delete(oldest);
      oldest.destroy();
    }
    this.#sockets.add(socket);
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
    socket.once('close', () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    });
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
