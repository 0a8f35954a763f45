import { describe, expect, it } from 'vitest';
import { encodeRequest, RawClient } from '../e2e/raw-client.js';
import { serve, until } from '../e2e/serving.js';
import { THREADS } from '../e2e/transport.js';
import { handlerOf, statusOf, withstand } from './attack.js';

const handler = handlerOf('paths.js');
const LONG = 32_000;
const DEFLATE = 'permessage-deflate';
const repeated = (text: string, separator: string) =>
  Array.from({ length: LONG / (text.length + separator.length) }, () => text).join(separator);

/** None of these is valid, and none is a reason to refuse the client. */
const DECLINED: readonly (readonly [what: string, offers: string])[] = [
  ['thousands of offers', repeated(`${DEFLATE}; server_max_window_bits=7`, ', ')],
  ['one parameter again and again', `${DEFLATE}; ${repeated('client_max_window_bits', '; ')}`],
  ['thousands of unknown parameters', `${DEFLATE}; ${Array.from({ length: LONG / 8 }, (_, i) => `p${i}`).join('; ')}`],
  ['a number without end', `${DEFLATE}; client_max_window_bits=${'1'.repeat(LONG)}`],
  ['an escaped number without end', `${DEFLATE}; server_max_window_bits="${'\\1'.repeat(LONG / 2)}"`],
  ['parameters of Object.prototype', `${DEFLATE}; __proto__; constructor=10; toString`],
];

describe.each(THREADS)('offers of compression, with threads: %i', (threads) => {
  it('that are invalid are declined, however long they are, and nothing is reserved for them', async () => {
    const deflate = { contextTakeover: true };
    await using served = await serve({ handler, threads, deflate, maxHeaderBytes: 128 * 1024 });
    await withstand(served, async () => {
      for (const [what, offers] of DECLINED) {
        using client = await RawClient.connect(served.port);
        client.socket.write(encodeRequest('/', [`Sec-WebSocket-Extensions: ${offers}`]));
        const response = await client.response;
        expect.soft([what, statusOf(response)]).toEqual([what, 101]);
        expect.soft(response).not.toContain('Sec-WebSocket-Extensions');
      }
    });
    expect(served.server.stats().windowBytes).toBe(0);
  });

  it('are accepted behind thousands that are invalid', async () => {
    await using served = await serve({ handler, threads, deflate: true, maxHeaderBytes: 128 * 1024 });
    using client = await RawClient.connect(served.port);
    const offers = `${repeated(`${DEFLATE}; x`, ', ')}, ${DEFLATE}; client_max_window_bits`;
    client.socket.write(encodeRequest('/', [`Sec-WebSocket-Extensions: ${offers}`]));
    expect(await client.response).toContain(`\r\nSec-WebSocket-Extensions: ${DEFLATE}; server_no_context_takeover;`);
  });

  it('of clients that reset at once leave all windows to others', async () => {
    // There is memory for the windows of 16.
    const deflate = { contextTakeover: true, windowBits: 15, maxMemoryBytes: 2 ** 20 };
    const offer = encodeRequest('/', [`Sec-WebSocket-Extensions: ${DEFLATE}; client_max_window_bits`]);
    await using served = await serve({ handler, threads, deflate });
    for (let i = 0; i < 100; i++) {
      const client = await RawClient.connect(served.port);
      client.socket.write(offer);
      if (i % 2 === 0) await client.response;
      client.reset();
    }
    await until(() => served.server.stats().connections === 0 && served.server.stats().httpConnections === 0);
    await until(() => served.server.stats().windowBytes === 0);
    const clients: RawClient[] = [];
    try {
      for (let i = 0; i < 16; i++) {
        const client = await RawClient.connect(served.port);
        clients.push(client);
        client.socket.write(offer);
        expect(await client.response).toContain(`\r\nSec-WebSocket-Extensions: ${DEFLATE}\r\n`);
      }
    } finally {
      for (const client of clients) client[Symbol.dispose]();
    }
  });
});
