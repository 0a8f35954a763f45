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
  /** Of those that have said something. */
  readonly heard = new Set<Socket>();
  readonly #server = createServer((socket) => {
    this.sockets.push(socket);
    socket.on('error', () => {}).on('data', () => this.heard.add(socket));
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

const SICK: readonly (readonly [what: string, info: object, said: string | undefined])[] = [
  ['says nothing', {}, undefined],
  ['does not answer the handshake of TLS', TLS, greeting(TLS)],
  ['does not answer the credentials', {}, greeting({})],
];

it.each(SICK)(
  'a server of NATS that greets once, and then %s, can be given up, and no socket is left',
  async (_, info, said) => {
    const before = openSockets();
    {
      await using server = new SickServer(info, said);
      const giveUp = new AbortController();
      const failed = failureOf(nats({ servers: await server.address() }), giveUp.signal);
      await until(() => server.sockets.length === 2);
      if (said !== undefined) await until(() => server.heard.has(server.sockets[1] as Socket));
      giveUp.abort();
      expect((await failed).message).toContain('it took too long');
      await until(() => server.sockets.every(({ destroyed }) => destroyed));
    }
    // Fewer, if one of the test before was still closing.
    await until(() => openSockets() <= before);
  },
);
