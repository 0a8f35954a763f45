import { expect, it } from 'vitest';
import { nats, redis } from '../../dist/backplanes/index.js';
import { until } from '../e2e/serving.js';
import { FakeServer } from './fake-server.js';
import { failureOf } from './link.js';

/** What a server says to everybody: at once, and when it is asked something. */
interface Sayings {
  readonly greeting?: string;
  readonly answer?: string;
}

const talkingServer = ({ greeting, answer }: Sayings) =>
  new FakeServer((socket) => {
    if (greeting !== undefined) socket.write(greeting);
    socket.on('data', () => {
      if (answer !== undefined) socket.write(answer);
    });
  });

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const HTTP = 'HTTP/1.1 400 Bad Request\r\n\r\n';
const NO_PASSWORD = '-NOAUTH HELLO must be called with the client already authenticated, otherwise …\r\n';

it.each([
  ['greets like one of NATS', { greeting: 'INFO {"server_id":"test"}\r\n' }, 'what answers is no server of Redis'],
  ['speaks HTTP', { answer: HTTP }, 'what answers is no server of Redis'],
  ['is too old', { answer: "-ERR unknown command 'HELLO'\r\n" }, 'Redis 6 or later is needed'],
  [
    'refuses what is no TLS',
    { answer: '\x15\x03\x01\x00\x02\x02\x28' },
    'what answers speaks TLS, and was asked without',
  ],
  ['demands a password', { answer: NO_PASSWORD }, 'it demands a password, and none was given'],
])('a server that is asked for Redis, and %s, is told by the error', async (_, says, message) => {
  await using server = talkingServer(says);
  const address = await server.address();
  const error = await failureOf(redis({ nodes: address }));
  expect(error).toMatchObject({ name: 'BackplaneError', message: expect.stringContaining(`Redis at ${address}: `) });
  expect(error.message).toContain(message);
});

it.each([
  ['Redis', (nodes: string) => redis({ nodes }), 'there is a connection, and no answer'],
  [
    'Redis with TLS',
    (nodes: string) => redis({ nodes, tls: true }),
    'there is no connection with TLS: does it speak TLS at this port?',
  ],
  ['NATS', (servers: string) => nats({ servers }), 'it says nothing, which a server of NATS does first: is it one?'],
  [
    'NATS with TLS',
    (servers: string) => nats({ servers, tls: true }),
    'it says nothing, which a server of NATS does first: is it one?',
  ],
])(
  'a server that is asked for %s, and is silent, is told by the error when it is given up',
  async (_, make, message) => {
    await using server = talkingServer({});
    const address = await server.address();
    const giveUp = new AbortController();
    const failed = failureOf(make(address), giveUp.signal);
    await until(() => server.sockets.length > 0);
    // The other end of the connection is in this process, and learns of it when sockets are looked at next.
    for (let i = 0; i < 3; i++) await turn();
    giveUp.abort();
    expect((await failed).message).toContain(`${address}: it took too long: ${message}`);
  },
);

it.each([
  ['Redis', (nodes: string) => redis({ nodes })],
  ['NATS', (servers: string) => nats({ servers })],
])('a connection for %s that is given up before it is there is told by the error', async (_, make) => {
  const giveUp = new AbortController();
  const failed = failureOf(make('127.0.0.1:9'), giveUp.signal);
  giveUp.abort();
  expect((await failed).message).toMatch(/it took too long/);
});
