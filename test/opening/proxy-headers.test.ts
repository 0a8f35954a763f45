import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Proxied } from '../../dist/host/hand-off.js';
import { Clients } from '../../dist/opening/clients.js';
import type { EarlyRefusal } from '../../dist/opening/places.js';
import { ProxyHeaders } from '../../dist/opening/proxy-headers.js';
import { descriptorOf } from '../../dist/system/descriptor.js';
import { loadSystemCalls, type SystemCalls } from '../../dist/system/system-calls.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { encodeHeader2, header1, header2, LOCAL, UNKNOWN } from '../e2e/proxied.js';

const calls = await loadSystemCalls();
const LIMIT_MS = 10_000;

interface Read extends Proxied {
  readonly fd: number;
  readonly remoteAddress: string | undefined;
}

let server: Server;
let counters: Counters;
let lines: string[];
let read: Read[];
let refusal: EarlyRefusal | undefined;
let headers: ProxyHeaders;
let clients: Socket[];

beforeEach(async () => {
  [lines, read, clients, refusal] = [[], [], [], undefined];
  counters = new Counters();
  server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  headers = proxyHeaders(calls);
});

afterEach(() => {
  vi.useRealTimers();
  headers.close();
  for (const { fd } of read) closeSync(fd);
  for (const client of clients) client.destroy();
  server.close();
});

function proxyHeaders(used: SystemCalls): ProxyHeaders {
  return new ProxyHeaders({
    calls: used,
    clients: new Clients({ trustedProxies: ['127.0.0.1'], proxyHeader: undefined }),
    places: { refusalFor: () => refusal },
    limitMs: LIMIT_MS,
    incidents: new IncidentLog(counters, new ThrottledLog(({ line }) => lines.push(line))),
    onRead: (fd, remoteAddress, proxied) => read.push({ fd, remoteAddress, ...proxied }),
  });
}

/** A connected client, and the descriptor of its connection, of which nothing was read. */
async function accepted(): Promise<{ readonly client: Socket; readonly fd: number }> {
  const connection = once(server, 'connection') as Promise<[Socket]>;
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
  client.on('error', () => {});
  clients.push(client);
  const [[ours]] = await Promise.all([connection, once(client, 'connect')]);
  const fd = calls.duplicate(descriptorOf(ours));
  ours.destroy();
  return { client, fd };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Waits by turns, because timers are not always real here. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

/** Sends bytes, and resolves when all that was sent before and is unread has arrived. */
async function send(client: Socket, fd: number, bytes: Uint8Array, unread = bytes.length): Promise<void> {
  client.write(bytes);
  const seen = Buffer.alloc(8192);
  await until(() => calls.peek(fd, seen) >= unread);
}

function unread(fd: number): string {
  const bytes = Buffer.alloc(8192);
  return bytes.toString('latin1', 0, Math.max(0, calls.peek(fd, bytes)));
}

function fakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
}

const LONG = header2('192.0.2.1', Buffer.concat([Buffer.from([0x04, 0x0f, 0x00]), Buffer.alloc(0x0f00, 7)]));

