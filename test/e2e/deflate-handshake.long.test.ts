import { describe, expect, it } from 'vitest';
import { Client } from './client.js';
import { CHROME, Clients, KIB, MODES, served } from './compressing.js';
import { until } from './serving.js';

const TAKEOVER = { deflate: { contextTakeover: true } } as const;
const FIREFOX = 'permessage-deflate';
const WITH_WINDOWS = 'permessage-deflate; client_max_window_bits=12';

describe.each(MODES)('compression is negotiated: %s', (_, begin) => {
  it('with those who offer it, if the hook does not mind, and what is reserved comes back', async () => {
    const running = await begin(TAKEOVER);
    try {
      using clients = new Clients(running);
      expect(await clients.offer(CHROME)).toBe(WITH_WINDOWS);
      expect(await clients.offer(FIREFOX, '/later')).toBe('permessage-deflate; client_no_context_takeover');
      expect(await clients.offer(CHROME, '/plain')).toBeUndefined();
      expect(await clients.offer('x-webkit-deflate-frame')).toBeUndefined();
      expect(await clients.offer(CHROME, '/refused')).toBe('401');
      await until(() => running.stats().connections === 4);
      const { compressed, windowBytes } = running.stats();
      expect([compressed, windowBytes]).toEqual([2, 12 * KIB]);
      // Messages that are not compressed go as ever, on all of them.
      for (const client of clients.all.slice(0, 4)) {
        client.text('hi');
        expect(String((await client.next()).payload)).toBe('hi');
      }
      clients[Symbol.dispose]();
      await until(() => running.stats().connections === 0);
      const left = running.stats();
      expect([left.compressed, left.windowBytes]).toEqual([0, 0]);
    } finally {
      await running.end();
    }
  });
});

describe('the client ws', () => {
  it.each([
    ['with its defaults', true, 8],
    ['that wants small windows', { serverMaxWindowBits: 10, clientMaxWindowBits: 11 }, 3],
    ['that keeps nothing', { serverNoContextTakeover: true, clientNoContextTakeover: true }, 0],
  ])('%s agrees, and its windows are what it wants', async (_, perMessageDeflate, kibibytes) => {
    const running = await served({})(TAKEOVER);
    try {
      // It ends the connection if an answer does not fit its offer.
      using client = await Client.open(`ws://127.0.0.1:${running.port}/`, { perMessageDeflate });
      expect(client.socket.extensions).toBe('permessage-deflate');
      await until(() => running.stats().windowBytes === kibibytes * KIB);
    } finally {
      await running.end();
    }
  });
});

it('a server that is not asked to compress does not', async () => {
  const running = await served({})({});
  try {
    using clients = new Clients(running);
    expect(await clients.offer(CHROME)).toBeUndefined();
    await until(() => running.stats().connections === 1);
    expect(running.stats().compressed).toBe(0);
  } finally {
    await running.end();
  }
});
