import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createServer, type ServerOptions } from '../../dist/index.js';
import { MAX_PROXY_HEADER_BYTES } from '../../dist/protocol/opening/proxy-header.js';
import { openDescriptors } from '../hostile/attack.js';
import { pair, pem } from '../tls/certificates.js';
import type { Client } from './client.js';
import {
  connectProxy,
  encodeHeader2,
  header1,
  header2,
  LOCAL,
  openProxied,
  proxied,
  UNKNOWN,
  UNSPECIFIED,
} from './proxied.js';
import { encodeRequest, RawClient } from './raw-client.js';
import { decideUpgrades, handler, RecordingLog, type Served, serve, until } from './serving.js';

// Not all of loopback, which some peers of these tests come from.
const PROXIED = { proxyProtocol: true, trustProxy: ['127.0.0.1'], handler: handler('deciding.js') } as const;

const TRUST = { ca: pem('servers-ca.crt'), servername: 'default.test', rejectUnauthorized: false } as const;
const GET = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

const seen: unknown[] = [];

function serveProxied(options: Partial<ServerOptions> = {}): Promise<Served> {
  seen.length = 0;
  decideUpgrades(({ remoteAddress }) => {
    seen.push(remoteAddress);
    return undefined;
  });
  return serve({ ...PROXIED, ...options });
}

async function addressOf(client: Client): Promise<unknown> {
  return ((await client.json()) as { readonly remoteAddress: unknown }).remoteAddress;
}

/** Resolves when a socket is closed, by a reset too. */
function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.resume().once('close', () => resolve()));
}

/** All that a socket gets until it is closed. */
async function allOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes) => (text += bytes.toString('latin1')));
  await closing(socket);
  return text;
}

/** What a peer gets that sends some bytes. */
async function answerTo({ port }: Served, bytes: Uint8Array | string, localAddress = '127.0.0.1'): Promise<string> {
  const socket = await connectProxy({ port, localAddress });
  socket.write(bytes);
  return allOf(socket);
}

