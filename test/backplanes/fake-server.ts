import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A server in place of an engine, on a port of 127.0.0.1, which says what a test wants. */
export class FakeServer implements AsyncDisposable {
  /** All that have connected, in their order. */
  readonly sockets: Socket[] = [];
  readonly #server = createServer((socket) => {
    this.sockets.push(socket);
    socket.on('error', () => {}); // 'close' follows
    this.#onSocket(socket);
  });
  readonly #onSocket: (socket: Socket) => void;

  /** @param onSocket is given each new connection. */
  constructor(onSocket: (socket: Socket) => void) {
    this.#onSocket = onSocket;
  }

  /** Begins to listen. */
  async address(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}