describe.runIf(process.platform === 'linux')('a header of the PROXY protocol', () => {
  it.each([
    ['of version 1', header1('192.0.2.1'), '192.0.2.1'],
    ['of version 1 with IPv6', header1('2001:db8::1'), '2001:db8::1'],
    ['of version 2', header2('192.0.2.1'), '192.0.2.1'],
    ['of version 2 with long extensions', LONG, '192.0.2.1'],
    ['that says LOCAL', LOCAL, undefined],
    ['that says UNKNOWN', UNKNOWN, undefined],
  ])('%s is read exactly to its end when all has come', async (_, header, told) => {
    const { client, fd } = await accepted();
    await send(client, fd, Buffer.concat([header, Buffer.from('behind')]));
    headers.take(fd, '127.0.0.1');
    expect(read).toMatchObject([{ fd, remoteAddress: told ?? '127.0.0.1', isTold: told !== undefined }]);
    expect(unread(fd)).toBe('behind');
    expect(headers.load).toBe(0);
  });

  it.each([
    ['version 1', header1('192.0.2.1')],
    ['version 2', header2('192.0.2.1', Buffer.from([0x04, 0, 1, 9]))],
  ])(
    'of %s is read wherever it is cut, and nothing is taken out of the socket before it is whole',
    async (_, header) => {
      fakeTimers();
      for (let cut = 0; cut < header.length; cut++) {
        const { client, fd } = await accepted();
        if (cut > 0) await send(client, fd, header.subarray(0, cut));
        headers.take(fd, '127.0.0.1');
        vi.advanceTimersByTime(100);
        expect(headers.load).toBe(1);
        expect(unread(fd)).toHaveLength(cut);
        await send(client, fd, Buffer.concat([header.subarray(cut), Buffer.from('behind')]), header.length + 6);
        vi.advanceTimersByTime(20);
        expect(read.at(-1)).toMatchObject({ fd, remoteAddress: '192.0.2.1', isTold: true });
        expect(read.at(-1)?.waitedMs).toBeGreaterThanOrEqual(100);
        expect(unread(fd)).toBe('behind');
      }
      expect(read).toHaveLength(header.length);
      expect(counters.get(Counter.REFUSED_PROXIES)).toBe(0);
    },
  );

  it('may be followed by the end of the connection, which is left to the next one', async () => {
    const { client, fd } = await accepted();
    client.end(header1('192.0.2.1'));
    await until(() => calls.endedPeers([fd]).length > 0);
    headers.take(fd, '127.0.0.1');
    expect(read).toMatchObject([{ fd, remoteAddress: '192.0.2.1' }]);
  });

  it('is waited for until its time is over, by each connection for itself, and a timer runs only meanwhile', async () => {
    fakeTimers();
    const [first, second] = [await accepted(), await accepted()];
    expect(vi.getTimerCount()).toBe(0);
    headers.take(first.fd, '127.0.0.1');
    vi.advanceTimersByTime(LIMIT_MS / 2);
    headers.take(second.fd, '127.0.0.1');
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(LIMIT_MS / 2 - 100);
    expect(headers.load).toBe(2);
    vi.advanceTimersByTime(200);
    expect(headers.load).toBe(1);
    expect(counters.get(Counter.REFUSED_PROXIES)).toBe(1);
    vi.advanceTimersByTime(LIMIT_MS / 2);
    expect(headers.load).toBe(0);
    expect(counters.get(Counter.REFUSED_PROXIES)).toBe(2);
    vi.advanceTimersByTime(2000); // the log has a timer too
    expect(vi.getTimerCount()).toBe(0);
    expect(lines[0]).toMatch(/^127\.0\.0\.1: refused: .*not whole in time \(handshakeTimeoutMs\)/);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half of it', Buffer.from('PROXY TCP4 192')],
  ])('is waited for no more when the peer has sent %s and ends or resets the connection', async (_, bytes) => {
    fakeTimers();
    for (const how of ['end', 'resetAndDestroy'] as const) {
      const { client, fd } = await accepted();
      if (bytes.length > 0) await send(client, fd, bytes);
      headers.take(fd, '127.0.0.1');
      expect(headers.load).toBe(1);
      client[how]();
      await until(() => calls.endedPeers([fd]).length > 0);
      vi.advanceTimersByTime(20);
      expect(headers.load).toBe(0);
    }
    expect(counters.get(Counter.REFUSED_PROXIES)).toBe(0);
    vi.runOnlyPendingTimers(); // another test file of this process may have left one; ours would begin another one
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ['of nobody who is trusted', '127.0.0.2', header1('192.0.2.1'), /^127\.0\.0\.2: refused: .*no trusted proxy/],
    ['that is wrong from its first byte', '127.0.0.1', Buffer.from('GET'), /no version of the PROXY protocol begins/],
    ['that goes wrong', '127.0.0.1', Buffer.from('PROXY TCP5'), /the family is not TCP4, TCP6 or UNKNOWN/],
    ['that says it is too long', '127.0.0.1', encodeHeader2(0x21, 0x11, Buffer.alloc(5000)).subarray(0, 16), /longer/],
  ])('%s closes its connection at once', async (_, peer, bytes, line) => {
    const { client, fd } = await accepted();
    await send(client, fd, bytes);
    headers.take(fd, peer);
    await new Promise((resolve) => client.resume().once('close', resolve));
    expect(lines).toEqual([expect.stringMatching(line)]);
    expect(counters.get(Counter.REFUSED_PROXIES)).toBe(1);
    expect({ load: headers.load, read }).toEqual({ load: 0, read: [] });
  });

  it('that has urgent data within it closes its connection', async () => {
    const consume = () => 5;
    const used = new Proxy(calls, {
      get(target, name) {
        const value: unknown = name === 'consume' ? consume : Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const { client, fd } = await accepted();
    await send(client, fd, header1('192.0.2.1'));
    proxyHeaders(used).take(fd, '127.0.0.1');
    await new Promise((resolve) => client.resume().once('close', resolve));
    expect(read).toEqual([]);
    expect(lines).toEqual([expect.stringMatching(/urgent data/)]);
  });

  it('is not believed of a TCP connection that was lost before its address was read', async () => {
    const { client, fd } = await accepted();
    await send(client, fd, header1('192.0.2.1'));
    headers.take(fd, undefined);
    await new Promise((resolve) => client.resume().once('close', resolve));
    expect(read).toEqual([]);
    expect(counters.get(Counter.REFUSED_PROXIES)).toBe(0);
  });

  it('is waited for by 32 connections at most while the server is full, and the others are closed and counted', async () => {
    refusal = { status: 503, body: '', incident: LimitIncident.REFUSED_FULL };
    for (let i = 0; i < 40; i++) headers.take((await accepted()).fd, '127.0.0.1');
    expect(headers.load).toBe(32);
    expect(counters.get(Counter.REFUSED_FULL)).toBe(8);
    expect(counters.get(Counter.REFUSED_UNANSWERED)).toBe(8);
    const { client, fd } = await accepted();
    await send(client, fd, header1('192.0.2.1'));
    headers.take(fd, '127.0.0.1');
    expect(read).toHaveLength(1); // a header that is there needs no wait
  });

  it('is waited for by nobody when all is closed', async () => {
    fakeTimers();
    const { client, fd } = await accepted();
    headers.take(fd, '127.0.0.1');
    headers.close();
    expect(headers.load).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    await new Promise((resolve) => client.resume().once('close', resolve));
  });
});
