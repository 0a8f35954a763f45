import { describe, expect, it } from 'vitest';
import { Client } from './client.js';
import { expectBytes, pattern, textPattern } from './pattern.js';
import { closeStatus, encodeHeader, Opcode, RawClient } from './raw-client.js';
import { builtIn, serve, until } from './serving.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZES = [0, 1, 2, 3, 4, 5, 63, 64, 65, 125, 126, 127, 8191, 8192, 8193, 65_535, 65_536, 65_537];
const LARGE_SIZES = [256 * KIB - 15, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, MIB, MIB + 1, 2 * MIB + 3];

describe.each([0, 2])('an echo server with threads: %i', (threads) => {
  it('returns binary messages of every size class byte by byte', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await Client.open(served.url);
    for (const size of [...SIZES, ...LARGE_SIZES]) {
      const sent = pattern(size, size);
      client.send(sent);
      const { bytes, isBinary } = await client.next();
      expect(isBinary).toBe(true);
      expectBytes(bytes, sent);
    }
  });

  it('returns texts of every size class byte by byte', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await Client.open(served.url);
    for (const size of [...SIZES, ...LARGE_SIZES]) {
      const sent = textPattern(size, size);
      client.send(String(sent));
      const { bytes, isBinary } = await client.next();
      expect(isBinary).toBe(false);
      expectBytes(bytes, sent);
    }
  });

  it('returns all of what was sent at once, in order', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await Client.open(served.url);
    const sent = Array.from({ length: 3000 }, (_, i) => pattern(i, (i * 7) % 700));
    for (const message of sent) client.send(message);
    for (const message of sent) expectBytes((await client.next()).bytes, message);
  });

  it('returns a message of maxPayloadBytes and refuses one more byte with 1009 when its header has come', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await Client.open(served.url);
    const largest = pattern(16, 16 * MIB);
    client.send(largest);
    expectBytes((await client.next()).bytes, largest);

    using raw = await RawClient.open(served.port);
    raw.socket.write(encodeHeader(0x80 | Opcode.BINARY, 16 * MIB + 1)); // not even its masking key
    expect(closeStatus(await raw.next())).toEqual({
      code: 1009,
      reason: `message of ${16 * MIB + 1} bytes, at most ${16 * MIB} are allowed`,
    });
    await raw.ended;
    client.send('still here');
    expect(await client.text()).toBe('still here');
    expect(served.server.stats().protocolErrors).toBe(1);
  });

  it('keeps to a maxPayloadBytes of 1, in sum over fragments', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads, maxPayloadBytes: 1 });
    using raw = await RawClient.open(served.port);
    raw.frame(Opcode.TEXT, 'a');
    expect(await raw.next()).toEqual({ fin: true, opcode: Opcode.TEXT, payload: Buffer.from('a') });
    raw.frame(Opcode.BINARY, 'b', { fin: false });
    raw.frame(Opcode.CONTINUATION, '', { fin: false });
    raw.frame(Opcode.CONTINUATION, 'c');
    expect(closeStatus(await raw.next()).code).toBe(1009);
    await raw.ended;
    raw.socket.end();
    await raw.closed;
    expect(raw.rest).toEqual([]);
  });
});

describe.each(['js', 'wasm', 'native', 'auto'] as const)('the kernel %s', (kernel) => {
  it('returns bytes and text', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0, kernel });
    expect(served.server.kernel).toBe(kernel);
    using client = await Client.open(served.url);
    for (const size of [...SIZES, 300 * KIB]) {
      client.send(pattern(size, size));
      client.send(String(textPattern(size, size)));
      expectBytes((await client.next()).bytes, pattern(size, size));
      expectBytes((await client.next()).bytes, textPattern(size, size));
    }
  });
});

describe('many connections', () => {
  it('get back their own bytes each, and are spread over both threads', async () => {
    await using served = await serve({ handler: builtIn('echo') });
    const clients = await Promise.all(Array.from({ length: 500 }, () => Client.open(served.url)));
    const sizes = (i: number) => [20, 126 + i, 3000 + i, i % 10 === 0 ? 100_000 + i : i];
    await Promise.all(
      clients.map(async (client, i) => {
        for (const [round, size] of sizes(i).entries()) client.send(pattern(i * 10 + round, size));
        for (const [round, size] of sizes(i).entries()) {
          expectBytes((await client.next()).bytes, pattern(i * 10 + round, size), `client ${i}`);
        }
      }),
    );
    await until(() => served.server.stats().messagesOut === 2000); // a message is counted after it was written
    const { threads, connections, opened, messagesIn, messagesOut } = served.server.stats();
    expect(threads.map((thread) => thread.connections)).toEqual([250, 250]);
    expect({ connections, opened, messagesIn, messagesOut }).toEqual({
      connections: 500,
      opened: 500,
      messagesIn: 2000,
      messagesOut: 2000,
    });
    const closes = await Promise.all(clients.map((client) => client.close(1000, 'done')));
    expect(closes.every(({ code }) => code === 1000)).toBe(true);
  });
});
