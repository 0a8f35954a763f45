import { once } from 'node:events';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AcceptedInfo, OpenedHandOff, StreamHandOff } from '../../dist/host/hand-off.js';
import type { Upgrade } from '../../dist/index.js';
import { AcceptedConnections, type OpeningTls } from '../../dist/opening/accepted-connections.js';
import { answer } from '../../dist/opening/answer.js';
import type { OpeningOptions } from '../../dist/opening/opening.js';
import { ThreadLedger } from '../../dist/pubsub/thread-ledger.js';
import { descriptorOf } from '../../dist/system/descriptor.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { encodeRequest, RawClient } from '../e2e/raw-client.js';
import { materialOf, pair } from '../tls/certificates.js';

const calls = await loadSystemCalls();
setFlagsFromString('--expose-gc');
const LIMIT_MS = 10_000;

const OPTIONS: OpeningOptions = {
  handshakeTimeoutMs: LIMIT_MS,
  maxHeaderBytes: 4096,
  maxHeaderCount: 20,
  stallTimeoutMs: 0,
  maxConnections: 100,
  maxConnectionsPerIp: 0,
  paths: undefined,
  allowedHosts: undefined,
  allowedOrigins: undefined,
  trustedProxies: [],
  proxyHeader: undefined,
};

/** Collects garbage: whatever nothing refers to any more is gone then. */
const gc = runInNewContext('gc') as () => void;

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Asks again in every turn of the event loop, because timers are not real here. A test that has failed asks no more. */
async function until(holds: () => boolean): Promise<void> {
  const asking = opening;
  while (!holds()) {
    await turn();
    if (opening !== asking) throw new Error('the test is over');
  }
}

let folder: string;
let counters: Counters;
let ended: number[];
let hosted: OpenedHandOff[];
/** The connections that are hosted as streams, as all are over TLS. */
let streams: StreamHandOff[];
let lines: string[];
/** What the 101s that were on their way said of the thread, when a connection was hosted. */
let isAwaited: boolean[];
let asked: string[];
let decide: Upgrade;
let opening: AcceptedConnections;
let listening: Server[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
  counters = new Counters();
  [ended, hosted, asked, isAwaited, listening] = [[], [], [], [], []];
  [streams, lines] = [[], []];
  decide = () => undefined;
  opening = create(undefined);
});

function create(tls: OpeningTls | undefined, { stallTimeoutMs = 0, body = 'found\n' } = {}): AcceptedConnections {
  let awaited = 0;
  const over = ended; // of this test: a connection may be noticed to be over only in the next one
  const ledger = new ThreadLedger();
  vi.spyOn(ledger, 'addAwaited101').mockImplementation((change) => {
    awaited += change;
  });
  return new AcceptedConnections({
    options: { ...OPTIONS, stallTimeoutMs },
    upgrade: (request) => {
      asked.push(request.path);
      return decide(request);
    },
    host: {
      adopt: (handOff: OpenedHandOff) => {
        isAwaited.push(awaited > 0);
        hosted.push(handOff);
      },
      adoptStream: (handOff: StreamHandOff) => {
        if (tls === undefined) expect.fail('every socket here has a descriptor');
        streams.push(handOff);
      },
    },
    admit: () => expect.fail('there are no proxies'),
    calls,
    counters,
    ledger,
    log: new ThrottledLog(({ line }) => lines.push(line)),
    routes: { has: () => true, handle: (request, response) => answer(request, response, 200, 'text/plain', body) },
    onEnded: (id) => over.push(id),
    tls,
  });
}

afterEach(() => {
  vi.useRealTimers();
  opening.drain(); // those that wait for their hook are refused, and then destroyed
  opening.destroyAll();
  for (const { fd } of hosted) closeSync(fd);
  for (const { stream } of streams) stream.destroy();
  for (const server of listening) server.close();
  rmSync(folder, { recursive: true });
});

