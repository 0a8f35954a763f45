import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Client } from '../e2e/client.js';
import { MemoryHub } from '../e2e/memory-hub.js';
import { handler, serve, until } from '../e2e/serving.js';

const commands = handler('commands.js');

/** An engine that somebody else can publish at, who has seen what servers publish. */
class TappedHub extends MemoryHub {
  readonly seen: Uint8Array[] = [];

  override send(topic: string, bytes: Uint8Array): void {
    if (this.seen.length < 100) this.seen.push(Uint8Array.from(bytes));
    super.send(topic, bytes);
  }
}

/** A change of a message: bytes that are overwritten, cut off or added. */
const change = fc.oneof(
  fc.record({ at: fc.nat(400), byte: fc.nat(255) }).map(({ at, byte }) => (bytes: Uint8Array) => {
    if (at < bytes.length) bytes[at] = byte;
    return bytes;
  }),
  fc.nat(400).map((length) => (bytes: Uint8Array) => bytes.subarray(0, length)),
  fc.uint8Array({ maxLength: 100 }).map((more) => (bytes: Uint8Array) => Buffer.concat([bytes, more])),
);

describe('an engine at which somebody publishes what no server of the fleet does', () => {
  it.each([0, 2])('makes no client close, and keeps nothing right from coming; threads: %i', async (threads) => {
    const hub = new TappedHub();
    hub.maxMessageBytes = 1100;
    await using here = await serve({ handler: commands, threads, backplane: hub.backplane(), deflate: true });
    await using there = await serve({ handler: commands, threads: 0, backplane: hub.backplane() });
    const clients = await Promise.all([
      Client.open(here.url),
      Client.open(here.url, { perMessageDeflate: true }),
      Client.open(here.url),
    ]);
    for (const client of clients) {
      client.run(['subscribe', 'topic'], ['send', 'subscribed']);
      expect(await client.text()).toBe('subscribed');
    }
    await until(() => hub.subscribers('topic') === 1);
    const texts = ['a', 'ä'.repeat(100), 'b'.repeat(200), '𝄞'.repeat(1000), 'c'];
    for (const text of texts) there.server.publish('topic', text);
    for (const client of clients) expect(await client.texts(texts.length)).toEqual(texts);
    const messages = [...hub.seen];
    expect(messages.length).toBeGreaterThan(3); // some are pieces of one

    const forged = fc.sample(
      fc.tuple(fc.nat(messages.length - 1), fc.array(change, { minLength: 1, maxLength: 3 })),
      20_000,
    );
    for (const [i, [which, changes]] of forged.entries()) {
      let bytes = Uint8Array.from(messages[which] as Uint8Array);
      for (const apply of changes) bytes = Uint8Array.from(apply(bytes));
      hub.send('topic', bytes);
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    there.server.publish('topic', 'the end');
    for (const client of clients) {
      while ((await client.text()) !== 'the end');
      expect(client.socket.readyState).toBe(client.socket.OPEN);
    }
    expect(here.server.stats().backplaneRefused).toBeGreaterThan(1000);
    expect(here.server.stats().protocolErrors).toBe(0);
  });
});
