import { expect, it } from 'vitest';
import { nats } from '../../dist/backplanes/index.js';
import { until } from '../e2e/serving.js';
import { FakeServer } from './fake-server.js';
import { Link } from './link.js';

const INFO = { server_id: 'test', version: '2.9.0', proto: 1, max_payload: 1_048_576, headers: true };

/** A server of NATS that is right about the handshake, and answers each PING. */
class PoliteServer extends FakeServer {
  constructor() {
    super((socket) => {
      socket.write(`INFO ${JSON.stringify(INFO)}\r\n`);
      socket.on('data', (bytes) => {
        const pings = bytes.toString('latin1').split('PING\r\n').length - 1;
        if (pings > 0) socket.write('PONG\r\n'.repeat(pings));
      });
    });
  }

  /** Says something on the connection that was made last. */
  say(bytes: string): void {
    this.sockets.at(-1)?.write(bytes);
  }
}

it.each([
  ['bytes that are no command', '\0\0\0\0'],
  ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['a message without a length', 'MSG wsloom.a 1\r\n'],
  ['a message of more than 64 MiB', 'MSG wsloom.a 1 99999999999\r\n'],
  ['an INFO that is no JSON', 'INFO {"max_payload":\r\n'],
  ['an INFO that is null', 'INFO null\r\n'],
  ['a line that has no end', `MSG ${'x'.repeat(3 * 1024 * 1024)}`],
  ['an error that has no end', `-ERR ${'x'.repeat(3 * 1024 * 1024)}`],
])('a server of NATS that says %s is lost at once, and nothing more is read from it', async (_, said) => {
  await using server = new PoliteServer();
  await using link = await Link.to(nats({ servers: await server.address() }));
  await link.connection.subscribe(['a']);
  server.say(said);
  await until(() => link.losses.length > 0);
  expect(link.losses[0]?.message).toMatch(/^NATS at .*: what it says cannot be read: /);
  await until(() => server.sockets.every(({ destroyed }) => destroyed));
  expect(link.losses).toHaveLength(1);
});
