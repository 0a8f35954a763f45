import { once } from 'node:events';
import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClientMessage, connect as openOwn } from '../../dist/client/index.js';
import { createServer, type Server, type ServerOptions } from '../../dist/index.js';
import { load } from '../../dist/load/index.js';
import { pair } from '../tls/certificates.js';
import { Client, refusal } from './client.js';
import { Queue } from './queue.js';
import { closeStatus, encodeRequest, RawClient } from './raw-client.js';
import { builtIn, decideUpgrades, handler, hosted, RecordingLog, Reports, until } from './serving.js';

const KIB = 1024;

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
  path = join(folder, 'a.sock');
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A server on the unix socket. */
class Local implements AsyncDisposable {
  readonly server: Server;
  readonly log: RecordingLog;
  /** For the client of `ws`, with a path to be appended. */
  readonly url: string;

  private constructor(server: Server, log: RecordingLog, url: string) {
    this.server = server;
    this.log = log;
    this.url = url;
  }

  static async serve(options: ServerOptions): Promise<Local> {
    const log = new RecordingLog();
    const server = createServer({ poison: true, arenaBytes: 64 * KIB * KIB, log, ...options });
    const { url } = await server.listen({ path });
    return new Local(server, log, url.replace(/\/$/, ''));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close({ drainMs: 0 });
  }
}

/** What is answered to an HTTP request on the unix socket. */
async function get(target: string, headers: Readonly<Record<string, string>> = {}) {
  const request = httpRequest({ socketPath: path, path: target, headers, agent: false }).end();
  const [response] = await once(request, 'response');
  response.setEncoding('utf8');
  let body = '';
  for await (const part of response) body += part;
  return { status: response.statusCode as number, body };
}

async function openRaw(target: string): Promise<RawClient> {
  const socket = connect({ path, allowHalfOpen: true });
  await once(socket, 'connect');
  const client = new RawClient(socket);
  socket.write(encodeRequest(target));
  expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
  return client;
}

