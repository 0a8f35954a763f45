import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  createSecureServer as createSecureHttp2Server,
  type Http2SecureServer,
} from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import {
  ArgumentTypeError,
  type AttachOptions,
  attach,
  ConfigError,
  HandlerModuleError,
  type Server,
} from '../../dist/index.js';
import { makeCertificate } from '../client/certificate.js';
import { Client, refusal } from '../e2e/client.js';
import { pattern } from '../e2e/pattern.js';
import { encodeRequest, RawClient } from '../e2e/raw-client.js';
import { builtIn, decideUpgrades, handler, until } from '../e2e/serving.js';
import { eachWay, onlyOnce } from '../e2e/thread-counts.js';
import { Hosting } from './hosting.js';

const application: RequestListener = (_, response) => void response.end('the application');
const plain = () => new Hosting(createHttpServer(application)).listen();
const echo: AttachOptions = { handler: builtIn('echo'), threads: 1 };
/** What says which attachment has taken a connection. */
const saying = (text: string): AttachOptions => ({
  handler: { open: (connection) => void connection.send(text) },
  threads: 0,
});
/** How many listeners a server has for each event. */
const listenersOf = (http: NetServer) => http.eventNames().map((name) => [name, http.listenerCount(name)]);
const textOf = async (url: string) => (await fetch(url)).text();

describe.each(eachWay(2))('attached to node:http, with threads: %i', (threads) => {
  it('upgrades on the path become connections, and all else stays with the application', async () => {
    await using hosting = await plain();
    const sockets = await hosting.attach({ ...echo, threads, path: '/live' });
    using client = await Client.open(`ws:${hosting.place}/live?a=b`);
    for (const size of [0, 5, 70_000, 1_000_000]) {
      client.send(pattern(size, size));
      expect((await client.next()).bytes.equals(pattern(size, size))).toBe(true);
    }
    const hosted = sockets.stats().threads.reduce((sum, { connections }) => sum + connections, 0);
    expect([hosted, sockets.stats().connections]).toEqual([threads === 0 ? 0 : 1, 1]);
    for (const path of ['/', '/live', '/healthz'])
      expect(await textOf(`http:${hosting.place}${path}`)).toBe('the application');
    expect(await refusal(`ws:${hosting.place}/live/more`)).toMatchObject({ status: 404 });
    await sockets.close();
    expect(await client.closed).toMatchObject({ code: 1001 });
  });

  it('the HTTP server may be closed first: it does not wait for open connections, and they go on', async () => {
    await using hosting = await plain();
    const sockets = await hosting.attach({ ...echo, threads, path: '/live' });
    using client = await Client.open(`ws:${hosting.place}/live`);
    await new Promise((resolve) => hosting.http.close(resolve));
    hosting.http.closeAllConnections();
    client.send('still here');
    expect(await client.text()).toBe('still here');
    await sockets.close();
    expect(await client.closed).toMatchObject({ code: 1001 });
  });
});

