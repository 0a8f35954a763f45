import { once } from 'node:events';
import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import { type AddressInfo, connect, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Clients } from '../../dist/opening/clients.js';
import { HttpConnections } from '../../dist/opening/http-connections.js';
import { Admission } from '../../dist/primary/admission.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { until } from '../e2e/serving.js';

const calls = await loadSystemCalls();
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const NO_PROXIES = new Clients({ trustedProxies: [], proxyHeader: undefined });

/** An HTTP server whose answers are so long, and that knows its connections. */
async function listen(answerBytes: number, { stallTimeoutMs = 0, maxConnections = 100, headers = {} } = {}) {
  const counters = new Counters();
  const lines: string[] = [];
  const incidents = new IncidentLog(counters, new ThrottledLog(({ line }) => lines.push(line)));
  const limits = { maxConnections, maxConnectionsPerIp: 0 };
  const admission = new Admission(limits);
  const connections: HttpConnections = new HttpConnections({
    stallTimeoutMs,
    places: admission,
    clients: NO_PROXIES,
    incidents,
    calls,
  });
  admission.include(connections);
  const answer = Buffer.alloc(answerBytes);
  const server = createServer((request, response) => {
    if (connections.take(request.socket, response)) response.writeHead(200, headers).end(answer);
  });
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => connections.add(socket));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { connections, counters, lines, port: (server.address() as AddressInfo).port };
}

async function client(
  port: number,
  localAddress = '127.0.0.1',
): Promise<{ readonly socket: Socket; readonly closed: Promise<void> }> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {}); // 'close' follows
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await once(socket, 'connect');
  socket.pause();
  return { socket, closed };
}

/** Connections that a test makes up. */
function withoutServer(maxConnections: number): HttpConnections {
  const incidents = new IncidentLog(new Counters(), new ThrottledLog(() => {}));
  const limits = { maxConnections, maxConnectionsPerIp: 0 };
  const admission = new Admission(limits);
  return new HttpConnections({ stallTimeoutMs: 0, places: admission, clients: NO_PROXIES, incidents, calls });
}

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const MIB = 1024 * 1024;

