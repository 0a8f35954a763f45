import { once } from 'node:events';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { BacklogAcceptor } from '../../dist/opening/backlog-acceptor.js';
import { Boundary } from '../../dist/opening/boundary.js';
import { Clients } from '../../dist/opening/clients.js';
import type { UpgradeSocket } from '../../dist/opening/upgrade-socket.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { builtIn, decideUpgrades, handler, serve, until } from '../e2e/serving.js';

const calls = await loadSystemCalls();

/** A request for an upgrade, with its first line and further headers. */
function request(more = '', first = 'GET /room?x=1 HTTP/1.1'): string {
  return `${first}\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`;
}

const storms: Worker[] = [];

/**
 * Has all requests wait in the kernel, at a port or a unix socket, before this thread may accept the first. Resolves with what each is answered, `until`
 * included, or 'closed'.
 */
async function storm(at: number | string, requests: readonly string[], until = '\r\n\r\n'): Promise<string[]> {
  const sent = new SharedArrayBuffer(4);
  const to = typeof at === 'string' ? { path: at } : { port: at, host: '127.0.0.1', noDelay: true };
  const worker = new Worker(new URL('./storm.js', import.meta.url), { workerData: { to, requests, until, sent } });
  storms.push(worker);
  await once(worker, 'online');
  const count = new Int32Array(sent);
  for (let seen = 0; seen < requests.length; seen = Atomics.load(count, 0)) Atomics.wait(count, 0, seen, 10_000);
  const [answers] = (await once(worker, 'message')) as [string[]];
  return answers;
}

afterEach(async () => {
  for (const worker of storms.splice(0)) {
    worker.postMessage('end');
    await once(worker, 'exit');
  }
});

const ORDINARY = Array.from({ length: 40 }, () => request());

