import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../dist/index.js';
import { Routes } from '../../dist/monitor/routes.js';
import { closeStatus, RawClient } from '../e2e/raw-client.js';
import { builtIn, primaryHasRead, type Served, serve } from '../e2e/serving.js';
import { answerTo, statusOf } from '../hostile/attack.js';

/** Lines of a head, whole. */
const head = (...lines: readonly string[]) => `${lines.join('\r\n')}\r\n\r\n`;

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const VERSION = 'Sec-WebSocket-Version: 13';
const HANDSHAKE = ['Connection: Upgrade', 'Upgrade: websocket', VERSION, KEY];
const upgrade = (...headers: readonly string[]) => head('GET / HTTP/1.1', 'Host: localhost', ...HANDSHAKE, ...headers);

let served: Served;

beforeAll(async () => {
  served = await serve({
    handler: builtIn('echo'),
    threads: 0,
    allowedOrigins: ['https://example.org', 'null', 'file://'],
  });
});

afterAll(async () => {
  await served[Symbol.asyncDispose]();
});

describe('the head of an upgrade is taken as it is sent by', () => {
  it.each([
    ['an embedded client that announces no body', upgrade('Content-Length: 0')],
    ['a proxy that adds a length in lower case', upgrade('content-length:0')],
    ['a client that offers an empty list of subprotocols', upgrade('Sec-WebSocket-Protocol:')],
    [
      'arduinoWebSockets',
      upgrade('Sec-WebSocket-Protocol: arduino', 'Origin: file://', 'User-Agent: arduino-WebSocket-Client'),
    ],
    ['a page without an origin', upgrade('Origin: null')],
    [
      'Firefox',
      head(
        'GET / HTTP/1.1',
        'Host: localhost:8080',
        'Accept: */*',
        'Sec-WebSocket-Extensions: permessage-deflate',
        'Connection: keep-alive, Upgrade',
        'Upgrade: websocket',
        'Origin: https://example.org',
        VERSION,
        KEY,
      ),
    ],
    [
      'Chromium',
      upgrade(
        'Pragma: no-cache',
        'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
        'Origin: https://example.org',
      ),
    ],
    ['old versions of Safari', upgrade('Sec-WebSocket-Extensions: x-webkit-deflate-frame')],
    [
      'ESP-IDF',
      head(
        'GET / HTTP/1.1',
        'Connection: Upgrade',
        'Host: 127.0.0.1:80',
        'User-Agent: ESP32 Websocket Client',
        'Upgrade: websocket',
        VERSION,
        KEY,
      ),
    ],
    [
      'libwebsockets',
      head(
        'GET / HTTP/1.1',
        'Pragma: no-cache',
        'Cache-Control: no-cache',
        'Host: localhost',
        'Upgrade: websocket',
        'Connection: Upgrade',
        KEY,
        'Sec-WebSocket-Protocol: lws-mirror-protocol',
        VERSION,
      ),
    ],
    ['Paho over WebSockets', upgrade('Sec-WebSocket-Protocol: mqtt')],
    [
      '.NET and Unity',
      head('GET / HTTP/1.1', 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket', KEY, VERSION),
    ],
    [
      'Java of old',
      head('GET / HTTP/1.1', 'Connection: Upgrade', 'Host: localhost', KEY, VERSION, 'Upgrade: WebSocket'),
    ],
    [
      'Go',
      head(
        'GET / HTTP/1.1',
        'Host: localhost',
        'User-Agent: Go-http-client/1.1',
        'Connection: Upgrade',
        KEY,
        VERSION,
        'Upgrade: websocket',
      ),
    ],
    [
      'nginx',
      head(
        'GET / HTTP/1.1',
        'Upgrade: websocket',
        'Connection: upgrade',
        'Host: localhost',
        'X-Forwarded-For: 192.0.2.1',
        VERSION,
        KEY,
      ),
    ],
    [
      'Envoy',
      head(
        'GET / HTTP/1.1',
        'host: localhost',
        'upgrade: websocket',
        'connection: Upgrade',
        KEY.toLowerCase().replace(/:.*/, KEY.slice(KEY.indexOf(':'))),
        'sec-websocket-version: 13',
        'x-request-id: 1',
        'content-length: 0',
      ),
    ],
    ['a client that lists its subprotocols with spaces', upgrade('Sec-WebSocket-Protocol:  v1 , v2\t,v3 ')],
    [
      'a client that shouts',
      head(
        'GET / HTTP/1.1',
        'HOST: LOCALHOST',
        'UPGRADE: WEBSOCKET',
        'CONNECTION: KEEP-ALIVE, UPGRADE',
        VERSION.toUpperCase(),
        `SEC-WEBSOCKET-KEY${KEY.slice(KEY.indexOf(':'))}`,
      ),
    ],
    ['a client behind a forward proxy', head('GET http://127.0.0.1/ HTTP/1.1', 'Host: 127.0.0.1', ...HANDSHAKE)],
    ['a client of IPv6', head('GET / HTTP/1.1', 'Host: [::1]:8080', ...HANDSHAKE)],
  ])('%s', async (_who, text) => {
    using client = await RawClient.connect(served.port);
    client.socket.write(text);
    expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
    client.text('here');
    expect(String((await client.next()).payload)).toBe('here');
    client.frame(8, Buffer.from([3, 232]));
    expect(closeStatus(await client.next()).code).toBe(1000);
  });
});

describe('a handshake that announces a body is refused with 400:', () => {
  const BODIES = [
    'Content-Length: 00',
    'Content-Length: +0',
    'Content-Length: -0',
    'Content-Length: 0, 0',
    'Content-Length: 0x0',
  ];
  const MORE = [
    'Content-Length: ',
    'Content-Length: 1',
    'Content-Length: 0\r\nContent-Length: 0',
    'Transfer-Encoding: chunked',
  ];
  const BOTH = ['Content-Length: 0\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nContent-Length: 0'];
  it.each([...BODIES, ...MORE, ...BOTH])('%j', async (lines) => {
    const opened = served.server.stats().opened;
    const answer = await answerTo(served.port, `${upgrade(...lines.split('\r\n'))}0\r\n\r\n${upgrade()}`);
    expect(statusOf(answer)).toBe(400);
    expect(served.server.stats().opened).toBe(opened);
  });
});

describe('what load balancers and monitors send is answered:', () => {
  const UPTIME = 'User-Agent: Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)';
  it.each([
    ['HAProxy with its defaults', head('OPTIONS / HTTP/1.0'), 204],
    ['HAProxy with a path', head('GET /healthz HTTP/1.0'), 200],
    ['a client older than that', head('GET /healthz HTTP/0.9'), 200],
    ['HAProxy with OPTIONS and a path', head('OPTIONS /healthz HTTP/1.0'), 204],
    [
      'HAProxy of HTTP/1.1',
      head('GET /healthz HTTP/1.1', 'host: 127.0.0.1:8080', 'content-length: 0', 'connection: close'),
      200,
    ],
    ['a proxy that uses HEAD', head('HEAD /healthz HTTP/1.0', 'Connection: close'), 200],
    [
      'keepalived and nginx',
      head('GET /healthz HTTP/1.0', 'User-Agent: KeepAliveClient', 'Host: 127.0.0.1:8080', 'Connection: close'),
      200,
    ],
    [
      'AWS',
      head(
        'GET /healthz HTTP/1.1',
        'Host: 127.0.0.1:8080',
        'Connection: close',
        'User-Agent: ELB-HealthChecker/2.0',
        'Accept-Encoding: gzip, compressed',
      ),
      200,
    ],
    ['GCP', head('GET /healthz HTTP/1.1', 'Host: 127.0.0.1', 'User-Agent: GoogleHC/1.0', 'Connection: close'), 200],
    [
      'Kubernetes',
      head(
        'GET /healthz HTTP/1.1',
        'Host: 127.0.0.1:8080',
        'User-Agent: kube-probe/1.31',
        'Accept: */*',
        'Connection: close',
      ),
      200,
    ],
    [
      'Traefik',
      head(
        'GET /healthz HTTP/1.1',
        'Host: localhost:8080',
        'User-Agent: Go-http-client/1.1',
        'Accept-Encoding: gzip',
        'Connection: close',
      ),
      200,
    ],
    [
      'Envoy',
      head(
        'GET /healthz HTTP/1.1',
        'host: localhost',
        'user-agent: Envoy/HC',
        'content-length: 0',
        'connection: close',
      ),
      200,
    ],
    ['UptimeRobot', head('HEAD / HTTP/1.1', 'Host: localhost', 'Connection: close', UPTIME), 200],
    [
      'Pingdom',
      head(
        'GET / HTTP/1.1',
        'Host: localhost',
        'User-Agent: Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)',
        'Accept-Encoding: gzip, deflate',
        'Connection: close',
      ),
      200,
    ],
    [
      'curl',
      head(
        'GET /healthz HTTP/1.1',
        'Host: localhost:8080',
        'User-Agent: curl/8.5.0',
        'Accept: */*',
        'Connection: close',
      ),
      200,
    ],
    [
      'a script that sends only the necessary',
      head('GET /healthz HTTP/1.1', 'Host: localhost', 'Connection: close'),
      200,
    ],
    [
      'a client of a forward proxy',
      head('GET http://localhost:8080/healthz?x HTTP/1.1', 'Host: localhost:8080', 'Connection: close'),
      200,
    ],
    ['the asterisk-form', head('OPTIONS * HTTP/1.1', 'Host: localhost', 'Connection: close'), 204],
    ['a client of IPv6', head('GET /healthz HTTP/1.1', 'Host: [::1]:8080', 'Connection: close'), 200],
    [
      'a client that waits for 100 Continue',
      head('GET /healthz HTTP/1.1', 'Host: localhost', 'Expect: 100-Continue', 'Connection: close'),
      200,
    ],
    ['a client of HTTP/1.0 on a WebSocket path', head('GET /room HTTP/1.0'), 426],
    ['one that asks for an upgrade by HTTP/1.0', head('GET /room HTTP/1.0', ...HANDSHAKE), 505],
  ])('%s', async (_who, text, status) => {
    expect(statusOf((await answerTo(served.port, text)).replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, ''))).toBe(status);
  });

  it('a connection of HTTP/1.0 is kept if it asks for that', async () => {
    using client = await RawClient.connect(served.port);
    client.socket.write(head('GET /healthz HTTP/1.0', 'Connection: keep-alive'));
    expect(await client.response).toMatch(/^HTTP\/1\.1 200 OK\r\n(.*\r\n)*Connection: keep-alive\r\n/);
  });

  it('probes that connect and close, or reset, are no incident', async () => {
    const before = served.server.stats();
    for (const close of ['end', 'destroy', 'resetAndDestroy'] as const) {
      const socket = connect(served.port, '127.0.0.1');
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('connect', resolve));
      socket[close]();
      if (close === 'end') socket.resume();
      await new Promise((resolve) => socket.once('close', resolve));
    }
    await primaryHasRead(served);
    const after = served.server.stats();
    expect(after.limits).toEqual(before.limits);
  });
});