/** A client, and the descriptor of its connection, of which nothing was read. */
async function accepted(way: 'TCP' | 'a unix socket' = 'TCP'): Promise<{ client: RawClient; fd: number }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  listening.push(server);
  if (way === 'TCP') server.listen(0, '127.0.0.1');
  else server.listen(join(folder, 'socket'));
  await once(server, 'listening');
  const connection = once(server, 'connection') as Promise<[Socket]>;
  const address = server.address();
  const target = typeof address === 'string' ? { path: address } : { port: address?.port ?? 0, host: '127.0.0.1' };
  const socket = connect({ ...target, allowHalfOpen: true });
  await once(socket, 'connect');
  const [ours] = await connection;
  const fd = calls.duplicate(descriptorOf(ours));
  ours.destroy();
  return { client: new RawClient(socket), fd };
}

const fakeTime = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });

/** Has a thread take a connection, with what the client has sent before. */
async function take(sent = '', id = 7, way?: 'TCP' | 'a unix socket'): Promise<RawClient> {
  const { client, fd } = await accepted(way);
  if (sent !== '') {
    client.socket.write(sent);
    while (calls.peek(fd, Buffer.allocUnsafeSlow(4096)) < sent.length) await turn();
  }
  opening.take({ fd, info: { id, remoteAddress: way === 'a unix socket' ? undefined : '127.0.0.1' } });
  return client;
}

const unopened = () => counters.get(Counter.UNOPENED);

