import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Client } from './client.js';
import { duplexPair } from './duplex-pair.js';
import { Queue } from './queue.js';
import { encodeFrame, FrameParser, Opcode, RawClient } from './raw-client.js';
import { builtIn, Gate, handler, type Served, serve, until } from './serving.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZE = 64 * KIB;
const commands = handler('commands.js');
/** The mark is at 1 MiB, and 256 KiB make a chunk. */
const options = { handler: commands, maxOwedBytes: 4 * MIB, poison: false };

/** Two clients in each of two threads. */
async function openInEachThread(served: Served): Promise<[readonly [Client, Client], readonly [Client, Client]]> {
  const threads = new Map<string, Client[]>();
  for (let i = 0; i < 4; i++) {
    const client = await Client.open(served.url);
    client.run(['where']);
    const thread = await client.text();
    threads.set(thread, [...(threads.get(thread) ?? []), client]);
  }
  const [one, other] = [...threads.values()] as [[Client, Client], [Client, Client]];
  return [one, other];
}

async function subscribe(client: Client, topic: string): Promise<void> {
  client.run(['subscribe', topic], ['send', 'subscribed']);
  expect(await client.text()).toBe('subscribed');
}

async function block(client: Client): Promise<void> {
  client.run(['block']);
  expect(await client.text()).toBe('blocked');
}

