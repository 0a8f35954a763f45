import { existsSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AttachedServer, type AttachOptions, attach } from '../../dist/index.js';
import { makeCertificate } from '../client/certificate.js';
import { Client, refusal } from '../e2e/client.js';
import { encodeRequest, RawClient } from '../e2e/raw-client.js';
import { builtIn, RecordingLog, until } from '../e2e/serving.js';

const PEERS = fileURLToPath(new URL('../peers/', import.meta.url));
const isInstalled = existsSync(`${PEERS}node_modules/express`);
if (!isInstalled && Reflect.get(process.env, 'WSLOOM_TEST_PEERS') === 'required')
  throw new Error('test/peers is not installed');

it.skipIf(isInstalled)('needs Express, Fastify, Hono and Koa: npm ci --prefix test/peers', ({ skip }) => skip());

/** An application, which answers `hello` to GET /, `posted` to POST /, and to /slow after it was told to. */
interface Application {
  readonly http: Server;
  /** Closes the application as its framework does. */
  close(): Promise<unknown>;
}

/** What the application asks for before it answers itself. */
interface Hooks {
  readonly slow: Promise<void>;
  /** Whether the request was answered by somebody else. */
  first(request: IncomingMessage, response: ServerResponse): boolean;
}

type Framework = (hooks: Hooks) => Promise<Application>;

const require = createRequire(PEERS);
/** The packages have types, but not for those who have not installed them. */
// biome-ignore lint/suspicious/noExplicitAny: see above
const load = (name: string): any => require(name);

const listening = async (http: Server): Promise<Application> => {
  if (!http.listening) await new Promise<void>((resolve) => http.once('listening', resolve));
  return { http, close: () => new Promise((resolve) => http.close(resolve)) };
};

const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  'node:http': ({ slow, first }) =>
    listening(
      createHttpServer(async (request, response) => {
        if (first(request, response)) return;
        if (request.url === '/slow') await slow;
        response.end(request.method === 'POST' ? 'posted' : 'hello');
      }).listen(0, '127.0.0.1'),
    ),
  Express: ({ slow, first }) => {
    const express = load('express');
    const app = express();
    app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
      if (!first(request, response)) next();
    });
    app.use(express.json());
    app.get('/slow', (_: unknown, response: ServerResponse) => slow.then(() => response.end('hello')));
    app.get('/', (_: unknown, response: { send(text: string): void }) => response.send('hello'));
    app.post('/', (_: unknown, response: { send(text: string): void }) => response.send('posted'));
    return listening(app.listen(0, '127.0.0.1'));
  },
  Fastify: async ({ slow, first }) => {
    const fastify = load('fastify')();
    fastify.addHook(
      'onRequest',
      (
        { raw }: { readonly raw: IncomingMessage },
        reply: { readonly raw: ServerResponse; hijack(): void },
        done: () => void,
      ) => {
        if (first(raw, reply.raw)) reply.hijack();
        else done();
      },
    );
    fastify.get('/slow', () => slow.then(() => 'hello'));
    fastify.get('/', async () => 'hello');
    fastify.post('/', async () => 'posted');
    await fastify.listen({ port: 0, host: '127.0.0.1' });
    return { http: fastify.server, close: () => fastify.close() };
  },
  Hono: ({ slow, first }) => {
    const { Hono } = load('hono');
    const { RESPONSE_ALREADY_SENT } = load('@hono/node-server/utils/response');
    const app = new Hono();
    type Context = {
      readonly env: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse };
      text(body: string): unknown;
    };
    app.use(async ({ env }: Context, next: () => Promise<void>) =>
      first(env.incoming, env.outgoing) ? RESPONSE_ALREADY_SENT : next(),
    );
    app.get('/slow', (context: Context) => slow.then(() => context.text('hello')));
    app.get('/', (context: Context) => context.text('hello'));
    app.post('/', (context: Context) => context.text('posted'));
    return listening(load('@hono/node-server').serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }));
  },
  Koa: ({ slow, first }) => {
    const Koa = load('koa');
    const app = new (Koa.default ?? Koa)();
    type Context = {
      readonly req: IncomingMessage;
      readonly res: ServerResponse;
      readonly path: string;
      readonly method: string;
      respond?: boolean;
      body?: string;
    };
    app.use(async (context: Context) => {
      if (first(context.req, context.res)) {
        context.respond = false;
        return;
      }
      if (context.path === '/slow') await slow;
      context.body = context.method === 'POST' ? 'posted' : 'hello';
    });
    return listening(app.listen(0, '127.0.0.1'));
  },
};

