import { once } from 'node:events';
import { request } from 'node:https';
import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../dist/index.js';
import { fileOf, pair, pem } from '../tls/certificates.js';
import { Client } from './client.js';
import { encodeFrame, encodeRequest, Opcode } from './raw-client.js';
import { builtIn, handler, hosted, type Served, serve, until } from './serving.js';
import { eachWay } from './thread-counts.js';

const ECHO = builtIn('echo');
const TLS = pair('default');
const TRUST = { ca: pem('servers-ca.crt'), servername: 'default.test', rejectUnauthorized: false } as const;

const serveTls = (threads: number, options: Partial<ServerOptions> = {}) =>
  serve({ handler: ECHO, threads, tls: TLS, ...options });

const GET = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** Everything that a socket gets until it is closed, and how long that took, in ms. */
async function untilClosed(socket: Socket): Promise<{ readonly text: string; readonly afterMs: number }> {
  const startedAt = performance.now();
  let text = '';
  socket.on('data', (bytes) => (text += bytes));
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  return { text, afterMs: performance.now() - startedAt };
}

async function secure({ port }: Served, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ ...TRUST, host: '127.0.0.1', port, ...options });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

async function plain({ port }: Served): Promise<Socket> {
  const socket = connectPlain(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** A ClientHello, as a client sends it. */
async function clientHello(): Promise<Buffer> {
  const { Duplex } = await import('node:stream');
  return new Promise((resolve) => {
    const pipe = new Duplex({
      read() {},
      write(bytes: Buffer) {
        resolve(bytes);
      },
    });
    connect({ ...TRUST, socket: pipe }).on('error', () => {});
  });
}

async function get(
  { port }: Served,
  path: string,
): Promise<{ readonly status: number | undefined; readonly body: string }> {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request({ ...TRUST, host: '127.0.0.1', port, path, headers: { Host: 'localhost' }, agent: false }, resolve)
      .on('error', reject)
      .end();
  });
  let body = '';
  for await (const part of response) body += part;
  return { status: response.statusCode, body };
}

