import { describe, expect, it } from 'vitest';
import { Client } from './client.js';
import { expectBytes, pattern } from './pattern.js';
import { handler, serve } from './serving.js';
import { eachWay, onlyOnce } from './thread-counts.js';

const SIZES = [0, 5, 125, 126, 5000, 8191, 8192, 65_535, 65_536, 20, 300_000, 1, 70_000, 7];

/** What `handlers/mixing.js` sends at this place of its order. */
function numbered(i: number): Buffer {
  return Buffer.from(`${i}:`.padEnd(Math.max(SIZES[i % SIZES.length] as number, 8), '.'));
}

async function expectOrder(client: Client): Promise<void> {
  for (let i = 0; i < 60; i++) {
    const { bytes, isBinary } = await client.next();
    expectBytes(bytes, numbered(i), `message ${i}`);
    expect(isBinary).toBe(i % 4 !== 0);
  }
}

describe.each(eachWay(1))('what is sent, with threads: %i', (threads) => {
  it.each(['callback', 'timers', 'awaits'])(
    'arrives in the order of the calls, however large: from %s',
    async (mode) => {
      await using served = await serve({ handler: handler('mixing.js'), threads });
      const clients = await Promise.all([1, 2, 3].map(() => Client.open(served.url)));
      const [first] = clients as [Client];
      first.send(JSON.stringify({ to: 'self', mode }));
      await expectOrder(first);
      first.send(JSON.stringify({ to: 'all', mode }));
      for (const client of clients) await expectOrder(client);
      for (const client of clients) expect(client.rest).toEqual([]);
    },
  );

  it('can be one message, forwarded to several connections, and twice to each', async () => {
    await using served = await serve({ handler: handler('mixing.js'), threads });
    const clients = await Promise.all([1, 2, 3].map(() => Client.open(served.url)));
    const [, sender] = clients as [Client, Client];
    const messages = [1, 100, 126, 8192, 20_000, 65_536, 300_000, 1_500_000].map((size) => pattern(size, size));
    for (const message of messages) sender.send(message);
    for (const client of clients) await expectForwarded(client, messages);
  });

  it('can be forwarded to a connection that does not read, and to one that does', async () => {
    await using served = await serve({ handler: handler('mixing.js'), threads, maxBackpressureBytes: 2 ** 30 });
    const [reader, sleeper, sender] = await Promise.all([
      Client.open(served.url),
      Client.open(served.url),
      Client.open(served.url),
    ]);
    sleeper.socket.pause();
    const messages = Array.from({ length: 12 }, (_, i) => pattern(i, 1_500_000 + i));
    for (const message of messages) sender.send(message);
    await expectForwarded(reader, messages);
    await expectForwarded(sender, messages);
    sleeper.socket.resume();
    await expectForwarded(sleeper, messages);
  });
});

describe.each(onlyOnce)('what can be sent', () => {
  it('is memory of every kind, which is free again when send returns', async () => {
    await using served = await serve({ handler: handler('commands.js'), threads: 0 });
    using client = await Client.open(served.url);
    const kinds = ['ArrayBuffer', 'DataView', 'Float64Array', 'BigInt64Array', 'Buffer'];
    for (const kind of [...kinds, 'SharedArrayBuffer', 'SharedUint8Array']) {
      for (const times of [0, 1, 2000, 500_000]) {
        client.run(['sendAs', kind, times]);
        const { bytes, isBinary } = await client.next();
        expect(isBinary).toBe(true);
        expectBytes(bytes, Buffer.alloc(8 * times, 1), kind);
      }
    }
  });

  it('is a string of any kind; half a character becomes U+FFFD', async () => {
    await using served = await serve({ handler: handler('commands.js'), threads: 0 });
    using client = await Client.open(served.url);
    const texts = ['', 'é', '\u0000', '\ufeff', '\ud800', 'a\udc00b', '😀', '\u2028'];
    for (const text of texts) {
      for (const times of [1, 13, 41, 42, 43, 3000, 100_000]) {
        client.run(['send', text.repeat(times)]);
        const { bytes, isBinary } = await client.next();
        expect(isBinary).toBe(false);
        expectBytes(bytes, Buffer.from(text.repeat(times)), JSON.stringify(text));
      }
    }
  });

  it('is nothing else', async () => {
    for (const wrong of [null, 5, true, {}, [1, 2]]) {
      await using served = await serve({ handler: handler('commands.js'), threads: 0 });
      using client = await Client.open(served.url);
      client.run(['send', wrong]);
      expect(await client.closed).toMatchObject({ code: 1011 });
      await served.log.line(/TypeError: only a string, an ArrayBuffer, a typed array or a Message can be sent, got /);
    }
  });
});

async function expectForwarded(client: Client, messages: readonly Buffer[]): Promise<void> {
  for (const message of messages) {
    expect(await client.text()).toBe('in front');
    expectBytes((await client.next()).bytes, message);
    expect(await client.text()).toBe('between');
    expectBytes((await client.next()).bytes, message);
    expect(await client.text()).toBe('behind');
  }
}