async function numbers(client: Client, count: number): Promise<number[]> {
  return (await client.texts(count)).map((text) => Number.parseInt(text, 10));
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

async function echo(client: Client): Promise<void> {
  client.run(['send', 'echo']);
  expect(await client.text()).toBe('echo');
}

const HEADERS = Object.entries({
  Host: 'localhost',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
}).flat();

async function health(served: Served): Promise<unknown> {
  return (await fetch(`http://127.0.0.1:${served.port}/healthz`)).json();
}

describe('a thread that is blocked for a while', () => {
  it('holds back those whose messages are published to it, nobody else, and loses nothing', async () => {
    using gate = new Gate();
    await using served = await serve(options);
    const [[publisher, other], [reader, blocker]] = await openInEachThread(served);
    await subscribe(reader, 'x');
    await subscribe(publisher, 'x'); // it gets its own, too
    await block(blocker);
    for (let i = 0; i < 200; i++) publisher.run(['publishNumbered', 'x', i, SIZE]);
    // Its own subscription shows how many of its messages were read: it is not read any more.
    await until(async () => {
      await echo(other);
      return served.server.stats().messagesIn > 30;
    });
    const { messagesIn } = served.server.stats();
    for (let i = 0; i < 20; i++) await echo(other);
    expect(served.server.stats().messagesIn - messagesIn).toBeLessThan(60);
    other.run(['publishToAll', 'z', 'nobody'], ['publishToAll', 'y', 'nobody'], ['send', 'not held back']);
    expect(await other.text()).toBe('not held back');
    gate.open();
    expect(await numbers(reader, 200)).toEqual(upTo(200));
    expect(await numbers(publisher, 200)).toEqual(upTo(200));
    await echo(publisher);
    expect(served.server.stats().limits).toMatchObject({
      droppedPublications: 0,
      slowThreads: 0,
      slowConsumers: 0,
      missedPublications: 0,
    });
  });

  it('is waited for by a timer, and by the primary, that ask for room', async () => {
    using gate = new Gate();
    await using served = await serve(options);
    const [[publisher], [reader, blocker]] = await openInEachThread(served);
    await subscribe(reader, 'x');
    await block(blocker);
    publisher.run(['publishFromTimer', 'x', 100, SIZE, true]);
    let waits = 0;
    let isWaiting = false;
    const primary = (async () => {
      for (let i = 0; i < 100; i++) {
        if (served.server.publish('x', `${i} `.padEnd(SIZE, '.'))) continue;
        waits++;
        isWaiting = true;
        await served.server.roomToPublish();
        isWaiting = false;
      }
    })();
    await until(() => isWaiting);
    await echo(publisher);
    gate.open();
    const got = await numbers(reader, 200);
    await primary;
    expect(await publisher.text()).toBe('published');
    expect(waits).toBeGreaterThan(0);
    expect(got.toSorted((a, b) => a - b)).toEqual(upTo(200).map((i) => i >> 1));
    expect(served.server.stats().limits.droppedPublications).toBe(0);
  });

  it('does not get the publications of a timer above the bound, which are counted and logged', async () => {
    using gate = new Gate();
    await using served = await serve(options);
    const [[publisher, other], [reader, blocker]] = await openInEachThread(served);
    await subscribe(reader, 'x');
    await subscribe(other, 'x');
    await block(blocker);
    publisher.run(['publishFromTimer', 'x', 200, SIZE, false]);
    expect(await publisher.text()).toBe('published');
    expect(await numbers(other, 200)).toEqual(upTo(200));
    const { droppedPublications } = served.server.stats().limits;
    expect(droppedPublications).toBeGreaterThan(100);
    expect(await served.log.line(/dropped/)).toMatch(/^warn: publications were dropped for a thread.*maxOwedBytes/);
    gate.open();
    expect(await numbers(reader, 200 - droppedPublications)).toEqual(upTo(200 - droppedPublications));
    await echo(reader);
  });
});

describe('a thread that takes nothing for slowThreadTimeoutMs', () => {
  it.each(['close', 'drop'] as const)('holds back nobody, and others are served (%s)', async (slowConsumer) => {
    using gate = new Gate();
    await using served = await serve({ ...options, slowThreadTimeoutMs: 200, slowConsumer });
    const [[publisher, other], [reader, blocker]] = await openInEachThread(served);
    for (const client of [reader, other]) await subscribe(client, 'x');
    await subscribe(blocker, 'y');
    await block(blocker);
    for (let i = 0; i < 200; i++) publisher.run(['publishNumbered', 'x', i, SIZE]);
    expect(await numbers(other, 200)).toEqual(upTo(200));
    const { droppedPublications, slowThreads } = served.server.stats().limits;
    expect(slowThreads).toBe(1);
    expect(await health(served)).toMatchObject({ status: 'degraded' });
    expect(await served.log.line(/waited for no more/)).toMatch(/^warn: a thread takes nothing/);
    gate.open();
    const got = 200 - droppedPublications;
    expect(await numbers(reader, got)).toEqual(upTo(got));
    // It has reached the list of the topics that it has missed.
    await until(async () => ((await health(served)) as { readonly status: string }).status === 'ok');
    if (slowConsumer === 'close') {
      expect(await reader.closed).toEqual({ code: 1013, reason: 'missed publications' });
    } else {
      publisher.run(['publishToAll', 'x', 'newer']);
      expect(await reader.text()).toBe('newer');
    }
    // It has missed nothing of another topic.
    publisher.run(['publishToAll', 'y', 'still here']);
    expect(await blocker.text()).toBe('still here');
    expect(served.server.stats().limits).toMatchObject({
      slowConsumers: 0, // the client has taken all that it was sent
      missedPublications: slowConsumer === 'close' ? 1 : 0,
    });
    const missed = served.log.lines.filter((line) => line.includes('closed: their thread'));
    expect(missed).toEqual(
      slowConsumer === 'close' ? [expect.stringMatching(/ on \/: .*\(slowThreadTimeoutMs\)$/)] : [],
    );
  });

  it('and belongs to an old generation, holds back nobody when it is ended', async () => {
    using gate = new Gate();
    await using served = await serve(options);
    const [, [reader, blocker]] = await openInEachThread(served);
    await subscribe(reader, 'x');
    await block(blocker);
    await served.server.reload({ drainMs: 300 });
    using publisher = await Client.open(served.url);
    using other = await Client.open(served.url);
    await subscribe(other, 'x');
    for (let i = 0; i < 200; i++) publisher.run(['publishNumbered', 'x', i, SIZE]);
    expect(await numbers(other, 200)).toEqual(upTo(200));
    expect(served.server.stats().limits).toMatchObject({ slowThreads: 0, droppedPublications: 0 });
    gate.open();
  });
});

it('two threads that flood each other lose nothing, and wait for each other only while they must', async () => {
  await using served = await serve(options);
  const [[one], [other]] = await openInEachThread(served);
  for (const client of [one, other]) await subscribe(client, 'x');
  for (let i = 0; i < 150; i++) for (const client of [one, other]) client.run(['publishNumbered', 'x', i, SIZE]);
  for (const client of [one, other]) {
    const got = await numbers(client, 300);
    expect(got.toSorted((a, b) => a - b)).toEqual(upTo(300).map((i) => i >> 1));
  }
  expect(served.server.stats().limits).toMatchObject({ slowThreads: 0, droppedPublications: 0 });
});

it('a primary that is blocked is waited for, too', async () => {
  await using served = await serve({ ...options, threads: 1 });
  const [ours, theirs] = duplexPair();
  const frames = new Queue<string>();
  let head = '';
  const parser = new FrameParser(({ payload }) => frames.push(String(payload)));
  theirs.on('data', (read: Buffer) => {
    if (head.endsWith('\r\n\r\n')) parser.push(read);
    else head += read;
  });
  const { rawHeaders, ...request } = { method: 'GET', url: '/', httpVersion: '1.1', rawHeaders: HEADERS, socket: ours };
  served.server.handleUpgrade(
    { ...request, rawHeaders, headers: {} } as unknown as IncomingMessage,
    ours,
    Buffer.alloc(0),
  );
  await until(() => head.endsWith('\r\n\r\n'));
  theirs.write(
    encodeFrame(
      Opcode.TEXT,
      JSON.stringify([
        ['subscribe', 'x'],
        ['send', 'subscribed'],
      ]),
    ),
  );
  expect(await frames.next()).toBe('subscribed');
  using publisher = await Client.open(served.url);
  publisher.run(['publishFromTimer', 'x', 200, SIZE, true]);
  publisher.run(['send', 'begun']);
  expect(await publisher.text()).toBe('begun');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  for (let i = 0; i < 200; i++) expect(Number.parseInt(await frames.next(), 10)).toBe(i);
  expect(served.server.stats().limits.droppedPublications).toBe(0);
});

it('a client that knows of its connection gets what another thread publishes after that', async () => {
  await using served = await serve({ handler: builtIn('broadcast') });
  // One in each thread: the client's own may read the message before it knows the client.
  using one = await Client.open(`${served.url}/room`);
  using other = await Client.open(`${served.url}/room`);
  for (let round = 0; round < 60; round++) {
    const clients = Array.from({ length: 6 }, async (_, i) => {
      const client = await RawClient.open(served.port, '/room');
      for (const publisher of [one, other]) publisher.send(`${round}.${i}`); // as soon as the 101 is here
      for (;;) if (String((await client.next()).payload) === `${round}.${i}`) break;
      client[Symbol.dispose]();
    });
    await Promise.all(clients);
  }
});
