import { connect, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Upgrade, UpgradeRequest } from '../../dist/index.js';
import { Client, refusal } from './client.js';
import { encodeFrame, encodeRequest, Opcode, RawClient } from './raw-client.js';
import { decideUpgrades, handler, isWorkerHandshake, primaryHasRead, type Served, serve, until } from './serving.js';
import { eachWay, onlyOnce } from './thread-counts.js';

type Decision = Awaited<ReturnType<Upgrade>>;

const deciding = handler('deciding.js');

/**
 * These look at timers of the thread of the hook, send it answers that cannot cross threads, or have the primary read a request.
 */
const inPrimary = it.skipIf(isWorkerHandshake);

/** An upgrade hook that the test keeps waiting until it knows what to answer. */
class PendingUpgrade {
  readonly asked: Promise<UpgradeRequest>;
  accept: (decision: Decision) => void = () => {};
  reject: (error: unknown) => void = () => {};

  constructor() {
    this.asked = new Promise((resolveAsked) => {
      decideUpgrades(
        (request) =>
          new Promise<Decision>((resolve, reject) => {
            this.accept = resolve;
            this.reject = reject;
            resolveAsked(request);
          }),
      );
    });
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A client that leaves before its hook has decided. @param meanwhile is done before it leaves */
async function leaveUndecided(served: Served, meanwhile: () => void = () => {}): Promise<PendingUpgrade> {
  const pending = new PendingUpgrade();
  using client = await RawClient.upgrading(served.port);
  await pending.asked;
  meanwhile();
  client.reset();
  while (served.server.stats().pendingUpgrades > 0) await turn();
  return pending;
}

/** What a promise resolves to, while fake timers go on as fast as the time: the messages of other threads take some. */
async function asTimePasses<Value>(promise: Promise<Value>): Promise<Value> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  while (!isSettled) {
    vi.advanceTimersByTime(25);
    await sleep(25); // not a fake one
  }
  return await promise;
}

// A test that has failed may not have come to its end, and others wait for timers.
afterEach(() => {
  vi.useRealTimers();
});

describe.each(eachWay(1))('an upgrade hook, with threads: %i', (threads) => {
  inPrimary('that takes its time leaves no timer when it has answered, or its client has left', async () => {
    await using served = await serve({ handler: deciding, threads, handshakeTimeoutMs: 54_321 });
    const set = vi.spyOn(globalThis, 'setTimeout');
    const cleared = vi.spyOn(globalThis, 'clearTimeout');
    try {
      const timers = () => set.mock.results.filter((_, i) => Number(set.mock.calls[i]?.[1]) > 50_000);
      const isCleared = (timer: unknown) => cleared.mock.calls.some(([its]) => its === timer);
      const accepting = new PendingUpgrade();
      const opening = Client.open(served.url);
      await accepting.asked;
      expect(timers().filter(({ value }) => !isCleared(value))).toHaveLength(1);
      accepting.accept({});
      using _client = await opening;
      const leaving = new PendingUpgrade();
      const lost = await RawClient.upgrading(served.port);
      await leaving.asked;
      lost.reset();
      await until(() => served.server.stats().pendingUpgrades === 0);
      leaving.accept(undefined);
      await until(() => timers().every(({ value }) => isCleared(value)));
      expect(timers().length).toBeGreaterThanOrEqual(2);
    } finally {
      set.mockRestore();
      cleared.mockRestore();
    }
  });

  it('sees the request, and what it attaches reaches the connection as a structured clone', async () => {
    await using served = await serve({ handler: deciding, threads, allowedOrigins: ['http://example.org'] });
    let seen: UpgradeRequest | undefined;
    decideUpgrades((request) => {
      seen = request;
      return { subprotocol: 'b', data: new Map([['user', { name: 'ada', tags: ['x'] }]]) };
    });
    using client = await Client.open(`${served.url}/room/7?token=a%20b&c`, {
      protocols: ['a', 'b'],
      origin: 'http://example.org',
      headers: { Cookie: 'a=1', 'X-Own': 'yes' },
    });
    expect(client.socket.protocol).toBe('b');
    expect(await client.json()).toMatchObject({
      id: expect.any(Number),
      remoteAddress: '127.0.0.1',
      path: '/room/7',
      query: 'token=a%20b&c',
      subprotocol: 'b',
      data: { map: [['user', { name: 'ada', tags: ['x'] }]] },
    });
    expect(seen).toMatchObject({
      path: '/room/7',
      query: 'token=a%20b&c',
      host: `127.0.0.1:${served.port}`,
      origin: 'http://example.org',
      subprotocols: ['a', 'b'],
      remoteAddress: '127.0.0.1',
    });
    expect([seen?.headers.get('cookie'), seen?.headers.get('X-OWN'), seen?.headers.get('absent')]).toEqual([
      'a=1',
      'yes',
      undefined,
    ]);
    // Without a subprotocol, origin or query.
    decideUpgrades((request) => {
      seen = request;
      return { data: new Date(5) };
    });
    using plain = await Client.open(served.url);
    expect(await plain.json()).toMatchObject({ path: '/', query: '', subprotocol: '', data: { date: 5 } });
    expect(seen).toMatchObject({ query: '', origin: undefined, subprotocols: [] });
  });

  it('adds headers, several of one name too', async () => {
    await using served = await serve({ handler: deciding, threads });
    decideUpgrades(() => ({ headers: { 'Set-Cookie': ['a=1; Path=/', 'b=2'], 'X-Own': 'yes' } }));
    using client = await RawClient.open(served.port);
    const response = await client.response;
    expect(response).toContain('\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nX-Own: yes\r\n');
  });

  it('accepts by returning nothing, now or later', async () => {
    await using served = await serve({ handler: deciding, threads });
    const nothings: ReturnType<Upgrade>[] = [undefined, Promise.resolve(undefined), Promise.resolve({})];
    for (const nothing of nothings) {
      decideUpgrades(() => nothing);
      using client = await Client.open(served.url, { protocols: [] });
      expect(await client.json()).toMatchObject({ subprotocol: '' });
    }
  });

  it('refuses with a status, headers and a body, now or later', async () => {
    await using served = await serve({ handler: deciding, threads });
    const decision = {
      status: 401,
      headers: { 'WWW-Authenticate': 'Basic', 'X-Own': 'é'.length.toString() },
      body: 'nö\n',
    };
    const expected = {
      status: 401,
      headers: { 'www-authenticate': 'Basic', connection: 'close', 'content-length': '4' },
      body: 'nö\n',
    };
    decideUpgrades(() => decision);
    expect(await refusal(served.url)).toMatchObject(expected);
    decideUpgrades(async () => decision);
    expect(await refusal(served.url)).toMatchObject(expected);
    decideUpgrades(() => ({ status: 302, headers: { Location: '/elsewhere' } }));
    expect(await refusal(served.url)).toMatchObject({ status: 302, headers: { location: '/elsewhere' } });
    await until(() => served.server.stats().pendingUpgrades === 0);
    expect(served.server.stats()).toMatchObject({ opened: 0, pendingUpgrades: 0 });
    expect(served.log.lines).toEqual([]);
  });

  inPrimary('causes a 500 and a line in the log if it fails, or asks for something impossible', async () => {
    await using served = await serve({ handler: deciding, threads });
    const failures: readonly (readonly [decide: () => unknown, logged: RegExp])[] = [
      [() => raise(new Error('has thrown')), /has thrown.*upgrade\.test/s],
      [() => raise('a string'), /a string/],
      [() => Promise.reject(new Error('has rejected')), /has rejected.*upgrade\.test/s],
      [() => Promise.reject(undefined), /undefined/],
      [() => ({ subprotocol: 'z' }), /subprotocol must be one that the client offered/],
      [async () => ({ subprotocol: 'z' }), /subprotocol must be one that the client offered/],
      [() => ({ status: 200 }), /status/],
      [() => ({ status: 1000 }), /status/],
      [() => ({ headers: { 'X-Own': 'two\r\nlines: yes' } }), /X-Own/],
      [() => ({ headers: { Upgrade: 'other' } }), /Upgrade/],
      [() => ({ data: () => {} }), /could not be cloned/],
      [() => ({ data: { deep: [Symbol('inside')] } }), /could not be cloned/],
      [async () => ({ data: new WeakMap() }), /could not be cloned/],
    ];
    for (const [decide, logged] of failures) {
      decideUpgrades(decide as () => ReturnType<Upgrade>);
      expect(await refusal(served.url, { protocols: ['a'] })).toMatchObject({ status: 500 });
      const line = served.log.lines.at(-1);
      expect(line).toMatch(/^error: upgrade\(\) of the handler failed, for 127\.0\.0\.1 on \/: /);
      expect(line).toMatch(logged);
    }
    expect(served.log.lines.length).toBeLessThanOrEqual(failures.length); // of each kind only the first at once
    decideUpgrades(() => undefined);
    using client = await Client.open(served.url);
    expect(await client.json()).toMatchObject({ path: '/' });
    await until(() => served.server.stats().pendingUpgrades === 0);
    expect(served.server.stats()).toMatchObject({ opened: 1, pendingUpgrades: 0 });
  });

  inPrimary(
    'lets no client in with a result that means nothing or cannot be read, and that is logged in one line',
    async () => {
      await using served = await serve({ handler: deciding, threads });
      const boom = () => raise(new Error('from a getter'));
      const unread = { enumerable: true, get: boom };
      const twice = (resolve: (answer: unknown) => void) => {
        resolve(false);
        resolve(undefined);
        boom();
      };
      const thenable = (then: unknown) => ({ then });
      const answers: readonly (() => unknown)[] = [
        ...[false, null, 0, 401, 'no', [], true].flatMap((value) => [() => value, async () => value]),
        () => ({ statusCode: 401 }),
        async () => ({ stauts: 401 }),
        () => ({ status: 401, data: 1 }),
        () => Object.defineProperty({}, 'status', unread),
        async () => Object.defineProperty({ subprotocol: 'a' }, 'headers', unread),
        () => ({ headers: Object.defineProperty({}, 'X-Own', unread) }),
        () => ({ status: 401, headers: { 'X-Own': 1 } }),
        () => Object.defineProperty({}, 'then', unread),
        () => new Proxy({}, { get: boom }),
        () => new Proxy({}, { getOwnPropertyDescriptor: boom, ownKeys: boom, getPrototypeOf: boom }),
        () => thenable(boom),
        () => thenable(twice),
        () => raise(Object.create(null)),
        () => raise({ toString: boom }),
        () => Promise.reject(Object.defineProperty(new Error('no stack'), 'stack', unread)),
      ];
      for (const answer of answers) {
        decideUpgrades(answer as () => ReturnType<Upgrade>);
        expect(await refusal(served.url, { protocols: ['a'] })).toMatchObject({ status: 500 });
      }
      await served.server.close(); // tells what is still to be told
      let told = 0;
      for (const line of served.log.lines) {
        const [, times] =
          /^error: (?:(\d+) times (?:more, )?last )?upgrade\(\) of the handler failed, for 127\.0\.0\.1 on \/: ./.exec(
            line,
          ) ?? [line];
        told += Number(times ?? 1);
        if (!line.includes('from a getter')) expect(line).toMatch(/^[ -~]{30,800}$/);
      }
      expect(told).toBe(answers.length);
      expect(served.log.lines[0]).toMatch(/: it must return undefined or \{.*\} to accept, .* to refuse; got false$/);
      await until(() => served.server.stats().pendingUpgrades === 0);
      expect(served.server.stats()).toMatchObject({ opened: 0, pendingUpgrades: 0 });
    },
  );

  inPrimary('may not attach a symbol: answered with 500, like all that cannot be cloned', async () => {
    await using served = await serve({ handler: deciding, threads });
    decideUpgrades(() => ({ data: Symbol('alone') }));
    expect(await refusal(served.url)).toMatchObject({ status: 500 });
    expect(served.log.lines.at(-1)).toMatch(/could not be cloned/);
  });

  it('may take its time while the client sends: nothing is lost, and the order stays', async () => {
    await using served = await serve({ handler: deciding, threads });
    const pending = new PendingUpgrade();
    using client = await RawClient.upgrading(served.port, '/?quiet', encodeFrame(Opcode.TEXT, '0'));
    await pending.asked;
    await until(() => served.server.stats().pendingUpgrades === 1);
    for (let i = 1; i < 500; i++) client.text(String(i));
    const last = encodeFrame(Opcode.TEXT, 'last');
    client.socket.write(last.subarray(0, 7));
    await primaryHasRead(served);
    pending.accept(undefined);
    client.socket.write(last.subarray(7));
    for (let i = 0; i < 500; i++) expect(String((await client.next()).payload)).toBe(String(i));
    expect(String((await client.next()).payload)).toBe('last');
    await until(() => served.server.stats().pendingUpgrades === 0);
  });

  it('may take its time while the client resets', async () => {
    await using served = await serve({ handler: deciding, threads });
    for (const settle of ['accept', 'reject'] as const) {
      const pending = new PendingUpgrade();
      using client = await RawClient.upgrading(served.port, '/?quiet', encodeFrame(Opcode.TEXT, 'early'));
      await pending.asked;
      await until(() => served.server.stats().pendingUpgrades === 1);
      client.reset();
      await until(() => served.server.stats().pendingUpgrades === 0);
      if (settle === 'accept') pending.accept({ subprotocol: 'not offered' });
      else pending.reject(new Error('too late'));
    }
    expect(await served.log.line(/too late/)).toMatch(/upgrade\(\) of the handler failed/);
    decideUpgrades(() => undefined);
    using client = await Client.open(served.url);
    await client.next();
    expect(served.server.stats()).toMatchObject({ opened: 1, connections: 1 });
  });

  it('may take its time while the client sends and ends: what it sent is still answered', async () => {
    await using served = await serve({ handler: deciding, threads });
    const pending = new PendingUpgrade();
    using client = await RawClient.upgrading(served.port, '/?quiet', encodeFrame(Opcode.TEXT, 'early'));
    await pending.asked;
    client.text('later');
    client.socket.end();
    await primaryHasRead(served);
    pending.accept(undefined);
    expect(String((await client.next()).payload)).toBe('early');
    expect(String((await client.next()).payload)).toBe('later');
    await client.closed;
    await until(() => served.server.stats().connections === 0);
  });

  inPrimary('may take its time behind the answer to another request: the socket does not count as idle', async () => {
    await using served = await serve({ handler: deciding, threads });
    const pending = new PendingUpgrade();
    const set = vi.spyOn(Socket.prototype, 'setTimeout');
    try {
      using client = await RawClient.connect(served.port);
      client.socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\n\r\n${encodeRequest('/')}`);
      await pending.asked;
      const limits = new Map(set.mock.contexts.map((socket, i) => [socket, set.mock.calls[i]?.[0]]));
      expect(Math.max(...set.mock.calls.map(([ms]) => ms))).toBeGreaterThan(0); // Node has set one
      expect(new Set(limits.values())).toEqual(new Set([0]));
    } finally {
      set.mockRestore();
      pending.accept(undefined);
    }
  });

  it('that keeps two clients waiting counts each of them once: both places are taken', async () => {
    await using served = await serve({ handler: deciding, threads, maxConnectionsPerIp: 2, maxConnections: 2 });
    const waiting: RawClient[] = [];
    for (const place of [1, 2]) {
      const pending = new PendingUpgrade();
      waiting.push(await RawClient.upgrading(served.port));
      await pending.asked;
      await until(() => served.server.stats().pendingUpgrades === place);
      expect(served.server.stats()).toMatchObject({ pendingUpgrades: place, httpConnections: 0 });
    }
    expect(await refusal(served.url)).toMatchObject({ status: 503 });
    for (const client of waiting) client[Symbol.dispose]();
  });

  it('that refuses gives the place of the client back at once, also if the client stays connected', async () => {
    await using served = await serve({ handler: deciding, threads, maxConnectionsPerIp: 1, maxConnections: 1 });
    const decisions: readonly (() => ReturnType<Upgrade>)[] = [
      () => ({ status: 403 }),
      async () => ({ status: 403 }),
      () => raise(new Error('cannot decide')),
    ];
    const clients: RawClient[] = [];
    for (const decide of decisions) {
      decideUpgrades(decide);
      const client = await RawClient.upgrading(served.port);
      clients.push(client);
      expect(await client.response).toMatch(/^HTTP\/1\.1 (403|500) /);
    }
    decideUpgrades(() => undefined);
    using client = await Client.open(served.url);
    expect(await client.json()).toMatchObject({ path: '/' });
    for (const one of clients) one[Symbol.dispose]();
  });

  it.runIf(process.platform === 'linux').each([
    ['and has sent nothing more', 0],
    ['and has sent a little', 100],
    ['and has sent more than is read', 100_000],
  ])('gives the place of a client back that leaves before it has decided, %s', async (_, bytes) => {
    await using served = await serve({
      handler: deciding,
      threads,
      maxConnectionsPerIp: 1,
      handshakeTimeoutMs: 60_000,
    });
    const pending = new PendingUpgrade();
    using client = await RawClient.upgrading(served.port, '/', Buffer.alloc(bytes));
    await pending.asked;
    await until(() => served.server.stats().pendingUpgrades === 1);
    client.socket.end();
    await until(() => served.server.stats().pendingUpgrades === 0);
    decideUpgrades(() => undefined);
    using next = await Client.open(served.url);
    expect(await next.json()).toMatchObject({ path: '/' });
    pending.accept(undefined);
    await until(() => served.server.stats().opened === 2 && served.server.stats().connections === 1);
  });

  it('does not run for many more clients that have left than there may be connections', async () => {
    for (const limit of [{ maxConnectionsPerIp: 2 }, { maxConnections: 2 }]) {
      await using served = await serve({ handler: deciding, threads, ...limit });
      const hooks: PendingUpgrade[] = [];
      for (let i = 0; i < 3; i++) {
        const pending = new PendingUpgrade();
        hooks.push(pending);
        using client = await RawClient.upgrading(served.port);
        await pending.asked;
        await until(() => served.server.stats().pendingUpgrades === 1);
        client.reset();
        await until(() => served.server.stats().pendingUpgrades === 0);
      }
      let asked = 0;
      decideUpgrades(() => {
        asked++;
        return undefined;
      });
      expect(await refusal(served.url)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
      expect([asked, served.server.stats().limits.orphanedHooks]).toEqual([0, 1]);
      await served.log.line(/refused: the hook upgrade still runs for too many clients that have left/);
      hooks[0]?.accept(undefined);
      await until(async () => {
        const client = await Client.open(served.url).catch(() => undefined);
        client?.[Symbol.dispose]();
        return client !== undefined;
      });
      expect(asked).toBe(1);
      for (const pending of hooks) pending.accept(undefined);
    }
  });

  // Above the limits the primary answers a few only, if workers do the opening handshake.
  inPrimary.each([
    ['', 0],
    [', behind many that were refused', 40],
  ])(
    'a client that comes back at once is not refused because the end of its old connection is not reported yet%s',
    async (_, refused) => {
      await using served = await serve({ handler: deciding, threads, maxConnectionsPerIp: 1 });
      decideUpgrades(() => undefined);
      using client = await RawClient.open(served.port);
      await until(() => served.server.stats().connections === 1);
      for (const { status } of await Promise.all(Array.from({ length: refused }, () => refusal(served.url)))) {
        expect(status).toBe(503);
      }
      vi.useFakeTimers({ toFake: ['setTimeout'] });
      try {
        using next = await RawClient.upgrading(served.port);
        while (vi.getTimerCount() === 0) await turn(); // until it waits for a place
        client.reset();
        while (served.server.stats().connections > 0) await turn();
        for (let i = 0; i < 100; i++) await turn();
        // The worker has counted the end before the primary hears of it: it may have to look more than once.
        expect(await asTimePasses(next.response)).toMatch(/^HTTP\/1\.1 101 /);
        expect(served.server.stats().limits.refusedAddresses).toBe(refused);
      } finally {
        vi.useRealTimers();
      }
    },
  );

  inPrimary(
    'a few clients above the limits may wait for a place that is about to be free; others are refused at once',
    async () => {
      await using served = await serve({ handler: deciding, threads, maxConnections: 1 });
      decideUpgrades(() => undefined);
      using _ = await RawClient.open(served.port);
      await until(() => served.server.stats().connections === 1);
      const refused = () => served.server.stats().limits.refusedFull;
      const clients: RawClient[] = [];
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      try {
        // As many as get an answer at all.
        for (let i = 0; i < 32 + 8; i++) {
          const localAddress = `127.0.0.${10 + (i % 4)}`;
          const socket = connect({ port: served.port, host: '127.0.0.1', localAddress, allowHalfOpen: true });
          socket.write(encodeRequest('/'));
          clients.push(new RawClient(socket));
        }
        for (let i = 0; i < 10_000 && refused() < 8; i++) await turn();
        for (let i = 0; i < 100; i++) await turn();
        expect(refused()).toBe(8);
        vi.advanceTimersByTime(4 * 25);
        expect(refused()).toBe(32 + 8);
        for (const { response } of clients) expect(await response).toMatch(/^HTTP\/1\.1 503 /);
      } finally {
        vi.useRealTimers();
        for (const client of clients) client[Symbol.dispose]();
      }
    },
  );

  inPrimary('a client that waits for a place is refused at once when the server closes', async () => {
    const served = await serve({ handler: deciding, threads, maxConnectionsPerIp: 1 });
    decideUpgrades(() => undefined);
    using _client = await RawClient.open(served.port);
    await until(() => served.server.stats().connections === 1);
    using waiting = await RawClient.connect(served.port);
    const request = encodeRequest('/');
    waiting.socket.write(request.slice(0, 50)); // so that it comes by the HTTP server
    await until(() => served.server.stats().httpConnections === 1);
    waiting.socket.write(request.slice(50));
    await primaryHasRead(served);
    const closed = served.server.close({ drainMs: 1000 });
    expect(await waiting.response).toMatch(/^HTTP\/1\.1 503 /);
    await closed;
  });

  inPrimary('a client that leaves while it waits for a place takes none', async () => {
    await using served = await serve({ handler: deciding, threads, maxConnectionsPerIp: 1 });
    let asked = 0;
    decideUpgrades(() => {
      asked++;
      return undefined;
    });
    for (let round = 0; round < 3; round++) {
      using client = await RawClient.open(served.port);
      await until(() => served.server.stats().connections === 1);
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      vi.useFakeTimers({ toFake: ['setTimeout'] });
      try {
        using waiting = await RawClient.connect(served.port);
        const request = encodeRequest('/');
        waiting.socket.write(request.slice(0, 50)); // so that it comes by the HTTP server
        while (served.server.stats().httpConnections === 0) await turn();
        waiting.socket.write(request.slice(50));
        while (served.server.stats().httpConnections > 0 && vi.getTimerCount() < 2) await turn();
        for (let i = 0; i < 100; i++) await turn();
        waiting.reset();
        client.reset();
        while (served.server.stats().connections + served.server.stats().httpConnections > 0) await turn();
        vi.advanceTimersByTime(25);
      } finally {
        vi.useRealTimers();
      }
    }
    using next = await Client.open(served.url);
    expect(await next.json()).toMatchObject({ path: '/' });
    expect(asked).toBe(4);
  });

  it('that never decides counts for a client that has left until the client would have been refused', async () => {
    await using served = await serve({ handler: deciding, threads, maxConnectionsPerIp: 1, handshakeTimeoutMs: 100 });
    const pending = new PendingUpgrade();
    const client = await RawClient.upgrading(served.port);
    await pending.asked;
    await until(() => served.server.stats().pendingUpgrades === 1);
    client.reset();
    await until(() => served.server.stats().pendingUpgrades === 0);
    decideUpgrades(() => undefined);
    await until(async () => {
      const next = await Client.open(served.url).catch(() => undefined);
      next?.[Symbol.dispose]();
      return next !== undefined;
    });
    pending.accept(undefined);
  });

  inPrimary('that decides after all, for a client that left long before, is not counted down twice', async () => {
    await using served = await serve({ handler: deciding, threads, maxConnections: 1 });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const [first, other] = [await leaveUndecided(served), await leaveUndecided(served)];
      using refused = await RawClient.upgrading(served.port);
      expect(await refused.response).toMatch(/^HTTP\/1\.1 503 /);
      vi.advanceTimersByTime(60_000); // now neither is counted
      const third = new PendingUpgrade();
      using next = await RawClient.upgrading(served.port);
      await third.asked;
      first.accept(undefined);
      await turn();
      next.reset();
      while (served.server.stats().pendingUpgrades > 0) await turn();
      const second = await leaveUndecided(served);
      using last = await RawClient.upgrading(served.port);
      expect(await last.response).toMatch(/^HTTP\/1\.1 503 /);
      for (const pending of [other, third]) pending.accept(undefined);
      second.accept(undefined);
    } finally {
      vi.useRealTimers();
    }
  });

  inPrimary('that never decides does not count longer for a client that has left late', async () => {
    await using served = await serve({
      handler: deciding,
      threads,
      maxConnectionsPerIp: 1,
      handshakeTimeoutMs: 60_000,
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const pending = await leaveUndecided(served, () => vi.advanceTimersByTime(40_000));
      decideUpgrades(() => undefined);
      vi.advanceTimersByTime(20_000);
      using next = await RawClient.upgrading(served.port);
      expect(await next.response).toMatch(/^HTTP\/1\.1 101 /);
      pending.accept(undefined);
    } finally {
      vi.useRealTimers();
    }
  });

  inPrimary('that has decided leaves nothing behind, and a client that leaves later is noticed', async () => {
    await using served = await serve({ handler: deciding, threads, handshakeTimeoutMs: 60_000 });
    const [set, cleared] = [vi.spyOn(globalThis, 'setInterval'), vi.spyOn(globalThis, 'clearInterval')];
    try {
      for (const leaves of [false, true, false]) {
        const pending = new PendingUpgrade();
        using client = await RawClient.upgrading(served.port);
        await pending.asked;
        const timer = set.mock.results[set.mock.calls.findLastIndex(([, ms]) => ms === 100)]?.value;
        expect(timer).toBeDefined();
        if (leaves) client.socket.end();
        else pending.accept({ status: 403 });
        await until(() => served.server.stats().pendingUpgrades === 0);
        await until(() => cleared.mock.calls.some(([one]) => one === timer));
        pending.accept(undefined);
      }
    } finally {
      set.mockRestore();
      cleared.mockRestore();
    }
  });

  it('that never decides is answered with 503 after handshakeTimeoutMs, and its decision is then ignored', async () => {
    await using served = await serve({ handler: deciding, threads, handshakeTimeoutMs: 50 });
    const pending = new PendingUpgrade();
    const refused = refusal(served.url);
    await pending.asked;
    expect(await refused).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    pending.accept(undefined);
    await until(() => served.server.stats().pendingUpgrades === 0);
    expect(served.server.stats()).toMatchObject({
      pendingUpgrades: 0,
      opened: 0,
      limits: { hookTimeouts: 1, refusedHandshakes: 0 },
    });
    expect(served.log.lines).toEqual([
      'info: 127.0.0.1 on /: refused: the hook upgrade, or the promise of the application in its place, did not decide in time (handshakeTimeoutMs)',
    ]);
  });

  it('that never decides does not keep the server from closing', async () => {
    const served = await serve({ handler: deciding, threads, handshakeTimeoutMs: 2 ** 31 - 1 });
    const pending = new PendingUpgrade();
    using client = await RawClient.upgrading(served.port);
    await pending.asked;
    await served.server.close({ drainMs: 10 });
    await client.ended;
    // If it decides after all, nothing happens.
    pending.accept(undefined);
    expect(served.server.stats().limits.hookTimeouts).toBe(0);
  });
});

describe.each(onlyOnce)('what a client sends to be upgraded', () => {
  it('is refused with the status that says why, and the refusal is whole although the client sends on', async () => {
    await using served = await serve({ handler: deciding, threads: 0, path: '/here' });
    decideUpgrades(() => undefined);
    expect(await refusal(`${served.url}/there`)).toMatchObject({ status: 404 });
    const misled = await refusal(`${served.url}/here`, { headers: { Host: 'two words' } });
    expect(misled).toMatchObject({ status: 400, body: expect.stringMatching(/^Host must be .*\n$/) });
    const old = await refusal(`${served.url}/here`, { protocolVersion: 8 });
    expect(old).toMatchObject({ status: 426, headers: { 'sec-websocket-version': '13' } });

    using raw = await RawClient.upgrading(served.port, '/there', Buffer.alloc(500_000));
    expect(await raw.response).toMatch(/^HTTP\/1\.1 404 /);
    raw.socket.end();
    await raw.closed;
  });

  it('must come within handshakeTimeoutMs', async () => {
    await using served = await serve({ handler: deciding, threads: 0, handshakeTimeoutMs: 40 });
    using silent = await RawClient.connect(served.port);
    using slow = await RawClient.connect(served.port);
    slow.socket.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: webso');
    await Promise.all([silent.ended, slow.ended]);
  });
});

function raise(error: unknown): never {
  throw error;
}