describe('an ordinary request is refused', () => {
  it.each([
    [
      'two Hosts',
      head('GET /healthz HTTP/1.1', 'Host: localhost', 'Host: localhost'),
      400,
      /^Host must come exactly once, got it 2 times\n$/,
    ],
    [
      'two Hosts, of HTTP/1.0',
      head('GET /healthz HTTP/1.0', 'Host: localhost', 'host: a'),
      400,
      /^Host must come exactly once/,
    ],
    ['no Host, of HTTP/1.1', head('GET /healthz HTTP/1.1'), 400, /^Host must come exactly once, got it 0 times\n$/],
    ['no Host, of a version that does not exist', head('GET /healthz HTTP/2.0'), 400, /^Host must come exactly once/],
    ['an empty Host', head('GET /healthz HTTP/1.1', 'Host:'), 400, /^Host must be a host name/],
    [
      'two Hosts in one',
      head('GET /healthz HTTP/1.1', 'Host: localhost, evil.example'),
      400,
      /^Host must be a host name/,
    ],
    [
      'a user in its Host',
      head('GET /healthz HTTP/1.1', 'Host: localhost@evil.example'),
      400,
      /^Host must be a host name/,
    ],
    [
      'a port that is no number',
      head('GET /healthz HTTP/1.1', 'Host: localhost:80x'),
      400,
      /^Host must be a host name/,
    ],
    ['a name that somebody has pointed here', head('GET /healthz HTTP/1.1', 'Host: evil.example'), 403, /allow-host/],
    ['the same by HTTP/1.0', head('GET /healthz HTTP/1.0', 'Host: evil.example'), 403, /allow-host/],
    ['the same in its target', head('GET http://evil.example/healthz HTTP/1.1', 'Host: localhost'), 403, /allow-host/],
    ['an invalid target', head('GET healthz HTTP/1.1', 'Host: localhost'), 400, /./],
    ['a target of another scheme', head('GET ftp://localhost/healthz HTTP/1.1', 'Host: localhost'), 400, /./],
    ['a path that does not exist', head('POST ftp://x/ HTTP/1.1', 'Host: localhost'), 400, /./],
    [
      'another method',
      head('POST /healthz HTTP/1.1', 'Host: localhost', 'Content-Length: 0', 'Connection: close'),
      405,
      /only GET/,
    ],
    ['WebSockets only', head('GET /room HTTP/1.1', 'Host: localhost', 'Connection: close'), 426, /WebSocket/],
    [
      'an expectation that nobody meets',
      head('GET /healthz HTTP/1.1', 'Host: localhost', 'Expect: more'),
      417,
      /100-continue/,
    ],
    [
      'too many headers',
      head('GET /healthz HTTP/1.1', 'Host: localhost', ...Array.from({ length: 100 }, (_, i) => `x${i}: 1`)),
      431,
      /at most 100/,
    ],
    ['a header that is too long', head('GET /healthz HTTP/1.1', `X: ${'x'.repeat(20_000)}`), 431, /./],
    ['the PROXY protocol', `PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n${upgrade()}`, 400, /PROXY protocol/],
    ['the PROXY protocol in binary', '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c', 400, /PROXY protocol/],
    ['TLS', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 400, /TLS/],
    ['an upgrade with two Hosts', upgrade('Host: a'), 400, /^Host must come exactly once/],
    ['an upgrade by POST', upgrade().replace('GET', 'POST'), 405, /GET/],
    ['a foreign page', upgrade('Origin: https://evil.example'), 403, /allow-origin/],
    ['an old version', upgrade().replace('Version: 13', 'Version: 8'), 426, /13/],
  ])('for %s, in plain text that is not sniffed', async (_what, text, status, body) => {
    const answer = await answerTo(served.port, Buffer.from(text, 'latin1'));
    expect(statusOf(answer)).toBe(status);
    expect(answer).toMatch(/\r\ncontent-type: text\/plain; charset=utf-8\r\n/i);
    expect(answer).toMatch(/\r\nx-content-type-options: nosniff\r\n/i);
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toMatch(body);
  });

  it('is an incident that says what was wrong', async () => {
    await using own = await serve({ handler: builtIn('echo'), threads: 0 });
    await answerTo(own.port, head('GET / HTTP/1.1', 'Host: localhost', 'Host: localhost'));
    await answerTo(own.port, head('GET / HTTP/1.1', 'Host: evil.example'));
    await answerTo(own.port, upgrade('Origin: https://evil.example'));
    await answerTo(own.port, upgrade().replace('Host: localhost', 'Host: evil.example'));
    expect(own.server.stats().limits).toMatchObject({ refusedHandshakes: 1, refusedHosts: 2, refusedOrigins: 1 });
    await own.log.line(/Host must come exactly once, got it 2 times$/);
    await own.log.line(/Host "evil\.example"$/);
    await own.log.line(/Host "localhost", Origin "https:\/\/evil\.example"$/);
  });

  it('with 408 and 503 likewise', async () => {
    await using slow = await serve({ handler: builtIn('echo'), threads: 0, handshakeTimeoutMs: 50, maxConnections: 1 });
    const late = await answerTo(slow.port, 'GET / HTTP/1.1\r\nHost: loc');
    using _client = await RawClient.open(slow.port);
    const full = await answerTo(slow.port, upgrade());
    expect([statusOf(late), statusOf(full)]).toEqual([408, 503]);
    for (const answer of [late, full]) {
      expect(answer).toMatch(
        /\r\nContent-Type: text\/plain; charset=utf-8\r\n(.*\r\n)*X-Content-Type-Options: nosniff\r\n/,
      );
    }
  });

  it('with an answer to HEAD that has no body', async () => {
    const answer = await answerTo(served.port, head('HEAD /healthz HTTP/1.1', 'Host: evil.example'));
    expect(answer).toMatch(/^HTTP\/1\.1 403 (.*\r\n)*Content-Length: [1-9]\d*\r\n/);
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  });
});