describe.each(eachWay(2))('a server with TLS, with threads: %i', (threads) => {
  it('echoes messages of all sizes, over TLS 1.2 and 1.3', async () => {
    await using served = await serveTls(threads);
    expect(served.url).toMatch(/^wss:/);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      using client = await Client.open(served.url, { ...TRUST, minVersion: version, maxVersion: version });
      for (const length of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
        const bytes = Buffer.alloc(length, length);
        client.send(bytes);
        expect((await client.next()).bytes.equals(bytes)).toBe(true);
      }
      expect((await client.close(1000)).code).toBe(1000);
    }
    await until(() => served.server.stats().connections === 0);
  });

  it('keeps every byte of messages of all sizes while its client does not read', async () => {
    await using served = await serveTls(threads);
    using client = await Client.open(served.url, TRUST);
    const sizes = [0, 20, 1000, 5000, 16_384, 65_536, 65_537, 300_000];
    const sent = Array.from({ length: 160 }, (_, i) => Buffer.alloc(sizes[i % sizes.length] as number, i));
    client.socket.pause();
    for (const bytes of sent) client.send(bytes);
    await until(() => served.server.stats().bufferedBytes > 500_000);
    client.socket.resume();
    for (const bytes of sent) expect((await client.next()).bytes.equals(bytes)).toBe(true);
    await until(() => served.server.stats().bufferedBytes === 0);
  });

  it('answers ordinary requests, and several on one connection', async () => {
    await using served = await serveTls(threads);
    expect((await get(served, '/')).status).toBe(200);
    const health = await get(served, '/healthz');
    expect(JSON.parse(health.body)).toMatchObject({ status: 'ok' });
    expect((await get(served, '/none')).status).toBe(426);
    const socket = await secure(served);
    socket.write(GET + GET);
    let text = '';
    socket.on('data', (bytes) => (text += bytes));
    await until(() => text.split('HTTP/1.1 200').length === 3);
    socket.destroy();
  });

  it('says in the clear that it speaks TLS to a client that speaks HTTP in the clear, and closes', async () => {
    await using served = await serveTls(threads);
    const socket = await plain(served);
    socket.write(GET);
    expect((await untilClosed(socket)).text).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*this port speaks TLS: connect with https: or wss:\n$/,
    );
    expect(served.server.stats().limits.refusedTls).toBe(1);
  });

  it.each([
    ['silence', () => Buffer.alloc(0)],
    ['half a ClientHello', async () => (await clientHello()).subarray(0, 100)],
    ['noise', () => Buffer.from([0x16, 3, 1, 0x40, 0])],
  ])('closes a connection after handshakeTimeoutMs: %s', async (_, bytes) => {
    await using served = await serveTls(threads, { handshakeTimeoutMs: 300 });
    const socket = await plain(served);
    socket.write(await bytes());
    const { afterMs } = await untilClosed(socket);
    expect(afterMs).toBeLessThan(5000);
    await until(() => served.server.stats().limits.refusedTls > 0);
  });

  it('closes a connection whose ClientHello comes byte by byte, and one whose request does', async () => {
    await using served = await serveTls(threads, { handshakeTimeoutMs: 400 });
    const hello = await clientHello();
    const drip = (socket: Socket, bytes: Uint8Array) => {
      let at = 0;
      const timer = setInterval(() => socket.write(bytes.subarray(at, ++at)), 20);
      socket.on('close', () => clearInterval(timer));
    };
    const slow = await plain(served);
    drip(slow, hello);
    const later = await secure(served);
    drip(later, Buffer.from(GET.replace('\r\n\r\n', `\r\nX: ${'x'.repeat(1000)}`)));
    const [first, second] = await Promise.all([untilClosed(slow), untilClosed(later)]);
    expect(first.text.startsWith('HTTP')).toBe(false);
    expect(second.text).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('lets go of a client that ends the connection in the middle of its handshake', async () => {
    await using served = await serveTls(threads, { handshakeTimeoutMs: 600_000 });
    const sockets = await Promise.all(Array.from({ length: 8 }, () => plain(served)));
    for (const socket of sockets) socket.write((await clientHello()).subarray(0, 100));
    await until(() => served.server.stats().httpConnections === 8);
    for (const socket of sockets) socket.end();
    await until(() => served.server.stats().httpConnections === 0);
  });

  it('counts connections from before their handshake, and closes those above the limits unanswered', async () => {
    await using served = await serveTls(threads, { maxConnectionsPerIp: 2 });
    const silent = await Promise.all([plain(served), plain(served)]);
    await until(() => served.server.stats().httpConnections === 2);
    expect((await untilClosed(await plain(served))).text).toBe('');
    expect(served.server.stats().limits).toMatchObject({ refusedAddresses: 1, refusedUnanswered: 1, refusedTls: 0 });
    for (const socket of silent) socket.destroy();
    await until(() => served.server.stats().httpConnections === 0);
    using client = await Client.open(served.url, TRUST);
    client.send('in');
    expect(await client.text()).toBe('in');
  });

  it('closes a connection that says nothing after its handshake with 408', async () => {
    await using served = await serveTls(threads, { handshakeTimeoutMs: 300 });
    expect((await untilClosed(await secure(served))).text).toMatch(/^HTTP\/1\.1 408 /);
    await until(() => served.server.stats().httpConnections === 0);
  });

  it('resumes sessions in every thread', async () => {
    await using served = await serveTls(threads);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { minVersion: version, maxVersion: version };
      const first = connect({ ...TRUST, host: '127.0.0.1', port: served.port, ...options });
      first.on('error', () => {});
      const [session] = (await once(first, 'session')) as [Buffer];
      // While these are open, each goes to the thread that has the fewest.
      const others: TLSSocket[] = [];
      for (let i = 0; i < 4; i++) others.push(await secure(served, { ...options, session }));
      expect(others.map((socket) => socket.isSessionReused())).toEqual([true, true, true, true]);
      for (const socket of [first, ...others]) socket.destroy();
    }
  });

  it('lets in only clients with a certificate that is trusted, if that is asked for', async () => {
    const tls = { ...TLS, ca: pem('clients-ca.crt'), requestCert: true };
    await using served = await serveTls(threads, { tls });
    using known = await Client.open(served.url, { ...TRUST, ...pair('client') });
    known.send('hello');
    expect(await known.text()).toBe('hello');
    for (const wrong of [{}, pair('other-client'), pair('expired-client')]) {
      using client = new Client(served.url, { ...TRUST, ...wrong });
      expect((await client.closed).code).toBe(1006);
    }
    await until(() => served.server.stats().limits.refusedTls === 3);
    await until(() => served.server.stats().connections === 1 && served.server.stats().httpConnections === 0);
  });

  it('lets in clients without a certificate too if that is optional, and the hook and the connection see the difference', async () => {
    const tls = { ...TLS, ca: pem('clients-ca.crt'), requestCert: 'optional' } as const;
    await using served = await serve({ handler: handler('tls-info.js'), threads, tls });
    using known = await Client.open(served.url, { ...TRUST, ...pair('client') });
    const own = {
      version: 'TLSv1.3',
      servername: 'default.test',
      authorized: true,
      certificate: { subject: expect.stringContaining('CN='), issuer: expect.any(String), validTo: expect.any(Number) },
    };
    expect(await known.json()).toMatchObject([own, own]);
    for (const unknown of [{}, pair('other-client')]) {
      using client = await Client.open(served.url, { ...TRUST, ...unknown });
      const none = { version: 'TLSv1.3', servername: 'default.test', authorized: false };
      expect(await client.json()).toEqual([none, none]);
    }
  });

  it('answers 421 for a host that needs a certificate, on a connection for a name that needs none', async () => {
    const secret = { ...pair('b'), ca: pem('clients-ca.crt'), requestCert: true };
    const tls = { ...TLS, sni: { 'b.example': secret } };
    await using served = await serveTls(threads, { tls, allowedHosts: ['*'] });
    const ask = async (servername: string, more: ConnectionOptions = {}) => {
      const socket = await secure(served, { servername, ...more });
      socket.write('GET /healthz HTTP/1.1\r\nHost: b.example\r\nConnection: close\r\n\r\n');
      return (await untilClosed(socket)).text.slice(9, 12);
    };
    expect(await ask('default.test')).toBe('421');
    expect(await ask('b.example', pair('client'))).toBe('200');
    using client = new Client(served.url, { ...TRUST, headers: { Host: 'b.example' } });
    const [, response] = (await once(client.socket, 'unexpected-response')) as [
      unknown,
      { readonly statusCode: number },
    ];
    expect(response.statusCode).toBe(421);
  });

  it('exchanges certificates while connections are open, and loses none of them', async () => {
    await using served = await serveTls(threads, { tls: { cert: fileOf('default.crt'), key: fileOf('default.key') } });
    const clients = await Promise.all(Array.from({ length: 6 }, () => Client.open(served.url, TRUST)));
    const shown = async () => {
      const socket = await secure(served);
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return subject.CN;
    };
    const before = await shown();
    await served.server.reload({ only: 'tls', tls: pair('renewed') });
    await until(async () => (await shown()) !== before);
    for (const client of clients) client.send('still here');
    expect(await Promise.all(clients.map((client) => client.text()))).toEqual(Array(6).fill('still here'));
    const wrong = served.server.reload({ only: 'tls', tls: { cert: pem('a.crt'), key: pem('b.key') } });
    await expect(wrong).rejects.toMatchObject({ code: 'WSLOOM_CONFIG', option: 'tls.cert' });
    expect(await shown()).not.toBe(before);
    expect(served.server.stats().certificates).toMatchObject([{ name: undefined }]);
    for (const client of clients) client[Symbol.dispose]();
  });

  it('has no more TLS handshakes at a time than maxTlsHandshakes, and the others wait', async () => {
    await using served = await serveTls(threads, { maxTlsHandshakes: 1, handshakeTimeoutMs: 2400 });
    const silent = await Promise.all(Array.from({ length: threads + 1 }, () => plain(served)));
    for (const socket of silent) void untilClosed(socket);
    await until(() => served.server.stats().httpConnections === silent.length);
    await new Promise((resolve) => setTimeout(resolve, 1000)); // so that the client has as long left when their time is over
    using client = await Client.open(served.url, TRUST);
    client.send('at last');
    expect(await client.text()).toBe('at last');
  });

  it('gives those that wait for a handshake no more time than others', async () => {
    await using served = await serveTls(threads, { maxTlsHandshakes: 1, handshakeTimeoutMs: 1000 });
    const silent = await Promise.all(Array.from({ length: 20 }, () => plain(served)));
    for (const { afterMs } of await Promise.all(silent.map(untilClosed))) expect(afterMs).toBeLessThan(5000);
    await until(() => served.server.stats().limits.refusedTls === 20 && served.server.stats().httpConnections === 0);
  });

  it('sends everything to a client that has ended its side', async () => {
    await using served = await serveTls(threads);
    const messages = Array.from({ length: 16 }, (_, i) => Buffer.alloc(300_000, i));
    const tcp = connectPlain({ port: served.port, host: '127.0.0.1', allowHalfOpen: true });
    await once(tcp, 'connect');
    const socket = connect({ ...TRUST, socket: tcp });
    await once(socket, 'secureConnect');
    socket.end(
      Buffer.concat([Buffer.from(encodeRequest('/')), ...messages.map((one) => encodeFrame(Opcode.BINARY, one))]),
    );
    let bytes = 0;
    for await (const part of socket) bytes += (part as Buffer).length;
    expect(bytes).toBeGreaterThan(16 * 300_000);
  });

  it('publishes to clients in all threads', async () => {
    await using served = await serve({ handler: builtIn('broadcast'), threads, tls: TLS });
    const clients = await Promise.all(Array.from({ length: 5 }, () => Client.open(served.url, TRUST)));
    if (threads > 0) await hosted(served.server, 5);
    clients[0]?.send('to all');
    expect(await Promise.all(clients.map((client) => client.text()))).toEqual(Array(5).fill('to all'));
    for (const client of clients) client[Symbol.dispose]();
  });

  it('refuses what is above maxConnections, and serves again when there is room', async () => {
    await using served = await serveTls(threads, { maxConnections: 1 });
    const first = await Client.open(served.url, TRUST);
    using second = new Client(served.url, TRUST);
    expect((await second.closed).code).toBe(1006);
    expect(served.server.stats().limits.refusedFull).toBe(1);
    await first.close();
    await until(() => served.server.stats().connections === 0);
    using third = await Client.open(served.url, TRUST);
    third.send('in');
    expect(await third.text()).toBe('in');
  });

  it('answers those who wait for their hook with 503 when it closes', async () => {
    await using served = await serve({ handler: handler('never-decides.js'), threads, tls: TLS });
    using client = new Client(served.url, TRUST);
    const refused = once(client.socket, 'unexpected-response');
    await until(() => served.server.stats().pendingUpgrades === 1);
    await served.server.close({ drainMs: 1000 });
    const [, response] = (await refused) as [unknown, { readonly statusCode: number }];
    expect(response.statusCode).toBe(503);
  });
});
