import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { nats } from '../../dist/backplanes/index.js';
import { until } from '../e2e/serving.js';
import { FakeServer } from './fake-server.js';
import { failureOf, openSockets } from './link.js';

const INFO = { server_id: 'test', version: '2.9.0', proto: 1, max_payload: 1_048_576, headers: true };

/** A server of NATS that greets the first connection as it should, and then says to the others what it is given. */
class SickServer extends FakeServer {
  /** Of those that have said something. */
  readonly heard = new Set<Socket>();

  constructor(info: object, said: string | undefined) {
    super((socket) => {
      socket.on('data', () => this.heard.add(socket));
      const answer = this.sockets.length === 1 ? greeting(info) : said;
      if (answer !== undefined) socket.write(answer);
    });
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