describe.each(onlyOnce)('an attachment', () => {
  it('listens where its HTTP server does, and is started once, which its methods say', async () => {
    await using hosting = await plain();
    const sockets = (await hosting.attach({ ...saying('one'), path: '/live' })) as Server;
    for (const method of ['listen', 'start'] as const)
      await expect(sockets[method]()).rejects.toThrow(
        expect.objectContaining({
          code: 'WSLOOM_STATE',
          message: expect.stringMatching(
            `^${method} is not for an attached server, .* listens where its HTTP server does`,
          ),
        }),
      );
    using client = await Client.open(`ws:${hosting.place}/live`);
    expect(await client.text()).toBe('one');
  });

  it('that is closed leaves the HTTP server as it was', async () => {
    await using hosting = await plain();
    const before = listenersOf(hosting.http);
    const sockets = await hosting.attach({ ...echo, path: '/live' });
    expect(hosting.http.listenerCount('upgrade')).toBe(1);
    await sockets.close();
    expect(listenersOf(hosting.http)).toEqual(before);
    expect(await textOf(`http:${hosting.place}/`)).toBe('the application');
    // An upgrade is an ordinary request again.
    expect(await refusal(`ws:${hosting.place}/live`)).toMatchObject({ status: 200, body: 'the application' });
    const again = await hosting.attach({ ...echo, path: '/live' });
    using client = await Client.open(`ws:${hosting.place}/live`);
    client.send('hello');
    expect(await client.text()).toBe('hello');
    expect(again.stats().opened).toBe(1);
  });

  it('refuses with 503 while it drains', async () => {
    await using hosting = await plain();
    const sockets = await hosting.attach({ handler: handler('commands.js'), threads: 0, path: '/live' });
    using client = await RawClient.open(hosting.port, '/live');
    client.socket.pause(); // so that the closing handshake does not end
    const closed = sockets.close({ drainMs: 60_000 });
    expect(await refusal(`ws:${hosting.place}/live`)).toMatchObject({ status: 503 });
    client.reset();
    await closed;
  });

  it('may come before the HTTP server listens', async () => {
    await using hosting = new Hosting(createHttpServer(application));
    await hosting.attach({ ...echo, path: '/live' });
    await hosting.listen();
    using client = await Client.open(`ws:${hosting.place}/live`);
    client.send('hello');
    expect(await client.text()).toBe('hello');
    // The names that it answers to are those of the address that the server listens on by now.
    expect(await refusal(`ws:${hosting.place}/live`, { headers: { Host: 'foreign.example' } })).toMatchObject({
      status: 403,
    });
  });

  it('on another address than a loopback one answers to every name, and to a list only if there is one', async () => {
    await using hosting = await new Hosting(createHttpServer(application)).listen('0.0.0.0');
    await hosting.attach({ ...saying('open'), path: '/open' });
    await hosting.attach({ ...saying('strict'), path: '/strict', allowedHosts: ['ours.example'] });
    const foreign = { headers: { Host: 'foreign.example' } };
    using client = await Client.open(`ws:${hosting.place}/open`, foreign);
    expect(await client.text()).toBe('open');
    expect(await refusal(`ws:${hosting.place}/strict`, foreign)).toMatchObject({ status: 403 });
    const page = { origin: 'https://foreign.example' };
    expect(await refusal(`ws:${hosting.place}/open`, page)).toMatchObject({ status: 403 });
  });

  it('counts its own connections only', async () => {
    await using hosting = await plain();
    const one = await hosting.attach({ ...saying('one'), path: '/one', maxConnections: 1, maxConnectionsPerIp: 1 });
    await hosting.attach({ ...saying('two'), path: '/two', maxConnections: 1 });
    // Kept connections of HTTP clients, and those of the other attachment, count nowhere.
    using kept = await RawClient.connect(hosting.port);
    kept.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await kept.response;
    using other = await Client.open(`ws:${hosting.place}/two`);
    using client = await Client.open(`ws:${hosting.place}/one`);
    expect([await other.text(), await client.text()]).toEqual(['two', 'one']);
    expect(await refusal(`ws:${hosting.place}/one`)).toMatchObject({ status: 503 });
    expect(one.stats()).toMatchObject({ connections: 1, httpConnections: 0 });
    await client.close();
    await until(() => one.stats().connections === 0);
    using next = await Client.open(`ws:${hosting.place}/one`);
    expect(await next.text()).toBe('one');
  });

  it('may have an admin port of its own', async () => {
    await using hosting = await new Hosting(createHttpServer()).listen();
    const sockets = await hosting.attach({ ...echo, path: '/live', adminPort: 0 });
    const { url } = sockets.adminAddress() ?? {};
    expect(await textOf(`${url}/readyz`)).toBe('ready\n');
    expect(await textOf(`${url}/metrics`)).toMatch(/^# HELP wsloom_info /);
    await sockets.close({ drainMs: 0 });
    expect(sockets.adminAddress()).toBeUndefined();
  });

  it('has no page, no health and no metrics, unless the application asks it for them', async () => {
    let sockets: Awaited<ReturnType<typeof attach>> | undefined;
    const http = createHttpServer((request, response) => {
      if (sockets?.handleRequest(request, response) !== true) response.end('the application');
    });
    await using hosting = await new Hosting(http).listen();
    sockets = await hosting.attach({ ...echo, path: '/none' });
    for (const path of ['/', '/healthz', '/readyz', '/metrics', '/none'])
      expect(await textOf(`http:${hosting.place}${path}`)).toBe('the application');
    sockets = await hosting.attach({
      ...echo,
      path: '/live',
      page: '/try',
      health: '/live/health',
      ready: '/live/ready',
      metrics: '/live/metrics',
    });
    expect(await textOf(`http:${hosting.place}/try`)).toContain('new WebSocket(');
    expect(await (await fetch(`http:${hosting.place}/live/health`)).json()).toMatchObject({ status: 'ok' });
    expect(await textOf(`http:${hosting.place}/live/ready`)).toBe('ready\n');
    expect((await fetch(`http:${hosting.place}/live/health`, { method: 'POST' })).status).toBe(405);
    expect(await textOf(`http:${hosting.place}/live/metrics`)).toMatch(/^# HELP wsloom_info /);
    for (const path of ['/', '/live', '/healthz'])
      expect(await textOf(`http:${hosting.place}${path}`)).toBe('the application');
    using foreign = await RawClient.connect(hosting.port);
    foreign.socket.write('GET /try HTTP/1.1\r\nHost: foreign.example\r\n\r\n');
    expect(await foreign.response).toMatch(/^HTTP\/1\.1 403 /);
    expect(() => sockets?.handleRequest({} as never, {} as never)).toThrow(
      expect.objectContaining({ code: 'WSLOOM_REQUEST_EVENT' }),
    );
    await sockets.close();
    expect((await fetch(`http:${hosting.place}/live/health`)).status).toBe(503);
  });

  it('has a hook that refuses, and takes what handleUpgrade is given too', async () => {
    await using hosting = await plain();
    const sockets = await hosting.attach({ handler: handler('deciding.js'), threads: 1, path: '/live' });
    decideUpgrades(({ query }) => (query === 'no' ? { status: 401, body: 'no' } : { data: query }));
    expect(await refusal(`ws:${hosting.place}/live?no`)).toMatchObject({ status: 401, body: 'no' });
    using client = await Client.open(`ws:${hosting.place}/live?yes`);
    expect(await client.json()).toMatchObject({ path: '/live', query: 'yes', data: 'yes' });
    await using other = await plain();
    other.http.on('upgrade', (request, socket, head) => sockets.handleUpgrade(request, socket, head, { data: 'mine' }));
    using second = await Client.open(`ws:${other.place}/live?no`);
    expect(await second.json()).toMatchObject({ data: 'mine' });
  });

  it('loads its handler again, and publishes', async () => {
    await using hosting = await plain();
    const sockets = await hosting.attach({ handler: builtIn('broadcast'), threads: 2, path: '/live' });
    using before = await Client.open(`ws:${hosting.place}/live`);
    await sockets.reload({ drainMs: 0 });
    expect(await before.closed).toMatchObject({ code: 1001 });
    using client = await Client.open(`ws:${hosting.place}/live`);
    sockets.publish('/live', 'from the program');
    expect(await client.text()).toBe('from the program');
    expect(sockets.stats().reloads).toBe(1);
  });
});

describe.each(onlyOnce)('several on one HTTP server', () => {
  it("each have their paths, and exact ones come before all; nobody's path gets 404", async () => {
    await using hosting = await plain();
    const one = await hosting.attach({ ...saying('one'), path: ['/one', '/1'] });
    const two = await hosting.attach({ ...saying('two'), path: '/two' });
    expect(hosting.http.listenerCount('upgrade')).toBe(1);
    const said = async (path: string) => {
      using client = await Client.open(`ws:${hosting.place}${path}`);
      return client.text();
    };
    expect([await said('/one'), await said('/1'), await said('/two')]).toEqual(['one', 'one', 'two']);
    expect(await refusal(`ws:${hosting.place}/three`)).toMatchObject({
      status: 404,
      body: 'there is no WebSocket on this path\n',
    });
    const all = await hosting.attach(saying('all others'));
    expect([await said('/three'), await said('/two')]).toEqual(['all others', 'two']);
    await two.close();
    expect([await said('/two'), await said('/one')]).toEqual(['all others', 'one']);
    await all.close();
    expect(await refusal(`ws:${hosting.place}/two`)).toMatchObject({ status: 404 });
    await one.close();
    expect(hosting.http.listenerCount('upgrade')).toBe(0);
  });

  it('share no path', async () => {
    await using hosting = await plain();
    await hosting.attach({ ...saying('one'), path: ['/one', '/1'] });
    for (const path of ['/one', ['/two', '/1']]) {
      const error = await hosting.attach({ ...saying('two'), path }).catch((reason) => reason);
      expect(error).toBeInstanceOf(ConfigError);
      expect(error).toMatchObject({ option: 'path' });
      expect(error.message).toMatch(/^path must be another one: "\/1"|"\/one" is attached/);
    }
    // What was refused has claimed nothing.
    await hosting.attach({ ...saying('two'), path: '/two' });
    await hosting.attach(saying('all'));
    await expect(hosting.attach(saying('all'))).rejects.toThrow(
      /^path must be another one: all other paths are attached/,
    );
  });

  it('do not answer for one that is still starting: its clients are told to come again', async () => {
    await using hosting = await plain();
    await hosting.attach({ ...saying('one'), path: '/one' });
    const starting = hosting.attach({ ...echo, path: '/two' });
    expect(await refusal(`ws:${hosting.place}/two`)).toMatchObject({ status: 503, body: 'the server is starting\n' });
    await starting;
    using client = await Client.open(`ws:${hosting.place}/two`);
    client.send('hello');
    expect(await client.text()).toBe('hello');
  });

  it('and one that cannot start leaves nothing behind', async () => {
    await using hosting = await plain();
    const before = listenersOf(hosting.http);
    const missing = { handler: './nowhere.mjs', threads: 0, path: '/live' };
    await expect(hosting.attach(missing)).rejects.toBeInstanceOf(HandlerModuleError);
    expect(listenersOf(hosting.http)).toEqual(before);
    await hosting.attach({ ...saying('one'), path: '/live' });
    using client = await Client.open(`ws:${hosting.place}/live`);
    expect(await client.text()).toBe('one');
  });
});

describe.each(onlyOnce)('beside another listener for upgrades', () => {
  it("each has its paths, and an upgrade on nobody's path is left alone", async () => {
    await using hosting = await plain();
    const others = new WebSocketServer({ noServer: true });
    let left: Duplex | undefined;
    hosting.http.on('upgrade', (request, socket, head) => {
      if (request.url === '/other') others.handleUpgrade(request, socket, head, (client) => client.send('the other'));
      else if (request.url !== '/live') left = socket;
    });
    await hosting.attach({ ...saying('live'), path: '/live' });
    using other = await Client.open(`ws:${hosting.place}/other`);
    using client = await Client.open(`ws:${hosting.place}/live`);
    expect([await other.text(), await client.text()]).toEqual(['the other', 'live']);
    using nobody = await RawClient.upgrading(hosting.port, '/nobody');
    await until(() => left !== undefined);
    // Whoever it belongs to may answer whenever it likes.
    left?.write('HTTP/1.1 418 mine\r\n\r\n');
    expect(await nobody.response).toBe('HTTP/1.1 418 mine\r\n\r\n');
    left?.destroy();
    other.socket.terminate();
  });

  it('all paths cannot be had', async () => {
    await using hosting = await plain();
    hosting.http.on('upgrade', () => {});
    const error = await hosting.attach(saying('all')).catch((reason) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(/^path must be given, because something else listens for 'upgrade'/);
  });
});

describe.each(onlyOnce)('an upgrade to another protocol', () => {
  const offer =
    'Host: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
  const hosted = async () => {
    const http = createHttpServer(async (request, response) => {
      let body = '';
      for await (const part of request.setEncoding('utf8')) body += part;
      response.end(`${request.method} ${request.url} ${request.headers.upgrade} ${body}`);
    });
    const hosting = await new Hosting(http).listen();
    await hosting.attach({ ...saying('live'), path: '/live' });
    const client = await RawClient.connect(hosting.port);
    const got = { text: '' };
    client.socket.on('data', (bytes) => {
      got.text += bytes.toString('latin1');
    });
    return { hosting, client, got };
  };

  it('that nobody takes is an ordinary request of the application, and the connection is kept', async () => {
    const { hosting, client, got } = await hosted();
    await using _ = hosting;
    client.socket.write(`GET /live HTTP/1.1\r\n${offer}\r\nGET /b HTTP/1.1\r\n${offer}\r\nGET /c`);
    await until(() => got.text.includes('GET /b undefined '));
    client.socket.write(' HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => got.text.includes('GET /c undefined '));
    expect(got.text).toMatch(/GET \/live undefined .*GET \/b/s);
    client.socket.end();
  });

  it.each([
    ['at once', 'Content-Length: 9\r\n\r\nand more!', ''],
    ['later', 'Content-Length: 9\r\n\r\nand ', 'more!'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nand \r\n', '5\r\nmore!\r\n0\r\n\r\n'],
  ])('keeps its body, which comes %s', async (_, first, later) => {
    const { hosting, client, got } = await hosted();
    await using __ = hosting;
    client.socket.write(`POST /b HTTP/1.1\r\n${offer}${first}`);
    // Another listener for 'upgrade' would change what becomes of it: so what was written is read when others are answered.
    for (let i = 0; i < 2; i++) await textOf(`http:${hosting.place}/`);
    client.socket.write(later);
    await until(() => got.text.endsWith('POST /b undefined and more!'));
    client.socket.end();
  });

  it('that has a body and is for a WebSocket is refused', async () => {
    const { hosting, client, got } = await hosted();
    await using _ = hosting;
    client.socket.write(encodeRequest('/live', ['Content-Length: 9']));
    await until(() => got.text.includes('400 Bad Request'));
    using nobody = await RawClient.connect(hosting.port);
    nobody.socket.write(encodeRequest('/nobody', ['Content-Length: 9']));
    expect(await nobody.response).toMatch(/^HTTP\/1\.1 404 /);
  });
});

describe.each(onlyOnce)('what cannot be attached', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an Express app', Object.assign(() => {}, { on() {}, off() {}, emit() {}, listen() {} })],
    ['a Koa app', { on() {}, off() {}, emit() {}, listenerCount() {}, listen() {} }],
    ['a port', 8080],
    ['a server of node:net', createTcpServer()],
  ])('is an error that says what can: %s', async (_, http) => {
    const error = await attach(http as NetServer, { ...echo }).catch((reason) => reason);
    expect(error).toBeInstanceOf(ArgumentTypeError);
    expect(error).toMatchObject({ code: 'WSLOOM_HTTP_SERVER', message: expect.stringMatching(/fastify\.server/) });
  });

  it.each([
    ['createServer()', createHttp2Server()],
    ['createSecureServer()', createSecureHttp2Server()],
  ])('is an error that says what can: %s of node:http2, which gets no upgrades', async (_, http) => {
    const error = await attach(http, { ...echo }).catch((reason) => reason);
    expect(error).toBeInstanceOf(ArgumentTypeError);
    expect(error).toMatchObject({ code: 'WSLOOM_HTTP_SERVER', message: expect.stringMatching(/allowHTTP1: true/) });
  });

  it.each<[object | undefined, string, RegExp]>([
    [undefined, 'options', /^attach needs an object of options, got undefined$/],
    [{ ...echo, maxHeaderBytes: 5000 }, 'maxHeaderBytes', /your HTTP server .* reads the requests: set maxHeaderSize/],
    [{ ...echo, tls: { cert: 'x', key: 'x' } }, 'tls', /^tls is not for attach, .*: give certificates .* node:https$/],
    [{ ...echo, maxTlsHandshakes: 5 }, 'maxTlsHandshakes', /^maxTlsHandshakes is not for attach, /],
    [{ ...echo, handshake: 'worker' }, 'handshake', /^handshake is not for attach, /],
    [{ ...echo, proxyProtocol: true, trustProxy: ['loopback'] }, 'proxyProtocol', /^proxyProtocol is not for attach, /],
    [{ ...echo, handler: { message: () => {} }, threads: 2 }, 'handler', /threads: 0/],
    [{ ...echo, path: 'live' }, 'path', /begin with/],
    [{ ...echo, path: [] }, 'path', /at least one path/],
    [{ ...echo, path: '/live/*' }, 'path', /cannot be a pattern/],
    [{ ...echo, port: 8080 }, 'port', /port/],
  ])('has options that are checked: %o', async (options, option, message) => {
    await using hosting = await plain();
    const error = await hosting.attach.call(hosting, options as AttachOptions).catch((reason) => reason);
    const direct = await attach(hosting.http, options as AttachOptions).catch((reason) => reason);
    if (options !== undefined) expect(error).toMatchObject({ option });
    expect(direct).toBeInstanceOf(ConfigError);
    expect(direct).toMatchObject({ option, message: expect.stringMatching(message) });
    expect(hosting.http.listenerCount('upgrade')).toBe(0);
  });
});

const certificate = makeCertificate();

describe.runIf(certificate !== undefined).each(onlyOnce)(
  'attached to a server of node:http2 that takes HTTP/1.1 too',
  () => {
    it('connections of HTTP/1.1 become WebSockets, and requests of HTTP/2 stay with the application', async () => {
      const http: Http2SecureServer = createSecureHttp2Server(
        { ...certificate, allowHTTP1: true },
        (request, response) => {
          response.end(`the application, HTTP/${request.httpVersion}`);
        },
      );
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
      const { port } = http.address() as AddressInfo;
      const sockets = await attach(http, { ...echo, path: '/live' });
      const trusting = { rejectUnauthorized: false };
      using client = await Client.open(`wss://127.0.0.1:${port}/live`, trusting);
      client.send(pattern(1, 70_000));
      expect((await client.next()).bytes.equals(pattern(1, 70_000))).toBe(true);
      expect(await refusal(`wss://127.0.0.1:${port}/`, trusting)).toMatchObject({ status: 404 });
      const session = connectHttp2(`https://127.0.0.1:${port}`, trusting);
      const request = session.request({ ':path': '/live' });
      expect(String(Buffer.concat(await request.toArray()))).toBe('the application, HTTP/2.0');
      session.close();
      await sockets.close();
      expect(await client.closed).toMatchObject({ code: 1001 });
      await new Promise((resolve) => http.close(resolve));
    });
  },
);

describe.runIf(certificate !== undefined).each(eachWay(2))('attached to node:https, with threads: %i', (threads) => {
  const secure = () => new Hosting(createHttpsServer({ ...certificate }, application)).listen();
  const trusting = { rejectUnauthorized: false };

  it('connections are hosted in this thread, and share topics with those of a plain server', async () => {
    await using hosting = await secure();
    const sockets = await hosting.attach({ handler: builtIn('broadcast'), threads, path: '/live' });
    await using other = await plain();
    other.http.on('upgrade', (request, socket, head) => sockets.handleUpgrade(request, socket, head));
    using client = await Client.open(`wss:${hosting.place}/live`, trusting);
    using unencrypted = await Client.open(`ws:${other.place}/live`);
    client.send('to all');
    expect([await client.text(), await unencrypted.text()]).toEqual(['to all', 'to all']);
    const hosted = sockets.stats().threads.reduce((sum, { connections }) => sum + connections, 0);
    expect(hosted).toBe(threads === 0 ? 0 : 1);
    expect(await refusal(`wss:${hosting.place}/`, trusting)).toMatchObject({ status: 404 });
  });

  it('the HTTPS server may be closed first: it does not wait for open connections, and they go on', async () => {
    await using hosting = await secure();
    let timeout: number | undefined;
    hosting.http.setTimeout(60_000);
    hosting.http.on('upgrade', (_, socket) => {
      setImmediate(() => {
        timeout = Reflect.get(socket, 'timeout');
      });
    });
    const sockets = await hosting.attach({ ...echo, threads, path: '/live' });
    using client = await Client.open(`wss:${hosting.place}/live`, trusting);
    await new Promise((resolve) => hosting.http.close(resolve));
    hosting.http.closeAllConnections();
    expect(timeout).toBe(0); // nor does a timeout of the server end them
    client.send('still here');
    expect(await client.text()).toBe('still here');
    await sockets.close();
    expect(await client.closed).toMatchObject({ code: 1001 });
  });

  it('or last, and then it ends at once', async () => {
    await using hosting = await secure();
    const sockets = await hosting.attach({ ...echo, threads, path: '/live' });
    using client = await Client.open(`wss:${hosting.place}/live`, trusting);
    client.send('hello');
    expect(await client.text()).toBe('hello');
    await sockets.close();
    expect(await client.closed).toMatchObject({ code: 1001 });
    const closed = once(hosting.http, 'close');
    hosting.http.close();
    await closed;
  });
});