describe.skipIf(process.platform !== 'linux')('connections that come while the primary is busy', () => {
  const servers: Server[] = [];

  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  /** An HTTP server that says which requests came to it, and one that notes who was upgraded without it. */
  async function listen(consume = calls.consume.bind(calls), path?: string) {
    const callers: UpgradeSocket[] = [];
    const byHttp: string[] = [];
    /** Callers, by their number, that cost an exception. */
    const failing = new Set<number>();
    const lines: string[] = [];
    const http = createServer((incoming, response) => {
      byHttp.push(`${incoming.method} ${incoming.url}`);
      response.end('http');
    });
    http.on('upgrade', (incoming, socket: Socket) => {
      byHttp.push(`upgrade ${incoming.url}`);
      socket.end('HTTP/1.1 418 upgrade by http\r\n\r\n');
    });
    http.on('clientError', (_error, socket) => {
      byHttp.push('clientError');
      socket.end('HTTP/1.1 400 by http\r\n\r\n');
    });
    servers.push(http);
    http.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path });
    await once(http, 'listening');
    const boundary = new Boundary(new ThrottledLog(({ line }) => lines.push(line)));
    const upgrader = {
      onRequest(_request: unknown, caller: UpgradeSocket) {
        if (failing.has(callers.push(caller))) throw new Error('on purpose');
        const fd = caller.descriptor(calls);
        const answer = Buffer.from('HTTP/1.1 101 by descriptor\r\n\r\n'.padEnd(100, '\n'));
        calls.send(fd, answer, 0, answer.length);
        caller.leave();
        closeSync(fd);
      },
    };
    const used = new Proxy(calls, {
      get(target, name) {
        if (name === 'consume') return consume;
        if (name === 'readable') {
          onLook.call();
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const onLook = { call: () => {} };
    const clients = new Clients({ trustedProxies: [], proxyHeader: undefined });
    const options = { maxHeaderBytes: 4096, maxHeaderCount: 10 };
    new BacklogAcceptor({
      http,
      calls: used,
      upgrader,
      clients,
      boundary,
      onOutOfDescriptors: () => {},
      room: () => 1000,
      ...options,
    }).start();
    return { port: (http.address() as AddressInfo).port, callers, byHttp, failing, lines, onLook };
  }

  test('are upgraded by their descriptors, and Node makes a socket of none', async () => {
    const { port, callers, byHttp } = await listen();
    const answers = await storm(port, ORDINARY);
    expect(callers).toHaveLength(ORDINARY.length);
    expect(byHttp).toEqual([]);
    expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 101 by descriptor'))).toHaveLength(callers.length);
    expect(new Set(callers.map(({ remoteAddress }) => remoteAddress))).toEqual(new Set(['127.0.0.1']));
  });

  test('are upgraded by their descriptors at a unix socket too, where they have no address', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'wsloom-')), 'storm.sock');
    const { callers, byHttp } = await listen(undefined, path);
    const answers = await storm(path, [...ORDINARY, 'GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n']);
    expect(callers.length + byHttp.length).toBe(ORDINARY.length + 1);
    expect(callers.length).toBeGreaterThanOrEqual(ORDINARY.length - 2);
    expect(new Set(callers.map(({ remoteAddress }) => remoteAddress))).toEqual(new Set([undefined]));
    expect(answers.at(-1)).toMatch(/^HTTP\/1\.1 200 /);
    rmSync(dirname(path), { recursive: true });
  });

  test('are upgraded by their descriptors also when they announce a body of no length', async () => {
    const { port, callers, byHttp } = await listen();
    const silent = request('Content-Length: 0\r\n');
    await storm(
      port,
      ORDINARY.map(() => silent),
    );
    expect(callers.length).toBeGreaterThanOrEqual(ORDINARY.length - 2);
    expect(callers.length + byHttp.length).toBe(ORDINARY.length);
  });

  test.each([
    ['is no upgrade', 'GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
    ['has another method', request('', 'POST / HTTP/1.1')],
    ['has another version', request('', 'GET / HTTP/1.0')],
    ['ends its lines with a line feed only', request().replaceAll('\r\n', '\n').concat('\r\n\r\n')],
    ['folds a line', request('X: a\r\n b\r\n')],
    ['has a space in front of a colon', request('X : a\r\n')],
    ['has more headers than there may be', request('X: 1\r\n'.repeat(10))],
    ['is longer than it may be', request(`X: ${'x'.repeat(5000)}\r\n`)],
    ['has a null byte in it', request('X: \0\r\n')],
    ['is no HTTP', 'hello\r\n\r\n'],
  ])('are judged by Node’s HTTP server when their request %s', async (_what, odd) => {
    const { port, callers, byHttp } = await listen();
    const answers = await storm(port, [...ORDINARY, odd]);
    expect(callers.length + byHttp.length).toBe(ORDINARY.length + 1);
    expect(answers.at(-1)).not.toContain('by descriptor');
    expect(answers.at(-1)).toMatch(/^HTTP\/1\.1 [2-5]/);
  });

  test.each([
    ['a path of its own', 'GET /page HTTP/1.1'],
    ['one that is served', 'GET / HTTP/1.1'],
  ])('are no upgrades without Connection, on %s', async (_what, first) => {
    const { port, byHttp } = await listen();
    const odd = request('', first).replace('Connection: Upgrade\r\n', '');
    const answers = await storm(port, [...ORDINARY, odd]);
    expect(answers.at(-1)).toMatch(/^HTTP\/1\.1 200 /);
    expect(byHttp).toContain(first.slice(0, -' HTTP/1.1'.length));
  });

  test('are closed when the server has closed before they were looked at', async () => {
    const { port, callers, byHttp, onLook } = await listen();
    const [http] = servers as [Server];
    // All are accepted when the first is looked at.
    onLook.call = () => {
      http.close();
      onLook.call = () => {};
    };
    const answers = await storm(
      port,
      ORDINARY.map(() => 'x'),
    );
    expect(new Set(answers)).toEqual(new Set(['closed']));
    expect(callers).toEqual([]);
    expect(byHttp).toEqual([]);
  });

  test('are closed when not all of a request that was seen can be taken', async () => {
    const { port, callers, byHttp } = await listen((fd, bytes, length) => calls.consume(fd, bytes, length - 1));
    const answers = await storm(port, ORDINARY);
    expect(callers).toEqual([]);
    expect(byHttp.length).toBeLessThanOrEqual(2);
    expect(answers.filter((answer) => answer === 'closed')).toHaveLength(ORDINARY.length - byHttp.length);
  });

  test('are upgraded by their descriptors again after one of them was none of ours', async () => {
    const { port, callers, byHttp } = await listen();
    await storm(port, [...ORDINARY, 'hello\r\n\r\n']);
    const [before, beforeByHttp] = [callers.length, byHttp.length];
    await storm(port, ORDINARY);
    expect(callers.length - before).toBeGreaterThanOrEqual(ORDINARY.length - 2);
    expect(callers.length - before + byHttp.length - beforeByHttp).toBe(ORDINARY.length);
  });

  test('do not lose theirs by an exception that one of them causes', async () => {
    const { port, callers, byHttp, failing, lines } = await listen();
    failing.add(callers.length + 5);
    const answers = await storm(port, ORDINARY);
    expect(answers.filter((answer) => answer === 'closed')).toHaveLength(1);
    expect(callers.length + byHttp.length).toBe(ORDINARY.length);
    expect(lines).toEqual([expect.stringMatching(/exception on the HTTP side: Error: on purpose/)]);
  });

  test('may send the rest of their request later', async () => {
    const { port, callers, byHttp } = await listen();
    const half = request().slice(0, 50);
    const answered = storm(port, [...ORDINARY.slice(1), half]);
    // All but the half one are answered; what it lacks never comes, and its socket is a request to Node's server.
    while (callers.length + byHttp.length < ORDINARY.length - 1) await new Promise((resolve) => setImmediate(resolve));
    for (const server of servers) server.closeAllConnections();
    expect((await answered).at(-1)).toBe('closed');
  });
});