/** Writes bytes one by one, each in a segment of its own. */
async function drip(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (const byte of bytes) {
    socket.write(Uint8Array.of(byte));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function echoes(client: Client): Promise<void> {
  client.send('still there?');
  while ((await client.text()) !== 'still there?'); // it is told its address before
}

describe.runIf(process.platform !== 'win32').each([
  ['plain TCP', undefined, {}],
  ['TLS', TRUST, { tls: pair('default') }],
] as const)('with the PROXY protocol in front of %s', (name, tls, options) => {
  it('the address that the header tells is that of the client, for both hooks', async () => {
    await using served = await serveProxied(options);
    for (const [header, address] of [
      [header1('192.0.2.1'), '192.0.2.1'],
      [header1('2001:db8::1'), '2001:db8::1'],
      [header2('192.0.2.2'), '192.0.2.2'],
      [header2('192.0.2.3', Buffer.from([0x04, 0, 3, 1, 2, 3])), '192.0.2.3'],
      [LOCAL, '127.0.0.1'],
      [UNSPECIFIED, '127.0.0.1'],
      [UNKNOWN, '127.0.0.1'],
      [encodeHeader2(0x20, 0x11, header2('192.0.2.4').subarray(16)), '127.0.0.1'],
    ] as const) {
      using client = await openProxied(served, header, { tls });
      expect(await addressOf(client)).toBe(address);
      expect(seen.pop()).toBe(address);
      await echoes(client);
    }
    expect(served.server.stats().limits.refusedProxies).toBe(0);
  });

  it('a header may come byte by byte, and what follows it at once or later', async () => {
    await using served = await serveProxied(options);
    for (const header of [header1('192.0.2.1'), header2('192.0.2.1', Buffer.from([0x04, 0, 3, 1, 2, 3]))]) {
      const socket = await connectProxy({ port: served.port });
      await drip(socket, header);
      const stream = tls === undefined ? socket : connectTls({ ...tls, socket });
      stream.write(encodeRequest('/'));
      using client = new RawClient(stream);
      expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
      expect(String((await client.next()).payload)).toContain('"remoteAddress":"192.0.2.1"');
    }
  });

  it('a line of the log about the client names it, not the proxy', async () => {
    await using served = await serveProxied({ ...options, allowedHosts: ['ours.example'] });
    using client = await proxied(served, header1('192.0.2.1'), { tls });
    await client.closed;
    await served.log.line(/192\.0\.2\.1: refused: .*Host/);
    const socket = await connectProxy({ port: served.port });
    socket.write(header1('192.0.2.2'));
    if (tls !== undefined) socket.write('no TLS at all\r\n\r\n');
    else socket.write('no HTTP at all\r\n\r\n');
    await allOf(socket);
    await served.log.line(/192\.0\.2\.2: refused: /);
  });

  it('maxConnectionsPerIp counts the clients that are told, and neither the proxy nor its health checks', async () => {
    await using served = await serveProxied({ ...options, maxConnectionsPerIp: 2 });
    using first = await openProxied(served, header1('192.0.2.1'), { tls });
    using second = await openProxied(served, header2('192.0.2.1'), { tls });
    using other = await openProxied(served, header1('192.0.2.2'), { tls });
    using _checks = await openProxied(served, LOCAL, { tls });
    using _more = await openProxied(served, UNKNOWN, { tls });
    using _most = await openProxied(served, LOCAL, { tls });
    using refused = await proxied(served, header1('192.0.2.1'), { tls });
    await refused.closed;
    await served.log.line(/192\.0\.2\.1: refused: .*maxConnectionsPerIp/);
    expect(served.server.stats().limits.refusedAddresses).toBe(1);
    await second.close();
    await until(async () => {
      const again = await proxied(served, header1('192.0.2.1'), { tls });
      return Promise.race([once(again.socket, 'open').then(() => true), again.closed.then(() => false)]);
    });
    for (const client of [first, other]) expect(client.socket.readyState).toBe(client.socket.OPEN);
  });

  it('the header of a request counts only if the address that was told is trusted', async () => {
    const more = { proxyHeader: 'x-forwarded-for', trustProxy: ['127.0.0.1', '10.0.0.0/8'] } as const;
    await using served = await serveProxied({ ...options, ...more });
    const headers = { 'X-Forwarded-For': '192.0.2.66' };
    for (const [header, address] of [
      [header1('10.1.2.3'), '192.0.2.66'],
      [header1('192.0.2.1'), '192.0.2.1'],
      [LOCAL, '127.0.0.1'],
      [UNKNOWN, '127.0.0.1'],
    ] as const) {
      using client = await openProxied(served, header, { tls, headers });
      expect(await addressOf(client)).toBe(address);
      expect(seen.pop()).toBe(address);
    }
  });

  it.each([
    ['from an untrusted address', header1('192.0.2.1'), '127.0.0.2', /127\.0\.0\.2: .*no trusted proxy/],
    ['that sends none', name === 'TLS' ? '\x16\x03\x01\x02' : GET, '127.0.0.1', /127\.0\.0\.1: .*begins like this/],
    ['that sends a wrong one', 'PROXY TCP4 300.', '127.0.0.1', /127\.0\.0\.1: .*an address is not one of TCP4/],
    [
      'that sends one too long',
      encodeHeader2(0x21, 0x11, Buffer.alloc(MAX_PROXY_HEADER_BYTES)),
      '127.0.0.1',
      /127\.0\.0\.1: .*longer than 4096 bytes/,
    ],
  ])('a peer %s is closed without an answer, counted and named', async (_, bytes, from, line) => {
    await using served = await serveProxied(options);
    expect(await answerTo(served, bytes, from)).toBe('');
    await served.log.line(line);
    expect(served.server.stats()).toMatchObject({ httpConnections: 0, limits: { refusedProxies: 1 } });
    using client = await openProxied(served, header1('192.0.2.1'), { tls });
    await echoes(client);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half a header', header1('192.0.2.1').subarray(0, 20)],
    ['the beginning of a binary header', header2('192.0.2.1').subarray(0, 20)],
  ])('a proxy that sends %s is closed after handshakeTimeoutMs', async (_, bytes) => {
    await using served = await serveProxied({ ...options, handshakeTimeoutMs: 300 });
    const socket = await connectProxy({ port: served.port });
    const startedAt = performance.now();
    socket.write(bytes);
    await until(() => served.server.stats().httpConnections === 1);
    expect(await allOf(socket)).toBe('');
    expect(performance.now() - startedAt).toBeGreaterThan(250);
    await served.log.line(/127\.0\.0\.1: refused: .*not whole in time \(handshakeTimeoutMs\)/);
    expect(served.server.stats()).toMatchObject({ httpConnections: 0, limits: { refusedProxies: 1 } });
  });

  it('the time that the header has taken is not given again to what follows', async () => {
    await using served = await serveProxied({ ...options, handshakeTimeoutMs: 3000 });
    const socket = await connectProxy({ port: served.port });
    const startedAt = performance.now();
    setTimeout(() => socket.write(header1('192.0.2.1')), 2400);
    await allOf(socket);
    expect(performance.now() - startedAt).toBeLessThan(5300); // 2.4 s and 3 s more if it were
    await served.log.line(/192\.0\.2\.1: refused: /);
  });
});

describe.runIf(process.platform !== 'win32')('with the PROXY protocol', () => {
  it('a request and frames in the segment of the header are not lost', async () => {
    await using served = await serveProxied();
    for (const header of [header1('192.0.2.1'), header2('192.0.2.1')]) {
      const socket = await connectProxy({ port: served.port });
      using client = new RawClient(socket);
      socket.cork();
      socket.write(header);
      socket.write(encodeRequest('/?quiet'));
      client.text('early');
      socket.uncork();
      expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
      expect(String((await client.next()).payload)).toBe('early');
    }
  });

  it('a ClientHello in the segment of the header is not lost', async () => {
    await using served = await serveProxied({ tls: pair('default') });
    const socket = await connectProxy({ port: served.port });
    socket.cork();
    socket.write(header2('192.0.2.1'));
    const secure = connectTls({ ...TRUST, socket });
    process.nextTick(() => socket.uncork());
    await once(secure, 'secureConnect');
    secure.write(GET);
    const [answer] = (await once(secure, 'data')) as [Buffer];
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
    secure.destroy();
  });

  it('ordinary requests and health checks are answered', async () => {
    await using served = await serveProxied();
    for (const header of [header1('192.0.2.1'), LOCAL, UNKNOWN]) {
      expect(await answerTo(served, Buffer.concat([header, Buffer.from(GET)]))).toMatch(/^HTTP\/1\.1 200 /);
    }
    const socket = await connectProxy({ port: served.port });
    socket.end(); // a check that only connects
    await allOf(socket);
    await until(() => served.server.stats().httpConnections === 0);
    expect(served.server.stats().limits.refusedProxies).toBe(0);
  });

  it('a second header is answered as what it is', async () => {
    await using served = await serveProxied();
    const twice = Buffer.concat([header1('192.0.2.1'), header1('192.0.2.1')]);
    expect(await answerTo(served, twice)).toMatch(/^HTTP\/1\.1 400 [\s\S]*this is the PROXY protocol, /);
  });

  it('a client above a limit is told so, when its address is known, and the log names it', async () => {
    await using served = await serveProxied({ maxConnectionsPerIp: 1 });
    using _client = await openProxied(served, header1('192.0.2.1'));
    const request = Buffer.concat([header1('192.0.2.1'), Buffer.from(encodeRequest('/'))]);
    expect(await answerTo(served, request)).toMatch(/^HTTP\/1\.1 503 [\s\S]*maxConnectionsPerIp/);
    await served.log.line(/192\.0\.2\.1: refused: .*maxConnectionsPerIp/);
    const others = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const socket = await connectProxy({ port: served.port });
        socket.write(header1('192.0.2.1'));
        return socket;
      }),
    );
    // Eight of a network wait for the answer to their request, and two more; the others are closed.
    await until(() => served.server.stats().limits.refusedUnanswered >= 40);
    using other = await openProxied(served, header1('192.0.2.2'));
    expect(await addressOf(other)).toBe('192.0.2.2');
    for (const socket of others) socket.destroy();
  });

  it('connections that wait for their header count in maxConnections, and all is given back', async () => {
    await using served = await serveProxied({ maxConnections: 200, handshakeTimeoutMs: 4000 });
    using before = await openProxied(served, header1('192.0.2.1'));
    using beforeToo = await openProxied(served, header1('192.0.2.1')); // now each thread has its own descriptors
    for (const client of [before, beforeToo]) await echoes(client);
    const descriptors = openDescriptors();
    const { rss } = process.memoryUsage();
    const silent = await Promise.all(Array.from({ length: 600 }, () => connectProxy({ port: served.port })));
    await until(() => served.server.stats().limits.refusedUnanswered === 600 - 198);
    expect(served.server.stats()).toMatchObject({ httpConnections: 198, limits: { refusedFull: 600 - 198 } });
    expect(process.memoryUsage().rss - rss).toBeLessThan(64 * 1024 * 1024);
    await echoes(before);
    await Promise.all(silent.map((socket) => socket.destroyed || closing(socket)));
    expect(served.server.stats()).toMatchObject({ httpConnections: 0, limits: { refusedProxies: 198 } });
    using after = await openProxied(served, header1('192.0.2.1'));
    await echoes(after);
    await after.close();
    await until(() => openDescriptors() <= descriptors);
  });

  it('a server that is full has room for the headers of some, and tells them', async () => {
    await using served = await serveProxied({ maxConnections: 1 });
    using _client = await openProxied(served, header1('192.0.2.1'));
    const socket = await connectProxy({ port: served.port });
    await until(() => served.server.stats().httpConnections === 1);
    socket.write(Buffer.concat([header1('192.0.2.2'), Buffer.from(encodeRequest('/'))]));
    expect(await allOf(socket)).toMatch(/^HTTP\/1\.1 503 [\s\S]*maxConnections/);
  });

  it('peers that leave before their header is whole are no incidents, and leave nothing behind', async () => {
    await using served = await serveProxied();
    using client = await openProxied(served, header1('192.0.2.1'));
    await echoes(client);
    const descriptors = openDescriptors();
    for (let i = 0; i < 30; i++) {
      const socket = await connectProxy({ port: served.port });
      if (i % 3 > 0) socket.write('PROXY TCP4 192.');
      if (i % 2 > 0) socket.end();
      else socket.resetAndDestroy();
      await allOf(socket);
    }
    await until(() => served.server.stats().httpConnections === 0 && openDescriptors() <= descriptors);
    expect(served.server.stats().limits.refusedProxies).toBe(0);
  });

  it('a server that closes leaves no connection that waits', async () => {
    const served = await serveProxied();
    const descriptors = openDescriptors();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => connectProxy({ port: served.port })));
    await until(() => served.server.stats().httpConnections === 20);
    const closed = sockets.map((socket) => closing(socket));
    await served.server.close();
    await Promise.all(closed);
    expect(served.server.stats().httpConnections).toBe(0);
    expect(openDescriptors()).toBeLessThan(descriptors);
  });

  it.each([
    [['unix'], header1('192.0.2.1'), '192.0.2.1'],
    [['unix'], UNKNOWN, undefined],
    [['loopback'], header1('192.0.2.1'), 'closed'],
  ] as const)('peers of a unix socket with trustProxy %j that send %s', async (trustProxy, header, expected) => {
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-proxied-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'socket');
    decideUpgrades(() => undefined);
    const log = new RecordingLog();
    const server = createServer({ ...PROXIED, trustProxy, threads: 1, log });
    onTestFinished(() => server.close({ drainMs: 0 }));
    const { url } = await server.listen({ path });
    using client = await proxied({ url, port: 0 }, header, { target: { path } });
    if (expected === 'closed') {
      await client.closed;
      await log.line(/a client without an address: refused: .*no trusted proxy/);
      return;
    }
    await once(client.socket, 'open');
    expect(await addressOf(client)).toBe(expected);
    await echoes(client);
  });
});
