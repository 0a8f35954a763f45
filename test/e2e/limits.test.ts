import { describe, expect, it } from 'vitest';
import type { ClientOptions } from 'ws';
import type { LimitStats, ServerOptions } from '../../dist/index.js';
import { Client, refusal } from './client.js';
import { closePayload, closeStatus, encodeFrame, Opcode, RawClient } from './raw-client.js';
import { handler, Reports, type Served, serve, until } from './serving.js';
import { eachWay, onlyWithWorkers } from './thread-counts.js';

const KIB = 1024;

/** The traces that a met limit must leave: the changes of all counters, and the line in the log. */
interface Shown {
  readonly counters: Partial<LimitStats>;
  readonly line: RegExp;
}

/** A server with a limit, and a client that must not notice it. */
class Limited implements AsyncDisposable {
  readonly served: Served;
  readonly reports: Reports;
  readonly other: Client;

  private constructor(served: Served, reports: Reports, other: Client) {
    this.served = served;
    this.reports = reports;
    this.other = other;
  }

  static async start(options: Omit<ServerOptions, 'handler'>, clientOptions?: ClientOptions): Promise<Limited> {
    const served = await serve({ handler: handler('limits.js'), ...options });
    try {
      return new Limited(served, new Reports(), await Client.open(`${served.url}/other`, clientOptions));
    } catch (error) {
      await served[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A client that does only what the test says. */
  open(path = '/limited'): Promise<RawClient> {
    return RawClient.open(this.served.port, path);
  }

  get limits(): LimitStats {
    return this.served.server.stats().limits;
  }

  /** The code with which the next connection ends for the handler. */
  async closeCode(): Promise<number | undefined> {
    return (await this.reports.of('close')).code;
  }

  async expectOtherIsWell(): Promise<void> {
    const bytes = Buffer.alloc(1000, 7);
    this.other.send(bytes);
    expect((await this.other.next()).bytes.equals(bytes)).toBe(true);
  }

  /** To be called when the limit was met and all connections that met it are over. */
  async expectShown({ counters, line }: Shown): Promise<void> {
    const { served } = this;
    await served.log.line(line);
    await until(() => Object.entries(counters).every(([name, n]) => this.limits[name as keyof LimitStats] >= n));
    const met = Object.fromEntries(Object.entries(this.limits).filter(([, times]) => times > 0));
    expect(met).toEqual(counters);
    await this.expectOtherIsWell();
    await until(() => served.server.stats().bufferedBytes === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.other[Symbol.dispose]();
    this.reports[Symbol.dispose]();
    await this.served[Symbol.asyncDispose]();
  }
}

const run = (client: RawClient, ...commands: readonly (readonly unknown[])[]) => client.text(JSON.stringify(commands));
/** Resolves when the server has ended the connection in any way. */
const gone = (client: RawClient) => Promise.race([client.ended, client.closed]);

/** Exchanges a message now and then, until it is stopped. */
function keepBusy(client: Client): () => Promise<void> {
  let isStopped = false;
  const done = (async () => {
    while (!isStopped) {
      client.send(Buffer.alloc(10));
      await client.next();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  return () => {
    isStopped = true;
    return done;
  };
}

/** A client, or undefined if it is refused with 503. */
async function tryOpen(url: string): Promise<Client | undefined> {
  const client = new Client(url);
  return new Promise((resolve, reject) => {
    client.socket.once('open', () => resolve(client));
    client.socket.once('unexpected-response', (_request, { statusCode }) => {
      client[Symbol.dispose]();
      if (statusCode === 503) resolve(undefined);
      else reject(new Error(`refused with ${statusCode}`));
    });
  });
}

/** A client that gets in as soon as there is a place. */
async function openWhenFree(url: string): Promise<Client> {
  let client: Client | undefined;
  await until(async () => {
    client = await tryOpen(url);
    return client !== undefined;
  });
  return client as Client;
}

describe.each(eachWay(1))('with threads: %i', (threads) => {
  it('heartbeatIntervalMs drops a client that does not answer a ping, and keeps one that does', async () => {
    await using limited = await Limited.start({ threads, heartbeatIntervalMs: 250 });
    const { other } = limited;
    let pings = 0;
    other.socket.on('ping', () => pings++);
    using mute = await limited.open();
    expect((await mute.next()).opcode).toBe(Opcode.PING);
    await gone(mute);
    expect(await limited.closeCode()).toBe(1006);
    expect(mute.rest).toEqual([]);
    await until(() => pings >= 2);
    await limited.expectShown({ counters: { heartbeatTimeouts: 1 }, line: /limited: did not answer a ping/ });
  });

  it('idleTimeoutMs closes with 1001', async () => {
    await using limited = await Limited.start({ threads, idleTimeoutMs: 400 });
    const stop = keepBusy(limited.other);
    using idle = await limited.open();
    expect(closeStatus(await idle.next())).toEqual({ code: 1001, reason: 'idle for too long' });
    idle.frame(Opcode.CLOSE, closePayload(1001));
    idle.socket.end();
    expect(await limited.closeCode()).toBe(1001);
    await stop();
    await limited.expectShown({ counters: { idleTimeouts: 1 }, line: /limited: .*idleTimeoutMs/ });
  });

  it('messageTimeoutMs closes with 1008', async () => {
    await using limited = await Limited.start({ threads, messageTimeoutMs: 100 });
    using slow = await limited.open();
    slow.frame(Opcode.BINARY, Buffer.alloc(100 * KIB), { fin: false });
    expect(closeStatus(await slow.next())).toMatchObject({ code: 1008 });
    slow.socket.end();
    expect(await limited.closeCode()).toBe(1008);
    await limited.expectShown({ counters: { messageTimeouts: 1 }, line: /limited: .*messageTimeoutMs/ });
  });

  it('closeTimeoutMs destroys a connection whose client does not answer a Close', async () => {
    await using limited = await Limited.start({ threads, closeTimeoutMs: 100 });
    using rude = await limited.open();
    run(rude, ['close', 4000, 'bye']);
    expect(closeStatus(await rude.next())).toEqual({ code: 4000, reason: 'bye' });
    await gone(rude);
    expect(await limited.closeCode()).toBe(1006);
    await limited.expectShown({ counters: { closeTimeouts: 1 }, line: /limited: .*closeTimeoutMs/ });
  });

  it('stallTimeoutMs destroys a connection whose client takes nothing', async () => {
    await using limited = await Limited.start({ threads, stallTimeoutMs: 200 });
    using stalled = await limited.open();
    stalled.socket.pause();
    run(stalled, ['fill', 1, 24 * KIB * KIB]);
    expect(await limited.closeCode()).toBe(1006);
    await limited.expectShown({ counters: { stalls: 1 }, line: /limited: .*stallTimeoutMs/ });
  });

  it.runIf(process.platform === 'linux')(
    'stallTimeoutMs spares a client that takes something, also before its socket has room again',
    async () => {
      await using limited = await Limited.start({ threads, stallTimeoutMs: 1000 });
      using slow = await limited.open();
      const { socket } = slow;
      let taken = 0;
      socket.prependListener('data', (read: Buffer) => {
        taken += read.length;
        socket.pause();
      });
      socket.pause();
      run(slow, ['fill', 1, 16 * KIB * KIB]);
      // 64 KiB each time: a socket with a buffer of 4 MiB has room again after two seconds.
      for (const endMs = performance.now() + 1800; performance.now() < endMs; ) {
        socket.resume();
        await new Promise((resolve) => setTimeout(resolve, 90));
      }
      expect(limited.limits.stalls).toBe(0);
      expect(limited.served.server.stats().bufferedBytes).toBeGreaterThan(0);
      expect(taken).toBeLessThan(12 * KIB * KIB);
    },
  );

  it('maxBackpressureBytes closes a slow consumer with 1013, behind what it was sent', async () => {
    await using limited = await Limited.start({
      threads,
      maxBackpressureBytes: KIB * KIB,
      highWaterMarkBytes: 2 ** 30,
    });
    using slow = await limited.open();
    slow.socket.pause();
    run(slow, ['fill', 100, 256 * KIB]);
    const sent = ((await limited.reports.of('filled')).value as boolean[]).indexOf(false);
    expect(sent).toBeGreaterThan(2);
    slow.socket.resume();
    for (let i = 0; i < sent; i++) {
      expect((await slow.next()).payload.equals(Buffer.alloc(256 * KIB, i)), `message ${i}`).toBe(true);
    }
    expect(closeStatus(await slow.next())).toEqual({ code: 1013, reason: 'too slow a consumer' });
    slow.socket.end();
    expect(await limited.closeCode()).toBe(1013);
    await limited.expectShown({ counters: { slowConsumers: 1 }, line: /limited: .*maxBackpressureBytes/ });
  });

  it('maxBackpressureBytes with slowConsumer drop leaves messages out, and counts them', async () => {
    await using limited = await Limited.start({
      threads,
      maxBackpressureBytes: KIB * KIB,
      highWaterMarkBytes: 2 ** 30,
      slowConsumer: 'drop',
    });
    using slow = await limited.open();
    slow.socket.pause();
    run(slow, ['fill', 100, 256 * KIB]);
    const results = (await limited.reports.of('filled')).value as boolean[];
    const dropped = results.filter((isSent) => !isSent).length;
    expect(dropped).toBeGreaterThan(10);
    slow.socket.resume();
    for (const [i, isSent] of results.entries()) {
      if (isSent) expect((await slow.next()).payload.equals(Buffer.alloc(256 * KIB, i)), `message ${i}`).toBe(true);
    }
    await limited.reports.of('drain');
    run(slow, ['send', 'goes on']);
    expect(String((await slow.next()).payload)).toBe('goes on');
    await limited.expectShown({ counters: { droppedMessages: dropped }, line: /limited: .*maxBackpressureBytes/ });
  });

  it('maxBufferedBytes closes those with 1013 that have held something for longest', async () => {
    // The short deadline for closing makes the clock tick often. The clock decides which connection is the oldest.
    await using limited = await Limited.start({ threads, maxBufferedBytes: KIB * KIB, closeTimeoutMs: 80 });
    /** Connections that were closed at the same time have no order: the system decides which client ends first. */
    const closedBetween = async (before: number, after: number) => {
      const paths: string[] = [];
      for (let i = before; i < after; i++) {
        const { hook, path, code } = await limited.reports.of('close');
        expect({ hook, path, code }).toEqual({ hook: 'close', path, code: 1013 });
        paths.push(path);
      }
      return paths.sort();
    };
    const clients: RawClient[] = [];
    try {
      const consumers = 2;
      for (let i = 0; i < consumers; i++) {
        const consumer = await limited.open(`/${i}`);
        clients.push(consumer);
        consumer.socket.pause();
        run(consumer, ['fillUpTo', 300 * KIB]);
        await limited.reports.of('filled');
      }
      // Bytes on the way to the clients' systems are taken meanwhile. If they were taken later, the connections would count as younger.
      limited.other.send(JSON.stringify([['awaitTicks', 6]]));
      expect(await limited.other.text()).toBe('6 ticks');
      // Each holds a slab of 256 KiB, a quarter of what is allowed for all.
      const closed: string[] = [];
      for (let i = consumers; i < 10; i++) {
        const sender = await limited.open(`/${i}`);
        clients.push(sender);
        const before = limited.limits.shed;
        const { bytesIn } = limited.served.server.stats();
        const part = encodeFrame(Opcode.BINARY, Buffer.alloc(200 * KIB, i), { fin: false });
        sender.socket.write(part);
        await until(() => limited.served.server.stats().bytesIn >= bytesIn + part.length);
        // By then the thread has made room, and its clock has another time for the next connection. That is also so if the clock stood
        // still for a tick while this connection waited for others.
        limited.other.send(JSON.stringify([['awaitTicks', 6]]));
        expect(await limited.other.text()).toBe('6 ticks');
        closed.push(...(await closedBetween(before, limited.limits.shed)));
      }
      const { shed } = limited.limits;
      expect(shed).toBeGreaterThan(4);
      expect(shed).toBeLessThan(9);
      closed.push(...(await closedBetween(closed.length, shed)));
      // The time at which a consumer last took something depends on its system, which our system probes.
      const senders = closed.filter((path) => Number(path.slice(1)) >= consumers);
      expect(senders.length).toBeGreaterThan(2);
      expect(senders).toEqual(senders.map((_, i) => `/${consumers + i}`));
      for (const [i, client] of clients.entries()) {
        if (i < consumers) continue;
        if (closed.includes(`/${i}`)) {
          expect(closeStatus(await client.next())).toEqual({ code: 1013, reason: 'the server holds too much' });
        } else {
          client.frame(Opcode.CONTINUATION);
          expect((await client.next()).payload.equals(Buffer.alloc(200 * KIB, i))).toBe(true);
        }
      }
      await limited.served.log.line(/\/\d: .*maxBufferedBytes/);
      await limited.expectOtherIsWell();
      await until(() => limited.served.server.stats().bufferedBytes === 0);
    } finally {
      for (const client of clients) client[Symbol.dispose]();
    }
  }, 60_000); // the test waits for many things, one after the other

  it('messagesPerSecond makes a client that sends too fast wait, and loses nothing', async () => {
    await using limited = await Limited.start({ threads, messagesPerSecond: 50 });
    using fast = await limited.open();
    const frames = Array.from({ length: 60 }, (_, i) => encodeFrame(Opcode.BINARY, Buffer.from([i])));
    fast.socket.write(Buffer.concat(frames));
    for (let i = 0; i < 60; i++) expect([...(await fast.next()).payload]).toEqual([i]);
    await limited.served.log.line(/limited: .*messagesPerSecond/);
    expect(limited.limits.rateLimited).toBeGreaterThan(0);
    await limited.expectOtherIsWell();
    await until(() => limited.served.server.stats().bufferedBytes === 0);
  });

  it('messagesPerSecond closes with 1008 if so configured', async () => {
    await using limited = await Limited.start({ threads, messagesPerSecond: 5, rateLimitAction: 'close' });
    using fast = await limited.open();
    for (let i = 0; i < 30; i++) fast.frame(Opcode.BINARY, Buffer.from([i]));
    let answers = 0;
    let last = await fast.next();
    for (; last.opcode === Opcode.BINARY; last = await fast.next()) expect(last.payload[0]).toBe(answers++);
    expect(answers).toBeGreaterThanOrEqual(5);
    expect(closeStatus(last)).toEqual({ code: 1008, reason: 'sent too fast' });
    fast.socket.end();
    expect(await limited.closeCode()).toBe(1008);
    await limited.expectShown({ counters: { rateLimited: 1 }, line: /limited: .*messagesPerSecond/ });
  });

  it('bytesPerSecond makes a client wait, or closes with 1008', async () => {
    for (const rateLimitAction of ['pause', 'close'] as const) {
      await using limited = await Limited.start({ threads, bytesPerSecond: 100_000, rateLimitAction });
      using fast = await limited.open();
      fast.frame(Opcode.BINARY, Buffer.alloc(115_000, 1));
      const answer = await fast.next();
      if (rateLimitAction === 'pause') {
        expect(answer.payload.equals(Buffer.alloc(115_000, 1))).toBe(true);
      } else {
        expect(closeStatus(answer)).toMatchObject({ code: 1008 });
        fast.socket.end();
        expect(await limited.closeCode()).toBe(1008);
      }
      await limited.served.log.line(/limited: .*bytesPerSecond/);
      expect(limited.limits.rateLimited).toBeGreaterThan(0);
      await limited.expectOtherIsWell();
      await until(() => limited.served.server.stats().bufferedBytes === 0);
    }
  });

  it('maxConnections refuses with 503, until one has gone', async () => {
    await using limited = await Limited.start({ threads, maxConnections: 2 });
    const { served } = limited;
    using second = await Client.open(served.url);
    const { status, headers, body } = await refusal(served.url);
    expect({ status, retry: headers['retry-after'], body }).toMatchObject({
      status: 503,
      retry: '1',
      body: expect.stringContaining('maxConnections'),
    });
    await limited.expectShown({
      counters: { refusedFull: 1 },
      line: /: refused: the server is full \(maxConnections\)$/,
    });
    await second.close();
    using third = await openWhenFree(served.url);
    third.send(Buffer.from('in'));
    expect(await third.text()).toBe('in');
    expect(await tryOpen(served.url)).toBeUndefined();
  });

  it('maxConnectionsPerIp refuses with 503, until one of the address has gone', async () => {
    await using limited = await Limited.start({ threads, maxConnectionsPerIp: 2 });
    const { served } = limited;
    using second = await Client.open(served.url);
    const { status, body } = await refusal(served.url);
    expect({ status, body }).toMatchObject({ status: 503, body: expect.stringContaining('maxConnectionsPerIp') });
    await limited.expectShown({
      counters: { refusedAddresses: 1 },
      line: /: refused: too many connections from their address \(maxConnectionsPerIp\)$/,
    });
    await second.close();
    using third = await openWhenFree(served.url);
    expect(await tryOpen(served.url)).toBeUndefined();
    third.socket.terminate();
    using fourth = await openWhenFree(served.url);
    expect(await tryOpen(served.url)).toBeUndefined();
    expect(fourth.socket.readyState).toBe(fourth.socket.OPEN);
  });

  it('maxConnectionsPerIp does not count those who were refused or have given up', async () => {
    await using limited = await Limited.start({ threads, maxConnectionsPerIp: 2 });
    const { served } = limited;
    for (let i = 0; i < 5; i++) {
      using foreign = await RawClient.connect(served.port);
      foreign.socket.write(`GET / HTTP/1.1\r\nHost: evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`);
      await foreign.response;
    }
    using second = await Client.open(served.url);
    expect(second.socket.readyState).toBe(second.socket.OPEN);
    expect(await tryOpen(served.url)).toBeUndefined();
  });

  it('allowedOrigins refuses others with 403, whose body says how to let them in', async () => {
    const origin = 'https://example.org';
    await using limited = await Limited.start({ threads, allowedOrigins: [origin] });
    const { url } = limited.served;
    for (const foreign of ['https://example.com', 'http://example.org', 'https://example.org:8443', 'null', url]) {
      const { status, body } = await refusal(url, { origin: foreign });
      expect({ foreign, status, body }).toMatchObject({ status: 403, body: expect.stringContaining('--allow-origin') });
    }
    using welcome = await Client.open(url, { origin });
    welcome.send(Buffer.from('in'));
    expect(await welcome.text()).toBe('in');
    await limited.expectShown({
      counters: { refusedOrigins: 5 },
      line: /: refused: pages of their Origin may not connect \(allowedOrigins\): /,
    });
  });

  it('without allowedOrigins, pages of the same host and port are let in, and clients without an Origin', async () => {
    await using limited = await Limited.start({ threads });
    const { url, port } = limited.served;
    using own = await Client.open(url, { origin: `http://127.0.0.1:${port}` });
    own.send(Buffer.from('in'));
    expect(await own.text()).toBe('in');
    for (const foreign of [`http://localhost:${port}`, 'http://127.0.0.1', 'null']) {
      expect(await refusal(url, { origin: foreign })).toMatchObject({ status: 403 });
    }
    await limited.expectShown({ counters: { refusedOrigins: 3 }, line: /allowedOrigins/ });
  });

  it('allowedHosts refuses others with 403; by default a loopback server has only its own names', async () => {
    for (const allowedHosts of [undefined, ['example.org']]) {
      const host = allowedHosts?.[0] ?? 'localhost';
      const options = allowedHosts === undefined ? {} : { allowedHosts };
      await using limited = await Limited.start({ threads, ...options }, { headers: { Host: host } });
      const { url, port } = limited.served;
      for (const foreign of ['evil.example', `evil.example:${port}`]) {
        const { status, body } = await refusal(url, { headers: { Host: foreign } });
        expect({ status, body }).toMatchObject({
          status: 403,
          body: expect.stringMatching(/^this server does not answer to this Host name: .*--allow-host/),
        });
      }
      using welcome = await Client.open(url, { headers: { Host: `${host}:${port}` } });
      welcome.send(Buffer.from('in'));
      expect(await welcome.text()).toBe('in');
      await limited.expectShown({
        counters: { refusedHosts: 2 },
        line: /: refused: the server does not answer to this Host name \(allowedHosts\): /,
      });
    }
  });
});

describe.each(onlyWithWorkers(1))('with a worker that dies', () => {
  it('the places of its connections under maxConnectionsPerIp and maxConnections are free again', async () => {
    for (const options of [{ maxConnectionsPerIp: 3 }, { maxConnections: 3 }]) {
      await using served = await serve({ handler: handler('limits.js'), threads: 1, ...options });
      const { server, url } = served;
      for (let round = 1; round <= 2; round++) {
        const clients = [await openWhenFree(url), await openWhenFree(url), await openWhenFree(url)];
        expect(await tryOpen(url)).toBeUndefined();
        clients[0]?.run(['exit']);
        await Promise.all(clients.map(({ closed }) => closed));
        await until(() => server.stats().workersLost === round && server.stats().threads[0]?.isTaking === true);
      }
    }
  });

  it('the memory that they held does not count as buffered any more', async () => {
    await using served = await serve({ handler: handler('limits.js'), threads: 2 });
    using doomed = await RawClient.open(served.port);
    using other = await Client.open(served.url);
    doomed.frame(Opcode.BINARY, Buffer.alloc(200 * KIB), { fin: false });
    await until(() => served.server.stats().bufferedBytes > 200 * KIB);
    using third = await Client.open(served.url); // in the same thread as the first: there are as many in both
    third.run(['exit']);
    await third.closed;
    await until(() => served.server.stats().workersLost === 1);
    if (served.server.stats().bufferedBytes > 0) {
      other.run(['exit']);
      await until(() => served.server.stats().workersLost === 2);
    }
    expect(served.server.stats().bufferedBytes).toBe(0);
  });
});
