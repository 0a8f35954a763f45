import { setTimeout as pass } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Client } from '../e2e/client.js';
import { expectBytes, pattern } from '../e2e/pattern.js';
import { closeStatus, encodeFrame, Opcode, RawClient } from '../e2e/raw-client.js';
import { serve, until } from '../e2e/serving.js';
import { THREADS } from '../e2e/transport.js';
import { handlerOf, withstand } from './attack.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const handler = handlerOf('paths.js');

describe.each(THREADS)('a client that never reads, with threads: %i', (threads) => {
  it('may send pings: all are read, and the pongs that wait are one', async () => {
    await using served = await serve({ handler, threads });
    const ping = encodeFrame(Opcode.PING, Buffer.alloc(125, 1));
    const pings = Buffer.concat(Array.from({ length: 1000 }, () => ping));
    const attack = async () => {
      using client = await RawClient.open(served.port);
      client.socket.pause();
      const before = served.server.stats().bytesIn;
      for (let i = 0; i < 50; i++) {
        if (!client.socket.write(pings)) await new Promise((resolve) => client.socket.once('drain', resolve));
      }
      await until(() => served.server.stats().bytesIn - before >= 50 * pings.length);
    };
    await withstand(served, attack, { bufferedBytes: MIB });
  });

  it('may send what is echoed until that waits for it, and is dropped when it goes on not to read', async () => {
    await using served = await serve({ handler, threads, stallTimeoutMs: 200 });
    const attack = async () => {
      using client = await RawClient.open(served.port);
      client.socket.pause();
      const message = encodeFrame(Opcode.BINARY, Buffer.alloc(MIB, 1));
      for (let i = 0; i < 40; i++) client.socket.write(message);
      await until(() => served.server.stats().limits.stalls === 1);
    };
    await withstand(served, attack, { residentBytes: 256 * MIB, bufferedBytes: 6 * MIB });
    expect(served.server.stats().messagesIn).toBeGreaterThan(1);
  });

  it('may let each of thousands of small messages be answered with 64 KiB', async () => {
    await using served = await serve({ handler, threads, stallTimeoutMs: 200 });
    const messages = Buffer.concat(Array.from({ length: 5000 }, () => encodeFrame(Opcode.TEXT, 'x')));
    const attack = async () => {
      using client = await RawClient.open(served.port, '/answer-64k');
      client.socket.pause();
      client.socket.write(messages);
      await until(() => served.server.stats().limits.stalls === 1);
    };
    await withstand(served, attack, { bufferedBytes: 4 * MIB });
  });

  it('and reads at last gets every answer', async () => {
    await using served = await serve({ handler, threads });
    const messages = Buffer.concat(Array.from({ length: 1000 }, () => encodeFrame(Opcode.TEXT, 'x')));
    const attack = async () => {
      using client = await RawClient.open(served.port, '/answer-64k');
      client.socket.pause();
      client.socket.write(messages);
      await until(() => served.server.stats().bufferedBytes >= MIB);
      client.socket.resume();
      const answer = Buffer.alloc(64 * KIB, 7);
      for (let i = 0; i < 1000; i++) {
        if (!(await client.next()).payload.equals(answer)) throw new Error(`answer ${i} has other bytes`);
      }
    };
    await withstand(served, attack, { residentBytes: 256 * MIB, bufferedBytes: 4 * MIB });
  });

  it('is closed with 1013 when too much is published to it', async () => {
    await using served = await serve({ handler, threads, maxBackpressureBytes: MIB });
    const attack = async () => {
      using slow = await RawClient.open(served.port, '/subscribe');
      slow.socket.pause();
      using publisher = await Client.open(`${served.url}/publish`);
      for (let i = 0; served.server.stats().limits.slowConsumers === 0; i++) {
        expect(i).toBeLessThan(100);
        publisher.send(JSON.stringify({ count: 10, size: 64 * KIB }));
        await publisher.text();
      }
      slow.socket.resume();
      let frame = await slow.next();
      for (; frame.opcode === Opcode.BINARY; frame = await slow.next()) expect(frame.payload).toHaveLength(64 * KIB);
      expect(closeStatus(frame).code).toBe(1013);
    };
    await withstand(served, attack, { bufferedBytes: 3 * MIB });
    expect(served.server.stats().limits).toMatchObject({ slowConsumers: 1, droppedMessages: 0 });
  });

  it('does not get what is published beyond the limit, if so configured, and stays', async () => {
    await using served = await serve({ handler, threads, maxBackpressureBytes: MIB, slowConsumer: 'drop' });
    const attack = async () => {
      using slow = await RawClient.open(served.port, '/subscribe');
      slow.socket.pause();
      using publisher = await Client.open(`${served.url}/publish`);
      let published = 0;
      for (; served.server.stats().limits.droppedMessages < 50; published += 10) {
        expect(published).toBeLessThan(2000);
        publisher.send(JSON.stringify({ count: 10, size: 64 * KIB }));
        await publisher.text();
      }
      slow.socket.resume();
      const dropped = served.server.stats().limits.droppedMessages;
      for (let i = 0; i < published - dropped; i++) expect((await slow.next()).payload).toHaveLength(64 * KIB);
      publisher.send(JSON.stringify({ count: 1, size: 5 }));
      expect((await slow.next()).payload).toHaveLength(5);
    };
    await withstand(served, attack, { bufferedBytes: 3 * MIB });
    expect(served.server.stats().limits.slowConsumers).toBe(0);
  });

  it('before it has written everything survives, though that takes longer than the heartbeat', async () => {
    const heartbeatIntervalMs = 250;
    await using served = await serve({ handler, threads, heartbeatIntervalMs });
    // More than the server takes before it pauses.
    const messages = Array.from({ length: 16 }, (_, i) => pattern(i, MIB));
    const frames = messages.map((message) => encodeFrame(Opcode.BINARY, message));
    const attack = async () => {
      using client = await RawClient.open(served.port);
      client.socket.pause();
      for (const frame of frames) client.socket.write(frame);
      // It sends nothing more, and takes nothing, for several heartbeats. The test is about that time.
      await pass(4 * heartbeatIntervalMs);
      client.socket.resume();
      for (const message of messages) expectBytes((await nextMessage(client)).payload, message);
    };
    await withstand(served, attack, { residentBytes: 256 * MIB, bufferedBytes: 6 * MIB });
    expect(served.server.stats().limits).toMatchObject({ heartbeatTimeouts: 0, stalls: 0 });
  });
});

/** The next message, without the server's pings. */
async function nextMessage(client: RawClient) {
  let frame = await client.next();
  while (frame.opcode === Opcode.PING) frame = await client.next();
  return frame;
}

describe.each(THREADS)('a flood of small messages, with threads: %i', (threads) => {
  it('of one client keeps nobody from being served, or from coming', async () => {
    await using served = await serve({ handler, threads });
    const messages = Buffer.concat(Array.from({ length: 200_000 }, () => encodeFrame(Opcode.TEXT)));
    await withstand(served, async () => {
      using bystander = await RawClient.open(served.port);
      using flooding = await RawClient.open(served.port, '/busy');
      const before = served.server.stats().messagesIn;
      flooding.socket.write(messages); // which take 4 s
      await until(() => served.server.stats().messagesIn > before);
      for (let i = 0; i < 5; i++) {
        bystander.text(`${i}`);
        expect(String((await bystander.next()).payload)).toBe(`${i}`);
        using newcomer = await RawClient.open(served.port);
        newcomer.text('hello');
        expect(String((await newcomer.next()).payload)).toBe('hello');
      }
      expect(served.server.stats().messagesIn - before).toBeLessThan(150_000);
      flooding.reset();
    });
  });
});
