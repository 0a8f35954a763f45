import type { Duplex } from 'node:stream';

/** How long a client that got a last response may take to close its side, in ms. */
const LINGER_MS = 2000;

/** Sockets that got a last response: what their clients still send is discarded, until they close too, or their time is over. */
export class Lingering {
  readonly #sockets = new Set<Duplex>();

  /** Sends a last response. */
  end(socket: Duplex, response: string): void {
    socket.end(response);
    this.add(socket);
  }

  /** Bounds how long a socket stays that gets its last response from somebody else. */
  add(socket: Duplex): void {
    socket.resume();
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