describe.skipIf(process.platform === 'win32').each([0, 2])('a server on a unix socket, with threads: %i', (threads) => {
  it('speaks TLS there, and closes those above maxConnections unanswered', async () => {
    await using local = await Local.serve({
      handler: builtIn('echo'),
      threads,
      tls: pair('default'),
      maxConnections: 1,
    });
    const url = `wss+unix:${path}:/`;
    expect(local.server.address()).toEqual({ path, url });
    const answers = new Queue<string>();
    const message = (_: unknown, one: ClientMessage) => answers.push(one.text());
    const client = await openOwn(url, { rejectUnauthorized: false, message });
    client.send('hello');
    expect(await answers.next()).toBe('hello');
    await expect(openOwn(url, { rejectUnauthorized: false })).rejects.toThrow();
    expect(local.server.stats().limits).toMatchObject({ refusedFull: 1, refusedUnanswered: 1 });
    client.close(1000);
    await client.closed;
  });

  it('says where it listens, echoes messages of any size, and removes the file at the end', async () => {
    await using local = await Local.serve({ handler: builtIn('echo'), threads });
    expect(local.server.address()).toEqual({ path, url: `ws+unix:${path}:/` });
    expect(lstatSync(path).mode & 0o7777).toBe(0o660);
    const clients = await Promise.all(Array.from({ length: 8 }, (_, i) => Client.open(`${local.url}/${i}`)));
    for (const size of [1, 100, 20 * KIB, 3 * KIB * KIB]) {
      const bytes = Buffer.alloc(size, size);
      for (const client of clients) client.send(bytes);
      for (const client of clients) expect((await client.next()).bytes.equals(bytes)).toBe(true);
    }
    const { threads: hosts } = local.server.stats();
    expect(hosts.filter(({ connections }) => connections > 0)).toHaveLength(threads);
    await local.server.close();
    for (const client of clients) expect(await client.closed).toMatchObject({ code: 1001 });
    expect(readdirSync(folder)).toEqual([]);
    expect(local.server.address()).toBeUndefined();
    expect(local.log.lines).toEqual([]);
  });

  it('is reached by the client and by the load generator of the package', async () => {
    await using local = await Local.serve({ handler: builtIn('echo'), threads });
    const { url } = local.server.address() as { readonly url: string };
    const text = await new Promise((resolve, reject) => {
      openOwn(url, { message: (_, message) => resolve(message.text()) }).then((own) => own.send('hello'), reject);
    });
    expect(text).toBe('hello');
    const { messages, errors } = await load({ url: `${url}load`, connections: 4, inFlight: 8, amount: 2000 });
    expect([messages.total, errors]).toEqual([2000, 0]);
    await local.server.close({ drainMs: 0 });
    await expect(openOwn(url)).rejects.toThrow(`no connection to ${path}: connect ENOENT ${path}`);
  });

  it('shows the hook and the handler no address, and the log says that there is none', async () => {
    await using local = await Local.serve({ handler: handler('deciding.js'), threads, maxHeaderCount: 10 });
    const addresses: unknown[] = [];
    decideUpgrades(({ remoteAddress }) => {
      addresses.push(remoteAddress);
    });
    using client = await Client.open(`${local.url}/`);
    expect(await client.json()).not.toHaveProperty('remoteAddress');
    expect(addresses).toEqual([undefined]);
    expect(await refusal(`${local.url}/`, { protocolVersion: 8 })).toMatchObject({
      status: 426,
    });
    expect(await local.log.line(/Sec-WebSocket-Version/)).toContain('a client without an address');
  });

  it('answers HTTP, and every Host, because no page of a browser comes this way', async () => {
    await using local = await Local.serve({ handler: builtIn('echo'), threads });
    expect(await get('/healthz')).toMatchObject({ status: 200 });
    expect(await get('/healthz', { Host: 'chat.example.org' })).toMatchObject({ status: 200 });
    using client = await Client.open(`${local.url}/`, { headers: { Host: 'chat.example.org' } });
    client.send('hello');
    expect(await client.text()).toBe('hello');
  });

  it('answers only the Hosts that are allowed, if there is a list', async () => {
    await using local = await Local.serve({ handler: builtIn('echo'), threads, allowedHosts: ['example.org'] });
    expect(await refusal(`${local.url}/`, { headers: { Host: 'localhost' } })).toMatchObject({ status: 403 });
    using client = await Client.open(`${local.url}/`, { headers: { Host: 'example.org' } });
    client.send('hello');
    expect(await client.text()).toBe('hello');
  });

  it('has no limit per address, because its clients have none, but one of all connections', async () => {
    const limits = { maxConnectionsPerIp: 1, maxConnections: 4 };
    await using local = await Local.serve({ handler: builtIn('echo'), threads, ...limits });
    const open = () => Client.open(`${local.url}/`);
    const clients = await Promise.all([open(), open(), open(), open()]);
    expect(await refusal(`${local.url}/`)).toMatchObject({ status: 503 });
    expect(local.server.stats().limits).toMatchObject({ refusedAddresses: 0, refusedFull: 1 });
    for (const client of clients) client[Symbol.dispose]();
  });

  it('counts hooks of clients that have left together only', async () => {
    const limits = { maxConnectionsPerIp: 1, maxConnections: 20 };
    await using local = await Local.serve({ handler: handler('deciding.js'), threads, ...limits });
    let asked = 0;
    decideUpgrades(() => {
      asked++;
      return new Promise(() => {}); // never
    });
    for (let i = 1; i <= 5; i++) {
      const socket = connect({ path });
      socket.write(encodeRequest('/'));
      await until(() => asked === i);
      socket.destroy();
      await until(() => local.server.stats().pendingUpgrades === 0);
    }
    expect(local.server.stats().limits.orphanedHooks).toBe(0);
  });

  it('answers as many clients above the limits as it would on TCP from many addresses', async () => {
    await using local = await Local.serve({ handler: builtIn('echo'), threads, maxConnections: 1 });
    using client = await Client.open(`${local.url}/`);
    const others = Array.from({ length: 20 }, () => new RawClient(connect({ path, allowHalfOpen: true })));
    for (const { socket } of others) socket.write('GET / HTTP/1.1\r\n');
    await until(() => local.server.stats().httpConnections === others.length);
    for (const { socket } of others) socket.write(encodeRequest('/').replace(/^.*\r\n/, ''));
    for (const { response } of others) expect(await response).toMatch(/^HTTP\/1\.1 503 /);
    for (const other of others) other[Symbol.dispose]();
    client.send('still there');
    expect(await client.text()).toBe('still there');
  });

  it('publishes to clients in all of its threads', async () => {
    await using local = await Local.serve({ handler: builtIn('broadcast'), threads });
    const clients = await Promise.all(Array.from({ length: 6 }, () => Client.open(`${local.url}/room`)));
    if (threads > 0) await hosted(local.server, 6);
    clients[0]?.send('to all');
    for (const client of clients) expect(await client.text()).toBe('to all');
    for (const client of clients) client[Symbol.dispose]();
  });

  it('goes on listening over a reload', async () => {
    await using local = await Local.serve({ handler: builtIn('echo'), threads });
    using before = await Client.open(`${local.url}/`);
    await local.server.reload({ drainMs: 1000 });
    expect(await before.closed).toMatchObject({ code: 1001 });
    using after = await Client.open(`${local.url}/`);
    after.send('hello');
    expect(await after.text()).toBe('hello');
  });

  it('refuses with 503 while it drains, and removes the file only then', async () => {
    await using local = await Local.serve({ handler: builtIn('echo'), threads });
    using client = await openRaw('/');
    const closed = local.server.close({ drainMs: 10_000 });
    expect(closeStatus(await client.next()).code).toBe(1001); // and does not answer
    expect(await get('/healthz')).toMatchObject({ status: 503 });
    expect(existsSync(path)).toBe(true);
    client.socket.destroy();
    await closed;
    expect(existsSync(path)).toBe(false);
  });

  it('destroys a connection whose client takes nothing', async () => {
    await using local = await Local.serve({ handler: handler('limits.js'), threads, stallTimeoutMs: 200 });
    using reports = new Reports();
    using stalled = await Client.open(`${local.url}/limited`);
    stalled.socket.pause();
    stalled.run(['fill', 1, 24 * KIB * KIB]);
    expect((await reports.of('close')).code).toBe(1006);
    expect(local.server.stats().limits).toMatchObject({ stalls: 1 });
  });

  it.runIf(process.platform === 'linux')('spares a client that takes something, if only slowly', async () => {
    await using local = await Local.serve({ handler: handler('limits.js'), threads, stallTimeoutMs: 1000 });
    using slow = await openRaw('/limited');
    const { socket } = slow;
    let taken = 0;
    socket.prependListener('data', (read: Buffer) => {
      taken += read.length;
      socket.pause();
    });
    using other = await Client.open(`${local.url}/limited`);
    other.run(['send', 'ready']);
    expect(await other.text()).toBe('ready');
    slow.text(JSON.stringify([['fill', 1, 16 * KIB * KIB]]));
    for (const endMs = performance.now() + 1800; performance.now() < endMs; ) {
      socket.resume();
      await new Promise((resolve) => setTimeout(resolve, 90));
    }
    expect(local.server.stats().limits.stalls).toBe(0);
    expect(local.server.stats().bufferedBytes).toBeGreaterThan(0);
    expect(taken).toBeLessThan(12 * KIB * KIB);
  });

  it('cannot be had by a second server, whose end leaves it alone', async () => {
    await using local = await Local.serve({ handler: builtIn('echo'), threads });
    const second = createServer({ handler: builtIn('echo'), threads, log: new RecordingLog() });
    await expect(second.listen({ path })).rejects.toMatchObject({ name: 'ListenError', code: 'EADDRINUSE' });
    expect(second.address()).toBeUndefined();
    expect(second.stats().threads.every(({ isTaking }) => !isTaking)).toBe(true);
    await second.close();
    using client = await Client.open(`${local.url}/`);
    client.send('hello');
    expect(await client.text()).toBe('hello');
  });

  it('leaves nothing if it is closed while it starts', async () => {
    const server = createServer({ handler: builtIn('echo'), threads, log: new RecordingLog() });
    const rejected = expect(server.listen({ path })).rejects.toMatchObject({ code: 'WSLOOM_STATE' });
    await server.close({ drainMs: 0 });
    await rejected;
    expect(readdirSync(folder)).toEqual([]);
  });
});