describe.runIf(process.platform === 'linux')('a worker that opens connections', () => {
  it('hosts one in the same turn, by its own descriptor, if its request is there', async () => {
    const { client, fd } = await accepted();
    client.socket.write(encodeRequest('/here?x'));
    while (calls.peek(fd, Buffer.allocUnsafeSlow(4096)) <= 0) await turn();
    opening.take({ fd, info: { id: 3, remoteAddress: '127.0.0.1' } });
    expect(hosted).toMatchObject([{ fd, info: { id: 3, remoteAddress: '127.0.0.1', path: '/here', query: 'x' } }]);
    expect(isAwaited).toEqual([true]);
    expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
    expect([ended, unopened()]).toEqual([[], 0]);
    client[Symbol.dispose]();
  });

  it.each(['TCP', 'a unix socket'] as const)('hosts one whose request comes later, over %s', async (way) => {
    using client = await take('', 7, way);
    await turn();
    client.socket.write(encodeRequest('/'));
    expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
    await until(() => hosted.length === 1);
    expect(hosted).toMatchObject([{ info: { id: 7, remoteAddress: way === 'TCP' ? '127.0.0.1' : undefined } }]);
    expect([ended, unopened()]).toEqual([[], 0]);
  });

  it('gives one without an address to the HTTP server also if its request is there', async () => {
    using client = await take(encodeRequest('/'), 7, 'a unix socket');
    expect(hosted).toEqual([]);
    expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
    await until(() => hosted.length === 1);
  });

  it('has one deadline for the request and the hook together', async () => {
    decide = () => new Promise(() => {});
    fakeTime();
    using client = await take();
    vi.advanceTimersByTime(LIMIT_MS - 1000);
    client.socket.write(encodeRequest('/never'));
    await until(() => asked.length === 1);
    await turn();
    vi.advanceTimersByTime(999);
    expect(counters.get(Counter.HOOK_TIMEOUTS)).toBe(0);
    vi.advanceTimersByTime(1);
    expect(counters.get(Counter.HOOK_TIMEOUTS)).toBe(1);
    expect(await client.response).toMatch(/^HTTP\/1\.1 503 /);
    await until(() => ended.length === 1);
  });

  it('gives the hook the whole time behind an ordinary request', async () => {
    decide = () => new Promise(() => {});
    fakeTime();
    using client = await take();
    client.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await client.response).toMatch(/^HTTP\/1\.1 200 /);
    vi.advanceTimersByTime(LIMIT_MS - 1000);
    client.socket.write(encodeRequest('/never'));
    await until(() => asked.length === 1);
    vi.advanceTimersByTime(LIMIT_MS - 1);
    expect(counters.get(Counter.HOOK_TIMEOUTS)).toBe(0);
    vi.advanceTimersByTime(1);
    expect(counters.get(Counter.HOOK_TIMEOUTS)).toBe(1);
    await until(() => ended.length === 1);
  });

  it.each([
    ['nothing', ''],
    ['half a request', encodeRequest('/').slice(0, 50)],
  ])('answers 408 if %s has come in time', async (_, sent) => {
    fakeTime();
    using client = await take(sent);
    vi.advanceTimersByTime(LIMIT_MS - 1);
    await turn();
    expect(counters.get(Counter.REFUSED_HANDSHAKES)).toBe(0);
    vi.advanceTimersByTime(1);
    expect(await client.response).toMatch(/^HTTP\/1\.1 408 /);
    client.reset();
    await until(() => ended.length === 1);
  });

  it.each([
    ['is refused', encodeRequest('/'), () => ({ status: 403 })],
    ['is refused later', encodeRequest('/'), async () => ({ status: 403 })],
    ['fails in its hook', encodeRequest('/'), () => Promise.reject(new Error('on purpose'))],
    ['is no request', 'x\r\n\r\n', undefined],
    ['is an ordinary request', 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', undefined],
  ] as const)('reports one that %s as over, once', async (_, sent, hook) => {
    if (hook !== undefined) decide = hook as Upgrade;
    using client = await take(sent, 11);
    expect(await client.response).toMatch(/^HTTP\/1\.1 [2-5]/);
    client.socket.end();
    await until(() => ended.length === 1);
    await client.ended;
    for (let i = 0; i < 20; i++) await turn();
    expect([ended, unopened(), hosted]).toEqual([[11], 1, []]);
    expect([counters.get(Counter.HTTP_CONNECTIONS), counters.get(Counter.PENDING_UPGRADES)]).toEqual([0, 0]);
  });

  it.each([
    ['by its descriptor', ''],
    ['by the HTTP server', 'X-Folded: 1\r\n 2\r\n'],
  ])('reports one that is refused as over at once, also while its client stays, %s', async (_, more) => {
    using client = await take(encodeRequest('/').replace('Version: 13\r\n', `Version: 12\r\n${more}`), 11);
    expect(await client.response).toMatch(/^HTTP\/1\.1 4/);
    expect([ended, unopened()]).toEqual([[11], 1]);
    client.socket.end();
    await client.ended;
    for (let i = 0; i < 20; i++) await turn();
    expect([ended, unopened()]).toEqual([[11], 1]);
  });

  it('has gauges that are right at the end of the turn', async () => {
    decide = () => new Promise(() => {});
    using silent = await take('', 1);
    await turn();
    expect(counters.get(Counter.HTTP_CONNECTIONS)).toBe(1);
    using waiting = await take(encodeRequest('/'), 2);
    await turn();
    expect([counters.get(Counter.HTTP_CONNECTIONS), counters.get(Counter.PENDING_UPGRADES)]).toEqual([1, 1]);
    silent.reset();
    waiting.reset();
    await until(() => ended.length === 2);
    await turn();
    await turn();
    expect([counters.get(Counter.HTTP_CONNECTIONS), counters.get(Counter.PENDING_UPGRADES)]).toEqual([0, 0]);
  });

  it('refuses those that wait for their hook when it drains, and all that come then', async () => {
    decide = () => new Promise(() => {});
    using waiting = await take(encodeRequest('/'), 1);
    opening.drain();
    using late = await take(encodeRequest('/'), 2);
    for (const { response } of [waiting, late]) expect(await response).toMatch(/^HTTP\/1\.1 503 /);
    await until(() => ended.length === 2);
    expect([...ended].sort()).toEqual([1, 2]);
  });
});

/** Longer than a test may take. */
const LONG_MS = 60_000;

/** Waits a moment in real time, longer than the interval of the checks. @returns whether they are settled then */
async function areSettled(settled: Promise<void>): Promise<boolean> {
  let areSettled = false;
  void settled.then(() => {
    areSettled = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 30));
  return areSettled;
}

