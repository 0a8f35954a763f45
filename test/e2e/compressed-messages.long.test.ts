import { afterEach, describe, expect, test } from 'vitest';
import { type ClientConnection, type ClientOptions, connect } from '../../dist/client/index.js';
import { publish, type ServerOptions } from '../../dist/index.js';
import { Client } from './client.js';
import { KIB, MODES } from './compressing.js';
import { builtIn, handler, until } from './serving.js';
import { TRUST } from './transport.js';

type Offer = NonNullable<ClientOptions['deflate']>;

const SETTINGS: readonly (readonly [string, NonNullable<ServerOptions['deflate']>, Offer])[] = [
  ['the defaults', true, true],
  ['takeover of small windows', { contextTakeover: true, windowBits: 9, thresholdBytes: 0 }, { contextTakeover: true }],
  [
    'takeover of full windows, and zlib',
    { contextTakeover: true, windowBits: 15, level: 'small', kernel: 'native' },
    { contextTakeover: true, windowBits: 15, fullWindows: true, thresholdBytes: 0 },
  ],
  ['a client that compresses nothing', { contextTakeover: true }, false],
];

const clients: ClientConnection[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.terminate();
});

/** A client that keeps what it gets. */
async function come(url: string, deflate: Offer, got: string[] = []) {
  const { ca } = TRUST;
  const client = await connect(url, { deflate, ca, message: (_, message) => void got.push(message.text()) });
  clients.push(client);
  return { client, got };
}

/** Words that are much alike, and from time to time none. */
function textOf(length: number, seed: number): string {
  let state = seed;
  let text = '';
  while (text.length < length) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    text += state % 97 === 0 ? String.fromCodePoint(0x100 + (state >>> 17)) : `{"id":${state >>> 20},"name":"någon"},`;
  }
  return text.slice(0, length);
}

const LENGTHS = [0, 1, 125, 126, 127, 128, 1000, 4095, 4096, 4097, 20_000, 70_000, 300 * KIB];

describe.each(MODES)('%s', (_mode, begin) => {
  test.each(SETTINGS)('every message comes back as it was sent, with %s', async (_settings, deflate, offered) => {
    const server = await begin({ handler: builtIn('echo'), deflate });
    try {
      const { client, got } = await come(urlOf(server), offered);
      const sent = [...LENGTHS, ...LENGTHS.toReversed(), ...LENGTHS].map((length, i) => textOf(length, i + 1));
      for (const [i, text] of sent.entries()) client.send(text, { compress: i % 5 !== 3 });
      await until(() => got.length >= sent.length || !client.isOpen);
      expect(got.map((text, i) => text === sent[i])).toEqual(sent.map(() => true));
      expect(client.deflate === undefined).toBe(offered === false);
    } finally {
      await server.end();
    }
  });

  test('what is published comes to everybody in order, and so does what each is sent between', async () => {
    const server = await begin({
      handler: handler('publishing-and-echoing.js'),
      deflate: { contextTakeover: true, thresholdBytes: 16 },
    });
    try {
      const offers = [false, true, { contextTakeover: true }, { contextTakeover: true, windowBits: 9 }] as const;
      const all = await Promise.all(offers.map((offer) => come(urlOf(server), offer)));
      // A client may know of its connection before the handler does, which subscribes it.
      for (const { client } of all) client.send('own opened');
      for (const { got } of all) {
        await until(() => got.length === 1);
        got.length = 0;
      }
      const [publisher] = all as [(typeof all)[0]];
      const sent = Array.from({ length: 40 }, (_, i) => `${i}:${textOf(LENGTHS[i % 11] as number, i)}`);
      for (const text of sent) {
        publisher.client.send(`all ${text}`);
        for (const { client } of all) client.send(`own ${text}`);
      }
      for (const { got, client } of all) {
        await until(() => got.length >= 2 * sent.length || !client.isOpen);
        for (const kind of ['all', 'own']) {
          const its = got.filter((text) => text.startsWith(kind));
          expect(its.map((text, i) => text === `${kind} ${sent[i]}`)).toEqual(sent.map(() => true));
        }
      }
    } finally {
      await server.end();
    }
  });

  test('what the handler publishes comes compressed, and what is published beside the server', async () => {
    const server = await begin({ handler: handler('publishing-and-echoing.js'), deflate: true });
    try {
      using client = await Client.open(urlOf(server), { perMessageDeflate: true });
      const read = () => (client.socket as unknown as { _socket: { bytesRead: number } })._socket.bytesRead;
      const before = read();
      client.send(`all ${'x'.repeat(2000)}`);
      expect(await client.text()).toBe(`all ${'x'.repeat(2000)}`);
      publish('all', 'y'.repeat(2000));
      expect(await client.text()).toBe('y'.repeat(2000));
      expect(read() - before).toBeLessThan(2000); // with the tickets of TLS
    } finally {
      await server.end();
    }
  });
});

function urlOf({ port, isSecure }: { readonly port: number; readonly isSecure: boolean }): string {
  return `${isSecure ? 'wss' : 'ws'}://localhost:${port}/`;
}
