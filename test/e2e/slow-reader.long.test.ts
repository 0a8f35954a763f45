import { describe, expect, it } from 'vitest';
import { Client } from './client.js';
import { expectBytes, pattern } from './pattern.js';
import { encodeFrame, Opcode, RawClient } from './raw-client.js';
import { builtIn, handler, Reports, serve, until } from './serving.js';

const KIB = 1024;
const COUNT = 256;
const SIZE = 256 * KIB;
const HIGH_WATER_MARK = 1024 * KIB;
/** Of what may be queued for a client: how much that is at most is not what these tests are about. */
const UNLIMITED = 2 ** 30;

interface Flooded {
  readonly results: readonly boolean[];
  readonly amounts: readonly number[];
}

/** The client's next messages are those of the flood, each with its own bytes. */
async function expectFlood(client: Client): Promise<void> {
  const expected = Buffer.alloc(SIZE);
  for (let i = 0; i < COUNT; i++) {
    expected.fill(i).writeUInt32BE(i, 0);
    const { bytes } = await client.next();
    if (!bytes.equals(expected)) throw new Error(`message ${i} of the flood has other bytes`);
  }
}

describe.each([0, 1])('a client that does not read, with threads: %i', (threads) => {
  it('is not read either, costs no other connection of its thread anything, and gets all that it was sent', async () => {
    const limits = { highWaterMarkBytes: HIGH_WATER_MARK, maxBackpressureBytes: UNLIMITED };
    await using served = await serve({ handler: handler('flooding.js'), threads, ...limits });
    using reports = new Reports();
    using slow = await Client.open(`${served.url}/slow`);
    using other = await Client.open(`${served.url}/other`);
    slow.socket.pause();
    slow.send(JSON.stringify({ count: COUNT, size: SIZE }));
    const { results, amounts } = (await reports.of('flooded')).value as Flooded;

    expect(results).toEqual(amounts.map((amount) => amount <= HIGH_WATER_MARK));
    expect(results[0]).toBe(true);
    expect(results.at(-1)).toBe(false);
    expect(amounts).toEqual([...amounts].sort((a, b) => a - b));
    expect(amounts.at(-1)).toBeGreaterThan((COUNT * SIZE) / 4);

    slow.send(Buffer.from('not read'));
    for (let i = 1; i <= 50; i++) {
      other.send(Buffer.alloc(i * 1000, i));
      expect((await other.next()).bytes.equals(Buffer.alloc(i * 1000, i))).toBe(true);
      expect(await reports.next()).toMatchObject({ hook: 'message', path: '/other', value: i * 1000 });
    }

    slow.socket.resume();
    await expectFlood(slow);
    expect(await slow.text()).toBe('drained');
    expect(await slow.text()).toBe('not read');
    const drain = await reports.next();
    expect(drain).toMatchObject({ hook: 'drain', path: '/slow' });
    expect(drain.value).toBeLessThanOrEqual(HIGH_WATER_MARK / 2);
    expect(await reports.next()).toMatchObject({ hook: 'message', path: '/slow', value: 8 });
  });

  it('gets the bytes that waited unchanged, though others use the memory beside them', async () => {
    // Messages that are larger than a window and fill their slabs to the last byte, most of the arena in all.
    const options = {
      threads,
      arenaBytes: 16 * 1024 * KIB,
      highWaterMarkBytes: UNLIMITED,
      maxBackpressureBytes: UNLIMITED,
    };
    await using served = await serve({ handler: builtIn('echo'), ...options });
    using slow = await Client.open(served.url);
    using other = await Client.open(served.url);
    slow.socket.pause();
    const waiting = Array.from({ length: 26 }, (_, i) => pattern(i, 512 * KIB));
    for (const message of waiting) slow.send(message);
    await until(() => served.server.stats().messagesOut === waiting.length);
    for (let i = 0; i < 30; i++) {
      const message = pattern(1000 + i, (i % 2 === 0 ? 512 : 256) * KIB);
      other.send(message);
      expectBytes((await other.next()).bytes, message);
    }
    slow.socket.resume();
    for (const [i, message] of waiting.entries()) expectBytes((await slow.next()).bytes, message, `message ${i}`);
  });

  it('can be closed: everything that was sent before comes first, then the Close', async () => {
    await using served = await serve({ handler: handler('commands.js'), threads, maxBackpressureBytes: UNLIMITED });
    using slow = await Client.open(served.url);
    slow.socket.pause();
    slow.run(['sendBytes', 20 * 1024 * KIB, 1], ['send', 'last'], ['close', 4000, 'done']);
    await until(() => served.server.stats().messagesOut === 2);
    slow.socket.resume();
    expect((await slow.next()).bytes).toHaveLength(20 * 1024 * KIB);
    expect(await slow.text()).toBe('last');
    expect(await slow.closed).toEqual({ code: 4000, reason: 'done' });
  });

  it('can leave, with much that it never got', async () => {
    await using served = await serve({ handler: handler('flooding.js'), threads, maxBackpressureBytes: UNLIMITED });
    using reports = new Reports();
    using other = await Client.open(`${served.url}/other`);
    for (const how of ['reset', 'end'] as const) {
      const slow = await Client.open(`${served.url}/slow`);
      slow.socket.pause();
      slow.send(JSON.stringify({ count: 100, size: SIZE }));
      await reports.of('flooded');
      if (how === 'reset') slow.socket.terminate();
      else slow.socket.close(1000);
      if (how === 'end') slow.socket.resume();
      await slow.closed;
      await until(() => served.server.stats().connections === 1);
    }
    other.send(Buffer.from('still here'));
    expect(await other.text()).toBe('still here');
  });

  it('has its pings answered when it reads again, the last of them at least', async () => {
    await using served = await serve({
      handler: handler('commands.js'),
      threads,
      highWaterMarkBytes: UNLIMITED,
      maxBackpressureBytes: UNLIMITED,
    });
    using slow = await Client.open(served.url);
    slow.socket.pause();
    slow.run(['sendBytes', 20 * 1024 * KIB, 1]);
    const pongs: string[] = [];
    const lastPong = new Promise<void>((resolve) => {
      slow.socket.on('pong', (payload) => {
        pongs.push(String(payload));
        if (pongs.at(-1) === 'ping 9') resolve();
      });
    });
    for (let i = 0; i < 10; i++) slow.socket.ping(`ping ${i}`);
    await until(() => served.server.stats().messagesOut === 1);
    slow.socket.resume();
    await lastPong;
    expect(pongs).toEqual([...pongs].sort());
    slow.run(['send', 'goes on']);
    expect((await slow.next()).bytes).toHaveLength(20 * 1024 * KIB);
    expect(await slow.text()).toBe('goes on');
  });

  it('can be closed by the handler of another connection, whose bytes stay its own', async () => {
    await using served = await serve({ handler: handler('evicting.js'), threads });
    using victim = await RawClient.open(served.port, '/victim');
    victim.socket.pause();
    // The first of these floods it. The others in the same read wait until it is read again.
    const foreign = Array.from({ length: 50 }, () => encodeFrame(Opcode.BINARY, Buffer.alloc(1000, 0xaa)));
    victim.socket.write(Buffer.concat(foreign));
    await until(() => served.server.stats().messagesOut === 1);

    using other = await RawClient.open(served.port, '/other');
    const own = Array.from({ length: 50 }, (_, i) => pattern(i, 1000));
    other.socket.write(Buffer.concat(own.map((message) => encodeFrame(Opcode.BINARY, message))));
    for (const message of own) expectBytes((await other.next()).payload, message);

    victim.socket.resume();
    expectBytes((await victim.next()).payload, Buffer.alloc(32 * 1024 * KIB));
    expect((await victim.next()).opcode).toBe(Opcode.CLOSE);
  });
});
