import { describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../dist/index.js';
import { Client, refusal } from './client.js';
import { decideHeld, HttpClient, serveInWorkers, statusOf } from './opening-in-workers.js';
import { encodeRequest, RawClient } from './raw-client.js';
import { handler, Reports, type Served, serve, until } from './serving.js';

const opening = handler('opening.js');

const urlOf = (served: Served, path: string) => `http://127.0.0.1:${served.port}${path}`;

/** What a client of `handlers/opening.js` is told. */
interface About {
  readonly hostedIn: number;
  readonly remoteAddress: string;
  readonly data: { readonly threadId: number; readonly isMainThread: boolean; readonly seen: string };
}

async function about(client: Client): Promise<About> {
  client.send('about');
  return (await client.json()) as About;
}

const MODES: readonly (readonly [string, Partial<ServerOptions>])[] = [
  ['in the primary', { handshake: 'primary' }],
  ['in workers', { handshake: 'worker' }],
  ['without workers', { threads: 0 }],
];

describe.runIf(process.platform !== 'win32').each(MODES)('a hook that runs %s', (_, mode) => {
  it('means the same by each answer', async () => {
    await using served = await serve({ handler: opening, ...mode });
    const statuses: Record<string, number> = {};
    const paths = ['/', '/later', '/refused', '/later/refused', '/throws', '/later/throws', '/uncloneable'];
    for (const path of paths) statuses[path] = await statusOf(served, path);
    expect(statuses).toEqual({
      '/': 101,
      '/later': 101,
      '/refused': 401,
      '/later/refused': 401,
      '/throws': 500,
      '/later/throws': 500,
      '/uncloneable': 500,
    });
    expect(await refusal(`${served.url}/refused`)).toMatchObject({ status: 401, body: 'who are you?\n' });
    await served.server.close(); // tells what is still to be told
    expect(served.log.lines.join('\n')).toContain('for 127.0.0.1 on /throws: Error: on purpose');
    expect(served.log.lines.join('\n')).toContain('data must be what structuredClone can copy');
  });
});

describe.runIf(process.platform !== 'win32')('with the opening handshake in workers', () => {
  it('the hook runs in the thread that hosts the connection, and sees the client’s address', async () => {
    await using served = await serveInWorkers();
    const clients = await Promise.all(Array.from({ length: 8 }, () => Client.open(served.url)));
    const all = await Promise.all(clients.map(about));
    for (const { hostedIn, remoteAddress, data } of all) {
      expect(remoteAddress).toBe('127.0.0.1');
      expect(data).toEqual({ threadId: hostedIn, isMainThread: false, seen: '127.0.0.1' });
    }
    expect(new Set(all.map(({ hostedIn }) => hostedIn)).size).toBe(2);
    for (const client of clients) client[Symbol.dispose]();
  });

  it('a request that comes in pieces is judged by the same hook, and nothing behind it is lost', async () => {
    await using served = await serveInWorkers();
    for (const path of ['/', '/later', '/held']) {
      using reports = new Reports();
      using client = await RawClient.connect(served.port);
      const request = encodeRequest(path);
      client.socket.write(request.slice(0, 30));
      await until(() => served.server.stats().httpConnections > 0);
      client.socket.write(request.slice(30));
      client.text('early');
      if (path === '/held') {
        await reports.of('upgrade');
        client.text('later');
        decideHeld({});
      }
      expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
      expect(String((await client.next()).payload)).toBe('early');
      if (path === '/held') expect(String((await client.next()).payload)).toBe('later');
    }
  });

  it('the page and the health are answered by workers as by the primary', async () => {
    await using byPrimary = await serve({ handler: opening, handshake: 'primary' });
    await using byWorkers = await serveInWorkers();
    for (const path of ['/', '/healthz', '/elsewhere', '/healthz?x']) {
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST']) {
        const answers = await Promise.all(
          [byPrimary, byWorkers].map(async (served) => {
            const { status, headers, ...response } = await fetch(urlOf(served, path), { method });
            void response;
            const shown = Object.fromEntries(
              [...headers].filter(([name]) => !['date', 'content-length'].includes(name)),
            );
            return { status, ...shown };
          }),
        );
        expect(answers[1]).toEqual(answers[0]);
      }
    }
    const health = (await (await fetch(urlOf(byWorkers, '/healthz'))).json()) as { threads: unknown[] };
    expect(health).toMatchObject({ status: 'ok', workersLost: 0, connections: 0 });
    expect(health.threads).toHaveLength(2);
    expect(await (await fetch(urlOf(byWorkers, '/'))).text()).toMatch(/^<!doctype html>/);
  });

  it('pipelined requests are answered in their order, though the health is asked of another thread, and then upgraded', async () => {
    await using served = await serveInWorkers();
    using client = new HttpClient(served);
    const request = (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    client.write(
      request('GET', '/healthz') +
        request('OPTIONS', '/healthz') +
        request('HEAD', '/') +
        request('GET', '/healthz') +
        encodeRequest('/later'),
    );
    const read = await client.read(/ 101 .*\r\n\r\n/s);
    expect(read.match(/HTTP\/1\.1 \d+/g)).toEqual([200, 204, 200, 200, 101].map((status) => `HTTP/1.1 ${status}`));
  });

  it('a kept connection is answered again and again, and is upgraded later than handshakeTimeoutMs', async () => {
    await using served = await serveInWorkers({ handshakeTimeoutMs: 1000 });
    using client = new HttpClient(served);
    const startedAt = performance.now();
    while (performance.now() - startedAt < 1100) {
      client.get('/healthz');
      await client.read(/"uptimeSeconds":\d+\}\n/);
    }
    client.write(encodeRequest('/later'));
    expect(await client.read(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 101 /);
    await until(() => served.server.stats().opened === 1); // the 101 is sent before
    expect(served.server.stats()).toMatchObject({ limits: { hookTimeouts: 0, refusedHandshakes: 0 } });
  });

  it('above maxConnections, and above maxConnectionsPerIp, the primary answers 503, and the health as well', async () => {
    for (const [limit, why] of [
      [{ maxConnections: 2 }, 'maxConnections'],
      [{ maxConnectionsPerIp: 2 }, 'maxConnectionsPerIp'],
    ] as const) {
      await using served = await serveInWorkers(limit);
      using _first = await Client.open(served.url);
      using silent = await RawClient.connect(served.port); // it counts although it has sent nothing
      await until(() => served.server.stats().httpConnections === 1);
      const refused = await refusal(served.url);
      expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
      expect(refused.body).toContain(why);
      expect((await fetch(urlOf(served, '/healthz'))).status).toBe(200);
      silent.reset();
      await until(async () => (await statusOf(served, '/')) === 101);
    }
  });

  it('a client that comes back at once finds the place of its own connection, and no hook ever runs in the primary', async () => {
    await using served = await serveInWorkers({ maxConnectionsPerIp: 1 });
    for (let i = 0; i < 20; i++) {
      using client = await Client.open(served.url);
      expect((await about(client)).data.isMainThread).toBe(false);
    }
    // One that was refused when it came, and whose request comes when there is room.
    using first = await Client.open(served.url);
    using late = await RawClient.connect(served.port);
    late.socket.write(encodeRequest('/').slice(0, 30));
    await until(() => served.server.stats().httpConnections === 1);
    await first.close();
    await until(() => served.server.stats().connections === 0);
    late.socket.write(encodeRequest('/').slice(30));
    expect(await late.response).toMatch(/^HTTP\/1\.1 503 /);
    await until(async () => (await statusOf(served, '/')) === 101);
  });

  it('who has a 101 gets what is published by another thread at once, to the topic that open() subscribes to', async () => {
    await using served = await serve({ handler: handler('answering-topics.js'), handshake: 'worker', threads: 2 });
    using publisher = await Client.open(served.url);
    expect(await publisher.text()).toBe('subscribed');
    for (let i = 0; i < 60; i++) {
      const client = await Client.open(served.url);
      publisher.send(`number ${i}`); // one message later than the 101, maybe before open() in the other thread
      expect(await client.text()).toBe('subscribed');
      // An earlier one may come, that was still on its way to the thread when the client subscribed.
      for (let text = ''; text !== `number ${i}`; ) text = await client.text();
      client[Symbol.dispose]();
    }
  });

  it('names that point to a loopback server are refused by every worker, first, later and after a reload', async () => {
    await using served = await serveInWorkers({ threads: 1 });
    const judged = async () => {
      const upgrade = (await refusal(served.url, { headers: { Host: 'evil.example' } })).status;
      using client = new HttpClient(served);
      client.write('GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
      const page = Number((await client.read(/^HTTP\/1\.1 \d{3} /)).slice(9, 12));
      return [upgrade, page, await statusOf(served, '/')];
    };
    expect(await judged()).toEqual([403, 403, 101]);
    using client = await Client.open(served.url);
    const first = (await about(client)).hostedIn;
    client.send('exit');
    await client.closed;
    await until(async () => (await statusOf(served, '/')) === 101);
    using next = await Client.open(served.url);
    expect((await about(next)).hostedIn).not.toBe(first);
    expect(await judged()).toEqual([403, 403, 101]);
    await served.server.reload();
    expect(await judged()).toEqual([403, 403, 101]);
    // Above the limits the primary judges.
    expect(served.server.stats().limits.refusedHosts).toBe(6);
  });
});
