import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Counter, Counters } from '../../dist/connection/counters.js';
import { Incidents } from '../../dist/host/incidents.js';
import { ThrottledLog } from '../../dist/host/throttled-log.js';
import { Admission } from '../../dist/primary/admission.js';
import { HttpConnections } from '../../dist/primary/http-connections.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { until } from '../e2e/serving.js';

const calls = await loadSystemCalls();
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** An HTTP server whose answers are so long, and that knows its connections. */
async function listen(answerBytes: number, { stallTimeoutMs = 0, maxConnections = 100 } = {}) {
  const counters = new Counters();
  const lines: string[] = [];
  const incidents = new Incidents(counters, new ThrottledLog(({ line }) => lines.push(line)));
  const limits = { maxConnections, maxConnectionsPerIp: 0, allowedOrigins: undefined, allowedHosts: undefined };
  const admission = new Admission(limits, () => connections.counted);
  const connections: HttpConnections = new HttpConnections({
    stallTimeoutMs,
    admission,
    incidents,
    calls: () => calls,
  });
  const answer = Buffer.alloc(answerBytes);
  const server = createServer((request, response) => {
    if (connections.take(request.socket, response)) response.end(answer);
  });
  server.on('connection', (socket) => connections.add(socket));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { connections, counters, lines, port: (server.address() as AddressInfo).port };
}

async function client(port: number): Promise<{ readonly socket: Socket; readonly closed: Promise<void> }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}); // 'close' follows
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await once(socket, 'connect');
  socket.pause();
  return { socket, closed };
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
    expect(connections.counted).toBe(1);
    socket.destroy();
    await until(() => connections.size === 0);
    expect(connections.counted).toBe(0);
  });
});

describe('connections above the limit', () => {
  it('may be 8 of one address, and 2 of a reserve, and the rest are closed', async () => {
    const { connections, counters, port } = await listen(10, { maxConnections: 1 });
    const clients = await Promise.all(Array.from({ length: 20 }, () => client(port)));
    await until(() => counters.get(Counter.REFUSED_UNANSWERED) === 20 - 1 - 8 - 2);
    expect(counters.get(Counter.REFUSED_FULL)).toBe(9);
    expect([connections.counted, connections.size]).toEqual([1, 11]);
    // They have a second. The first is within the limit, and stays.
    await until(() => connections.size === 1);
    expect(connections.counted).toBe(1);
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
  expect([isAnswered, connections.counted, connections.size]).toEqual([true, 0, 0]);
  expect(connections.isCounted(server)).toBe(false);
  expect(connections.stopOnce(server)).toBe(true);
  socket.destroy();
});