it('OPTIONS for the health is answered with 503 while the server drains, and OPTIONS for other known paths with 204', async () => {
  const health = {
    status: 'draining',
    threads: [],
    connections: 0,
    workersLost: 0,
    workersLostLastMinute: 0,
    uptimeSeconds: 0,
  } as const;
  const routes = new Routes(
    { health: () => health, metrics: () => '' },
    { paths: new Set(['/chat']), page: '/', health: '/healthz' },
  );
  await using http = createServer((request, response) => routes.handle(request, response));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const statuses: number[] = [];
  for (const first of [
    'OPTIONS /healthz',
    'GET /healthz',
    'OPTIONS /',
    'OPTIONS *',
    'OPTIONS /chat',
    'OPTIONS /other',
  ]) {
    statuses.push(statusOf(await answerTo(port, head(`${first} HTTP/1.0`))));
  }
  expect(statuses).toEqual([503, 503, 204, 204, 204, 404]);
});

describe('the author of an application decides about its paths:', () => {
  const statuses = async (options: Partial<ServerOptions>, ...paths: readonly string[]) => {
    await using own = await serve({ handler: builtIn('echo'), threads: 0, ...options });
    const found: number[] = [];
    for (const path of paths) {
      found.push(
        statusOf(await answerTo(own.port, head(`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close'))),
      );
    }
    return found;
  };

  it.each([false, 'off'] as const)('page and health are turned off by %j', async (off) => {
    expect(await statuses({ page: off, health: off }, '/', '/healthz')).toEqual([426, 426]);
    expect(await statuses({ page: off, health: off, path: '/chat' }, '/', '/healthz', '/chat')).toEqual([
      404, 404, 426,
    ]);
  });

  it('page and health can be moved, each without the other', async () => {
    expect(await statuses({ page: '/try', path: '/' }, '/', '/try', '/healthz')).toEqual([426, 200, 200]);
    expect(await statuses({ health: '/-/ready', path: '/chat' }, '/', '/healthz', '/-/ready')).toEqual([200, 404, 200]);
  });

  it('a page may have the path of WebSockets, and opens its WebSocket where there is one', async () => {
    const pathOf = async (options: Partial<ServerOptions>, page: string) => {
      await using own = await serve({ handler: builtIn('echo'), threads: 0, ...options });
      const body = await (await fetch(`http://127.0.0.1:${own.port}${page}`)).text();
      const [, path] = /id="path">("[^"]*")/.exec(body) as RegExpExecArray;
      using client = await RawClient.open(own.port, JSON.parse(path as string));
      return (await client.response) && JSON.parse(path as string);
    };
    expect(await pathOf({}, '/')).toBe('/');
    expect(await pathOf({ page: '/chat' }, '/chat')).toBe('/chat');
    expect(await pathOf({ page: '/chat', path: ['/', '/chat'] }, '/chat')).toBe('/chat');
    expect(await pathOf({ page: '/try', path: ['/chat', '/'] }, '/try')).toBe('/');
    expect(await pathOf({ page: '/try', path: ['/chat', '/b'] }, '/try')).toBe('/chat');
  });
});
