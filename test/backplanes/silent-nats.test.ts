import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { nats } from '../../dist/backplanes/index.js';
import { until } from '../e2e/serving.js';
import { failureOf, openSockets } from './link.js';

const INFO = { server_id: 'test', version: '2.9.0', proto: 1, max_payload: 1_048_576, headers: true };

/** A server of NATS that greets the first connection as it should, and then says to the others what it is given. */
class SickServer implements AsyncDisposable {
  readonly sockets: Socket[] = [];
  readonly #server = createServer((socket) => {
    this.sockets.push(socket.on('error', () => {}));
    const said = this.sockets.length === 1 ? greeting(this.#info) : this.#said;
    if (said !== undefined) socket.write(said);
  });
  readonly #info: object;
  readonly #said: string | undefined;

  constructor(info: object, said: string | undefined) {
    this.#info = info;
    this.#said = said;
  }

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

const greeting = (info: object) => `INFO ${JSON.stringify({ ...INFO, ...info })}\r\n`;
const TLS = { tls_required: true };

it.each([
  ['says nothing', {}, undefined],
  ['does not answer the handshake of TLS', TLS, greeting(TLS)],
  ['does not answer the credentials', {}, greeting({})],
])('a server of NATS that greets once, and then %s, can be given up, and no socket is left behind', async (...about) => {
  const [, info, said] = about;
  const before = openSockets();
  {
    await using server = new SickServer(info, said);
    const giveUp = new AbortController();
    const failed = failureOf(nats({ servers: await server.address() }), giveUp.signal);
    await until(() => server.sockets.length === 2);
    // It has answered, or never will.
    if (said !== undefined) await once(server.sockets[1] as Socket, 'data');
    giveUp.abort();
    expect((await failed).message).toContain('it took too long');
    await until(() => server.sockets.every(({ destroyed, readableEnded }) => destroyed || readableEnded));
  }
  await until(() => openSockets() === before);
});