describe('an answer that is longer than the kernel takes', () => {
  it('ends its connection if nothing of it is taken for stallTimeoutMs, and says so', async () => {
    const { connections, counters, lines, port } = await listen(20 * MIB, { stallTimeoutMs: 100 });
    const { socket } = await client(port);
    socket.write(GET);
    await until(() => counters.get(Counter.STALLS) === 1);
    await until(() => connections.size === 0);
    expect(lines).toEqual([expect.stringMatching(/^127\.0\.0\.1: .*stallTimeoutMs.*HTTP client/)]);
    socket.destroy();
  });

  it('ends its connection also when there was none for a while', async () => {
    const { connections, counters, port } = await listen(20 * MIB, { stallTimeoutMs: 100 });
    const cleared = vi.spyOn(globalThis, 'clearInterval');
    try {
      for (let stalls = 1; stalls <= 3; stalls++) {
        const { socket } = await client(port);
        socket.write(GET);
        await until(() => counters.get(Counter.STALLS) === stalls && connections.size === 0);
        socket.destroy();
        await until(() => cleared.mock.calls.length === stalls); // it is not looked for any more
      }
    } finally {
      cleared.mockRestore();
    }
  });

  it('does not end it while something is taken, however little', async () => {
    const { counters, port } = await listen(20 * MIB, { stallTimeoutMs: 300 });
    const { socket } = await client(port);
    socket.write(GET);
    // Six times the limit. What is read here makes room in the kernel, which its peer is told of by and by.
    for (let i = 0; i < 60; i++) {
      for (let read = 0; read < 300_000; ) {
        const some: Buffer | null = socket.read();
        if (some === null) break;
        read += some.length;
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    expect(counters.get(Counter.STALLS)).toBe(0);
    socket.destroy();
  });

  it('is waited for without end if there is no limit, and counts as long', async () => {
    const { connections, counters, port } = await listen(20 * MIB);
    const { socket } = await client(port);
    socket.write(GET);
    await until(() => connections.size === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(counters.get(Counter.STALLS)).toBe(0);
    expect(connections.load).toBe(1);
    socket.destroy();
    await until(() => connections.size === 0);
    expect(connections.load).toBe(0);
  });
});

describe('silent connections above the limit', () => {
  const healthOf = async (port: number, localAddress: string) => {
    const { socket } = await client(port, localAddress);
    socket.write(GET);
    let answer = '';
    for await (const chunk of socket.resume()) answer += String(chunk);
    return answer.slice(0, 12);
  };

  it('give way to who asks, from wherever they come', async () => {
    const { counters, port } = await listen(10, { maxConnections: 1 });
    const within = await client(port);
    const addresses = Array.from({ length: 6 }, (_, i) => `127.0.0.${i + 10}`);
    const silent = await Promise.all(
      addresses.flatMap((address) => Array.from({ length: 12 }, () => client(port, address))),
    );
    // 72 for 40 places.
    await until(() => counters.get(Counter.REFUSED_UNANSWERED) >= 72 - 40);
    for (const address of ['127.0.0.9', '127.0.0.10']) expect(await healthOf(port, address)).toBe('HTTP/1.1 200');
    for (const { socket } of [within, ...silent]) socket.destroy();
  });

  it('of many addresses keep nobody out who has one of them only', async () => {
    const { connections, counters, port } = await listen(10, { maxConnections: 1 });
    const within = await client(port);
    const only = await client(port, '127.0.0.9');
    await until(() => connections.size === 2);
    const addresses = Array.from({ length: 100 }, (_, i) => `127.0.0.${10 + (i % 5)}`);
    const silent = await Promise.all(addresses.map((address) => client(port, address)));
    await until(() => counters.get(Counter.REFUSED_UNANSWERED) >= 1 + 100 - 40);
    only.socket.resume().write(GET);
    const [answer] = await once(only.socket, 'data');
    expect(String(answer).slice(0, 12)).toBe('HTTP/1.1 200');
    for (const { socket } of [within, ...silent]) socket.destroy();
  });
});

describe('connections above the limit', () => {
  it('may be 8 of one address, and 2 of a reserve, and the rest are closed', async () => {
    const { connections, counters, port } = await listen(10, { maxConnections: 1 });
    const clients = await Promise.all(Array.from({ length: 20 }, () => client(port)));
    await until(() => counters.get(Counter.REFUSED_UNANSWERED) === 20 - 1 - 8 - 2);
    expect(counters.get(Counter.REFUSED_FULL)).toBe(9);
    expect([connections.load, connections.size]).toEqual([1, 11]);
    // They have a second. The first is within the limit, and stays.
    await until(() => connections.size === 1);
    expect(connections.load).toBe(1);
    for (const { socket } of clients) socket.destroy();
    await until(() => connections.size === 0);
  });

  it('get one answer, which has to be taken in time', async () => {
    const { connections, port } = await listen(20 * MIB, { maxConnections: 1 });
    const within = await client(port);
    await until(() => connections.size === 1);
    const above = await client(port);
    above.socket.write(GET.repeat(2));
    await until(() => connections.size === 2);
    await until(() => connections.size === 1); // cut, in the midst of the first
    within.socket.write(GET);
    above.socket.destroy();
    within.socket.destroy();
  });
});

it('the last answer that a connection gets ends it, whatever the headers of the answer say', async () => {
  const { port } = await listen(10, { headers: { Connection: 'keep-alive' } });
  const { socket, closed } = await client(port);
  let answers = '';
  socket.on('data', (read) => {
    answers += read.toString('latin1');
  });
  socket.resume().write(GET.repeat(8));
  await closed;
  expect(answers.match(/HTTP\/1\.1 200 /g)).toHaveLength(8);
});

it('requests of one connection are 7 in a turn of the event loop, also if all are answered, and the eighth is its last', async () => {
  const connections = withoutServer(100);
  const socket = new Socket();
  connections.add(socket);
  /** @returns whether more may come behind it */
  const ask = () => {
    const request = new IncomingMessage(socket);
    Object.assign(request, { httpVersionMajor: 1, httpVersionMinor: 1 });
    const response = new ServerResponse(request);
    const isTaken = connections.take(socket, response);
    response.emit('close');
    return isTaken && response.shouldKeepAlive;
  };
  for (let turn = 0; turn < 3; turn++) {
    for (let i = 0; i < 7; i++) expect(ask()).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let i = 0; i < 7; i++) expect(ask()).toBe(true);
  expect(ask()).toBe(false);
  expect(connections.isStopped(socket)).toBe(true);
  socket.destroy();
});

/** A socket of the one address that the tests below have. */
function ofOneAddress(): Socket {
  return Object.defineProperty(new Socket(), 'remoteAddress', { value: '192.0.2.1' });
}

describe('connections above the limit, one after the other,', () => {
  const full = () => withoutServer(0);

  it('are taken without end: each leaves its place', async () => {
    const connections = full();
    for (let i = 0; i < 100; i++) {
      const sockets = Array.from({ length: 8 + 2 }, () => ofOneAddress());
      for (const socket of sockets) expect(connections.add(socket)).toBe(true);
      const closed = sockets.map((socket) => once(socket, 'close'));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    }
    expect(connections.size).toBe(0);
  });

  it('leave their places also if they have got them from others, who were silent', async () => {
    const connections = full();
    for (let i = 0; i < 3; i++) {
      const sockets = Array.from({ length: 8 + 2 + 20 }, () => ofOneAddress());
      const closed = sockets.map((socket) => once(socket, 'close'));
      for (const socket of sockets) expect(connections.add(socket)).toBe(true);
      const left = sockets.filter(({ destroyed }) => !destroyed);
      expect(left).toHaveLength(8 + 2);
      for (const socket of left) connections.take(socket, new ServerResponse(new IncomingMessage(socket)));
      expect(connections.add(ofOneAddress())).toBe(false);
      for (const socket of left) socket.destroy();
      await Promise.all(closed);
    }
    expect(connections.size).toBe(0);
  });

  it('are not silent if what they have sent is no request, or no ordinary one', () => {
    const connections = full();
    const asking = ofOneAddress();
    expect(connections.add(asking)).toBe(true);
    expect(connections.stopOnce(asking)).toBe(true);
    const others = Array.from({ length: 50 }, () => ofOneAddress());
    for (const socket of others) expect(connections.add(socket)).toBe(true);
    expect(asking.destroyed).toBe(false);
    for (const socket of [asking, ...others]) socket.destroy();
  });

  describe('in time', () => {
    const pair = (connections: HttpConnections) => {
      const sockets = [ofOneAddress(), ofOneAddress()] as const;
      for (const socket of sockets) expect(connections.add(socket)).toBe(true);
      return sockets;
    };

    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it('have a second for a request, and two more for its answer', () => {
      const connections = full();
      const [silent, asking] = pair(connections);
      vi.advanceTimersByTime(999);
      expect(silent.destroyed).toBe(false);
      expect(connections.take(asking, new ServerResponse(new IncomingMessage(asking)))).toBe(true);
      vi.advanceTimersByTime(1);
      expect(silent.destroyed).toBe(true);
      vi.advanceTimersByTime(1998);
      expect(asking.destroyed).toBe(false);
      vi.advanceTimersByTime(1);
      expect(asking.destroyed).toBe(true);
    });

    it('are not cut off any more when they are somebody else’s', () => {
      const connections = full();
      const [ours, theirs] = pair(connections);
      connections.release(theirs);
      vi.advanceTimersByTime(10_000);
      expect([ours.destroyed, theirs.destroyed]).toEqual([true, false]);
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});

it('a connection that is somebody else’s from now on does not count, and waits for nothing', async () => {
  const { connections, port } = await listen(20 * MIB);
  const accepted = once(servers[0] as Server, 'connection');
  const { socket } = await client(port);
  const [server] = (await accepted) as [Socket];
  expect(connections.isCounted(server)).toBe(true);
  const request = once(servers[0] as Server, 'request');
  socket.write(GET);
  await request;
  let isAnswered = false;
  connections.afterAnswers(server, () => {
    isAnswered = true;
  });
  expect(isAnswered).toBe(false);
  connections.release(server);
  connections.release(server);
  expect([isAnswered, connections.load, connections.size]).toEqual([true, 0, 0]);
  expect(connections.isCounted(server)).toBe(false);
  expect(connections.stopOnce(server)).toBe(true);
  socket.destroy();
});