describe.runIf(process.platform === 'linux')('opening handshakes are settled', () => {
  it('at once if there are none, though clients have had an answer to an ordinary request', async () => {
    await opening.settled(LONG_MS);
    using client = await take('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await client.response).toMatch(/^HTTP\/1\.1 200 /);
    await opening.settled(LONG_MS);
    expect(ended).toEqual([]);
  });

  it.each([
    ['its descriptor', true],
    ['the HTTP server', false],
  ])('when the hook has decided about the last of them, by %s', async (_, isThere) => {
    let accept: () => void = () => {};
    decide = () => new Promise<undefined>((resolve) => (accept = () => resolve(undefined)));
    const request = encodeRequest('/');
    using client = await take(isThere ? request : '');
    const settled = opening.settled(LONG_MS);
    if (!isThere) {
      expect(await areSettled(settled)).toBe(false); // it waits for the request
      client.socket.write(request);
      await until(() => asked.length === 1);
    }
    expect(await areSettled(settled)).toBe(false);
    accept();
    await settled;
    expect(hosted.length).toBe(1);
  });

  it('at the latest after the limit', async () => {
    decide = () => new Promise(() => {});
    using _client = await take(encodeRequest('/'));
    await opening.settled(0);
    await opening.settled(25);
    expect([hosted, ended]).toEqual([[], []]);
  });
});

const material = await materialOf(pair('default'));
const LATE = 'no handshake in time (handshakeTimeoutMs)';

describe.runIf(process.platform === 'linux')('a worker that speaks TLS', () => {
  beforeEach(() => {
    opening.destroyAll();
    opening = create({ material, maxTlsHandshakes: 1 });
  });

  /** A client of a connection that the worker has taken, and that has not begun TLS. */
  async function taken(info: Partial<AcceptedInfo> = {}): Promise<Socket> {
    const { client, fd } = await accepted();
    opening.take({ fd, info: { id: 7, remoteAddress: '127.0.0.1', ...info } });
    return client.socket;
  }

  /** The same when its handshake is over, for the worker too: in TLS 1.2 that ends with the server. */
  async function secure(socket: Socket): Promise<RawClient> {
    const secured: TLSSocket = connectTls({ socket, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
    await once(secured, 'secureConnect');
    return new RawClient(secured);
  }

  it('hosts a connection as a stream, and has no more to do with it, whatever time goes by', async () => {
    fakeTime();
    using client = await secure(await taken());
    client.socket.write(encodeRequest('/here'));
    expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
    await until(() => streams.length === 1);
    expect(streams).toMatchObject([{ info: { id: 7, remoteAddress: '127.0.0.1', path: '/here', tls: {} } }]);
    vi.advanceTimersByTime(2 * LIMIT_MS);
    expect([streams[0]?.stream.destroyed, ended, unopened(), lines]).toEqual([false, [], 0, []]);
  });

  it('is not settled from the beginning of TLS to the answer', async () => {
    const socket = await taken();
    const settled = opening.settled(LONG_MS);
    expect(await areSettled(settled)).toBe(false);
    using client = await secure(socket);
    expect(await areSettled(settled)).toBe(false);
    client.socket.write(encodeRequest('/'));
    await settled;
    expect(streams.length).toBe(1);
  });

  it('keeps nothing of the request for a connection that it hosts, not even a listener of its own', async () => {
    const requests: WeakRef<object>[] = [];
    decide = async (request) => {
      requests.push(new WeakRef(request), new WeakRef(request.headers));
      return {};
    };
    for (const id of [1, 2]) {
      const client = await secure(await taken({ id }));
      client.socket.write(encodeRequest('/'));
      expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
    }
    await until(() => streams.length === 2);
    const [first, second] = streams.map(({ stream }) => stream as TLSSocket) as [TLSSocket, TLSSocket];
    // What listens to all connections alike is the same function for each, so it knows of none in particular.
    expect(first.eventNames()).toEqual(second.eventNames());
    for (const event of first.eventNames()) {
      const [ours, theirs] = [first.rawListeners(event), second.rawListeners(event)];
      expect(ours.length).toBe(theirs.length);
      for (const [i, listener] of ours.entries()) expect(listener, String(event)).toBe(theirs[i]);
    }
    await until(() => {
      gc(); // Node lets go of the last of it some turns later
      return requests.every((request) => request.deref() === undefined);
    });
  });

  it('has one deadline for TLS and the request together, which is less by what the PROXY protocol has taken', async () => {
    fakeTime();
    const socket = await taken({ proxied: { isTold: true, waitedMs: 1000 } });
    vi.advanceTimersByTime(LIMIT_MS - 2000);
    using client = await secure(socket);
    vi.advanceTimersByTime(999);
    expect([lines, counters.get(Counter.REFUSED_HANDSHAKES)]).toEqual([[], 0]);
    vi.advanceTimersByTime(1);
    expect(await client.response).toMatch(/^HTTP\/1\.1 408 /);
    expect(counters.get(Counter.REFUSED_TLS)).toBe(0);
  });

  it('closes a connection whose handshake is not over in time, and names the client that the PROXY protocol has told', async () => {
    fakeTime();
    const socket = await taken({ remoteAddress: '192.0.2.9', proxied: { isTold: true, waitedMs: 0 } });
    vi.advanceTimersByTime(LIMIT_MS);
    await once(socket.resume(), 'end');
    expect(lines).toEqual([expect.stringMatching(/^192\.0\.2\.9: /)]);
    expect(lines[0]).toContain(LATE);
    await until(() => ended.length === 1);
    expect([ended, unopened()]).toEqual([[7], 1]);
  });

  it('reports one whose client leaves as over, once, in its handshake or behind it', async () => {
    (await taken()).resetAndDestroy();
    await until(() => ended.length === 1);
    const waiting = [await taken({ id: 8 }), await taken({ id: 9 })] as const; // of which the second waits for the first
    await turn();
    expect(counters.get(Counter.HTTP_CONNECTIONS)).toBe(2);
    waiting[1].resetAndDestroy(); // it is noticed when it is its turn: until then nothing is read of it
    const client = await secure(waiting[0]);
    await until(() => ended.length === 2);
    waiting[0].resetAndDestroy();
    await until(() => ended.length === 3);
    for (let i = 0; i < 20; i++) await turn();
    expect([ended, unopened(), counters.get(Counter.HTTP_CONNECTIONS)]).toEqual([[7, 9, 8], 3, 0]);
    client[Symbol.dispose]();
  });

  it('ends all when it ends, those that wait for their handshake too', async () => {
    const sockets = [await taken({ id: 1 }), await taken({ id: 2 })];
    const over = sockets.map((socket) => once(socket.resume(), 'end'));
    opening.destroyAll();
    await Promise.all(over);
    await until(() => ended.length === 2);
  });

  it('reads nothing of a connection that waits for its handshake, so that it costs no memory', async () => {
    await taken({ id: 1 });
    const { client, fd } = await accepted();
    client.socket.write(Buffer.alloc(100));
    while (calls.peek(fd, Buffer.allocUnsafeSlow(100)) < 100) await turn();
    opening.take({ fd, info: { id: 2, remoteAddress: '127.0.0.1' } });
    for (let i = 0; i < 20; i++) await turn();
    expect(calls.peek(fd, Buffer.allocUnsafeSlow(100))).toBe(100);
    client[Symbol.dispose]();
  });

  it('ends a client that takes nothing of its answer', async () => {
    opening.destroyAll();
    opening = create({ material, maxTlsHandshakes: 1 }, { stallTimeoutMs: 50, body: 'x'.repeat(12 * 1024 * 1024) });
    const secured = connectTls({ socket: await taken({ id: 4 }), rejectUnauthorized: false });
    secured.pause();
    secured.on('error', () => {});
    await once(secured, 'secureConnect');
    secured.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => counters.get(Counter.STALLS) === 1);
    await until(() => ended.includes(4));
    expect(unopened()).toBe(1);
    secured.destroy();
  });

  it('closes a descriptor that Node makes no socket of, and goes on', () => {
    const fd = openSync('/dev/null', 'r');
    opening.take({ fd, info: { id: 5, remoteAddress: '127.0.0.1' } });
    expect(() => fstatSync(fd)).toThrow('EBADF');
    expect([ended, unopened()]).toEqual([[5], 1]);
  });
});