describe.runIf(isInstalled).each(Object.entries(FRAMEWORKS))('attached to %s', (_, framework) => {
  let application: Application;
  let sockets: AttachedServer | undefined;
  let goOn = () => {};
  const opened: AttachedServer[] = [];
  const add = async (options: AttachOptions) => {
    const log = new RecordingLog();
    const added = await attach(application.http, { arenaBytes: 64 * 1024 * 1024, poison: true, log, ...options });
    opened.push(added);
    return added;
  };
  const place = () => `//127.0.0.1:${(application.http.address() as AddressInfo).port}`;

  beforeEach(async () => {
    sockets = undefined;
    const slow = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const first = (request: IncomingMessage, response: ServerResponse) =>
      sockets?.handleRequest(request, response) === true;
    application = await framework({ slow, first });
  });

  afterEach(async () => {
    goOn();
    await Promise.all(opened.splice(0).map((one) => one.close({ drainMs: 0 })));
    if (!application.http.listening) return;
    application.http.closeAllConnections();
    await application.close();
  });

  it.each([0, 2])('WebSockets and requests go where they belong, with threads: %i', async (threads) => {
    await add({ handler: builtIn('echo'), threads, path: '/live' });
    using client = await Client.open(`ws:${place()}/live`);
    client.send('hello');
    expect(await client.text()).toBe('hello');
    expect(await (await fetch(`http:${place()}/`)).text()).toBe('hello');
    const posted = { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } };
    expect(await (await fetch(`http:${place()}/`, posted)).text()).toBe('posted');
    expect(await refusal(`ws:${place()}/`)).toMatchObject({ status: 404 });
  });

  it('several handlers have several paths, with an object that sees this program among them', async () => {
    const seen: string[] = [];
    await add({ handler: builtIn('broadcast'), threads: 1, path: '/all' });
    await add({ handler: { message: (_, message) => void seen.push(message.text()) }, threads: 0, path: '/mine' });
    using all = await Client.open(`ws:${place()}/all`);
    using mine = await Client.open(`ws:${place()}/mine`);
    all.send('to all');
    expect(await all.text()).toBe('to all');
    mine.send('to me');
    await until(() => seen.length === 1);
    expect(seen).toEqual(['to me']);
  });

  it('an upgrade waits for the answers to earlier requests', async () => {
    const server = await add({ handler: builtIn('echo'), threads: 1, path: '/live' });
    using client = await RawClient.connect((application.http.address() as AddressInfo).port);
    let got = '';
    client.socket.on('data', (read) => {
      got += read.toString('latin1');
    });
    client.socket.write(`GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n${encodeRequest('/live')}`);
    client.text('early');
    await until(() => server.stats().pendingUpgrades === 1);
    goOn();
    await until(() => got.endsWith('\x81\x05early'));
    expect([...got.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status)).toEqual(['200', '101']);
  });

  it('a request that offers h2c is an ordinary one', async () => {
    await add({ handler: builtIn('echo'), threads: 0, path: '/live' });
    using client = await RawClient.connect((application.http.address() as AddressInfo).port);
    const offer = [
      'Host: localhost',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABk',
    ];
    client.socket.write(`${['GET / HTTP/1.1', ...offer, 'Content-Length: 0'].join('\r\n')}\r\n\r\n`);
    expect(await client.response).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('the health is answered where the application asks for it', async () => {
    sockets = await add({ handler: builtIn('echo'), threads: 1, path: '/live', health: '/live/health' });
    expect(await (await fetch(`http:${place()}/live/health`)).json()).toMatchObject({ status: 'ok' });
    expect(await (await fetch(`http:${place()}/`)).text()).toBe('hello');
  });

  it('either is closed first', async () => {
    const one = await add({ handler: builtIn('echo'), threads: 1, path: '/one' });
    const two = await add({ handler: builtIn('echo'), threads: 0, path: '/two' });
    using first = await Client.open(`ws:${place()}/one`);
    using second = await Client.open(`ws:${place()}/two`);
    await one.close();
    expect(await first.closed).toMatchObject({ code: 1001 });
    expect(await (await fetch(`http:${place()}/`, { headers: { Connection: 'close' } })).text()).toBe('hello');
    await application.close();
    second.send('still here');
    expect(await second.text()).toBe('still here');
    await two.close();
    expect(await second.closed).toMatchObject({ code: 1001 });
  });
});

const certificate = makeCertificate();

describe.runIf(isInstalled && certificate !== undefined)('attached to Fastify over TLS, and on two addresses', () => {
  it('its connections are hosted in this thread', async () => {
    const fastify = load('fastify')({ https: { ...certificate } });
    fastify.get('/', async () => 'hello');
    const sockets = await attach(fastify.server, { handler: builtIn('echo'), threads: 1, path: '/live' });
    await fastify.listen({ port: 0, host: '127.0.0.1' });
    const url = `wss://127.0.0.1:${fastify.server.address().port}/live`;
    using client = await Client.open(url, { rejectUnauthorized: false });
    client.send('hello');
    expect(await client.text()).toBe('hello');
    await fastify.close();
    client.send('still here');
    expect(await client.text()).toBe('still here');
    await sockets.close();
  });

  it('upgrades of both servers that it makes for localhost are taken, behind earlier answers', async () => {
    let goOn = () => {};
    const slow = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const fastify = load('fastify')();
    fastify.get('/slow', () => slow.then(() => 'hello'));
    const sockets = await attach(fastify.server, { handler: builtIn('echo'), threads: 1, path: '/live' });
    await fastify.listen({ port: 0, host: 'localhost' });
    const { port } = fastify.server.address() as AddressInfo;
    for (const { address } of fastify.addresses() as readonly AddressInfo[]) {
      const host = address.includes(':') ? `[${address}]` : address;
      using client = await Client.open(`ws://${host}:${port}/live`);
      client.send(address);
      expect(await client.text()).toBe(address);
    }
    using client = await RawClient.connect(port);
    let got = '';
    client.socket.on('data', (read) => {
      got += read.toString('latin1');
    });
    client.socket.write(`GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n${encodeRequest('/live')}`);
    await until(() => sockets.stats().pendingUpgrades === 1);
    goOn();
    await until(() => got.includes(' 101 '));
    expect(got).toMatch(/^HTTP\/1\.1 200 .* 101 /s);
    await sockets.close({ drainMs: 0 });
    await fastify.close();
  });
});

it('a framework behind node:https is attached to by that server', async ({ skip }) => {
  if (!isInstalled || certificate === undefined) return skip();
  const express = load('express');
  const app = express();
  app.get('/', (_: unknown, response: { send(text: string): void }) => response.send('hello'));
  const http = createHttpsServer({ ...certificate }, app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const sockets = await attach(http, { handler: builtIn('echo'), threads: 1, path: '/live' });
  using client = await Client.open(`wss://127.0.0.1:${(http.address() as AddressInfo).port}/live`, {
    rejectUnauthorized: false,
  });
  client.send('hello');
  expect(await client.text()).toBe('hello');
  await new Promise((resolve) => http.close(resolve));
  await sockets.close();
  expect(await client.closed).toMatchObject({ code: 1001 });
  // An app is no server.
  await expect(attach(app, { handler: builtIn('echo') })).rejects.toMatchObject({ code: 'WSLOOM_HTTP_SERVER' });
});
