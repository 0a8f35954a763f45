import { expect, it } from 'vitest';
import type { ServerOptions } from '../../dist/index.js';
import { answerTo } from '../hostile/attack.js';
import { closeStatus, encodeFrame, encodeRequest, Opcode, RawClient } from './raw-client.js';
import { builtIn, type Served, serve } from './serving.js';

type Provoke = (served: Served) => Promise<string>;

/** What a client of an HTTP request is told. */
const told =
  (request: string): Provoke =>
  ({ port }) =>
    answerTo(port, request);

/** What a client that sends these frames is told by the Close. */
const closed =
  (...frames: readonly Buffer[]): Provoke =>
  async ({ port }) => {
    using client = await RawClient.open(port);
    client.socket.write(Buffer.concat(frames));
    const { code, reason } = closeStatus(await client.next());
    return `${code} ${reason}`;
  };

const emptyFragments = [
  encodeFrame(Opcode.TEXT, '', { fin: false }),
  ...Array.from({ length: 3 }, () => encodeFrame(Opcode.CONTINUATION, '', { fin: false })),
];

const cases: readonly (readonly [Omit<ServerOptions, 'handler'>, Provoke, client: RegExp, line: RegExp])[] = [
  [
    { maxHeaderBytes: 512 },
    told(encodeRequest('/', [`X: ${'x'.repeat(1000)}`])),
    /^HTTP\/1\.1 431 [\s\S]*this is no request that can be answered\n$/,
    /: the head of the request is too long \(maxHeaderBytes\)$/,
  ],
  [
    { maxHeaderCount: 8 },
    told(
      `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${Array.from({ length: 8 }, (_, i) => `X-${i}: 1\r\n`).join('')}\r\n`,
    ),
    /^HTTP\/1\.1 431 [\s\S]*a request may have at most 8 headers\n$/,
    /: 9 headers \(maxHeaderCount\)$/,
  ],
  [
    { handshakeTimeoutMs: 100 },
    told('GET / HTTP/1.1\r\nHost: local'),
    /^HTTP\/1\.1 408 [\s\S]*this is no request that can be answered\n$/,
    /: the request was not whole in time \(handshakeTimeoutMs\)$/,
  ],
  [
    { maxPayloadBytes: 10 },
    closed(encodeFrame(Opcode.TEXT, 'x'.repeat(20))),
    /^1009 message of 20 bytes, at most 10 are allowed$/,
    /: message of 20 bytes, at most 10 are allowed \(maxPayloadBytes\)$/,
  ],
  [
    { maxConsecutiveEmptyFragments: 2 },
    closed(...emptyFragments),
    /^1008 more than 2 empty fragments in a row$/,
    /: more than 2 empty fragments in a row \(maxConsecutiveEmptyFragments\)$/,
  ],
];

it.each(cases)(
  'the log names the option of a limit, and the client is not told of it: %j',
  async (...[options, provoke, client, line]) => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0, ...options });
    expect(await provoke(served)).toMatch(client);
    expect(await served.log.line(/./)).toMatch(line);
  },
);

it('the log says which rule of the protocol a client has broken, and the client is told the same', async () => {
  await using served = await serve({ handler: builtIn('echo'), threads: 0 });
  const unmasked = Buffer.of(0x81, 0x01, 0x78);
  expect(await closed(unmasked)(served)).toBe('1002 frame without a mask (RFC 6455 section 5.1)');
  expect(await served.log.line(/./)).toMatch(/: frame without a mask \(RFC 6455 section 5\.1\)$/);
});

it('the log says what a proxy or a client of TLS has sent instead of a request', async () => {
  await using served = await serve({ handler: builtIn('echo'), threads: 0 });
  await answerTo(served.port, 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n');
  await served.log.line(/: refused: malformed request or opening handshake: this is the PROXY protocol, /);
});