describe.skipIf(process.platform !== 'linux').each([0, 1])('a server of %i threads in a storm', (threads) => {
  test('accepts, refuses and counts everybody as it would one by one', async () => {
    await using served = await serve({
      handler: builtIn('echo'),
      threads,
      path: ['/room'],
      maxConnectionsPerIp: 30,
      allowedOrigins: ['https://example.com'],
    });
    const requests = [
      ...ORDINARY.slice(0, 20),
      request('', 'GET /elsewhere HTTP/1.1'),
      request('Origin: https://example.org\r\n'),
      request('Sec-WebSocket-Protocol: a, b\r\n'),
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n',
      request().replace('Version: 13', 'Version: 8'),
      ...ORDINARY.slice(0, 20),
    ];
    const answers = await storm(served.port, requests);
    const statuses = answers.map((answer) => Number(answer.slice(9, 12)));
    const count = (status: number) => statuses.filter((one) => one === status).length;
    expect({
      101: count(101),
      404: count(404),
      403: count(403),
      426: count(426),
      200: count(200),
      503: count(503),
    }).toEqual({ 101: 29, 404: 1, 403: 1, 426: 1, 200: 1, 503: 12 });
    expect(answers[22]).toContain('Sec-WebSocket-Protocol: a\r\n');
    expect(served.server.stats().limits).toMatchObject({
      refusedAddresses: 12,
      refusedOrigins: 1,
      refusedHandshakes: 1,
    });
  });

  test('counts each connection of a trusted proxy for its client', async () => {
    await using served = await serve({
      ...{ handler: builtIn('echo'), threads, maxConnectionsPerIp: 1 },
      ...{ trustProxy: ['loopback'], proxyHeader: 'x-forwarded-for' },
    });
    const answers = await storm(
      served.port,
      [...Array(40).keys()].map((i) => request(`X-Forwarded-For: 192.0.2.${i >> 1}\r\n`)),
    );
    const statuses = answers.map((answer) => answer.slice(9, 12));
    for (let i = 0; i < 40; i += 2) expect(statuses.slice(i, i + 2).sort()).toEqual(['101', '503']);
  });

  test('waits for an upgrade hook of each, and gives the frames that came meanwhile to the handler', async () => {
    await using served = await serve({ handler: handler('deciding.js'), threads });
    decideUpgrades(async ({ path }) => {
      await new Promise((resolve) => setImmediate(resolve));
      return path === '/no' ? { status: 403 } : { subprotocol: 'b', headers: { 'X-Hook': path } };
    });
    const masked = '\x82\x82\x00\x00\x00\x00hi';
    const answers = await storm(
      served.port,
      [...Array(10).keys()].map(
        (i) => request('Sec-WebSocket-Protocol: a, b\r\n', `GET /${i}?quiet HTTP/1.1`) + masked,
      ),
      '\x82\x02hi',
    );
    for (const [i, answer] of answers.entries()) {
      expect(answer).toMatch(/^HTTP\/1\.1 101 .*\r\nSec-WebSocket-Protocol: b\r\nX-Hook: /s);
      expect(answer).toContain(`X-Hook: /${i}\r\n`);
    }
    const refused = await storm(
      served.port,
      Array.from({ length: 10 }, () => request('', 'GET /no HTTP/1.1')),
    );
    for (const answer of refused) expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    await until(() => served.server.stats().connections === 10);
  });
});
