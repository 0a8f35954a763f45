import { Agent, get, type IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Client, refusal } from '../e2e/client.js';
import { encodeRequest, Opcode, RawClient } from '../e2e/raw-client.js';
import { builtIn, type Served, serve, until } from '../e2e/serving.js';

const urlOf = (served: Served, path: string) => `http://127.0.0.1:${served.port}${path}`;

describe('ordinary requests', () => {
  it('are answered on kept connections beside WebSockets', async () => {
    await using served = await serve({ handler: builtIn('echo') });
    const clients = await Promise.all(Array.from({ length: 10 }, () => Client.open(served.url)));
    for (const client of clients) client.send('taken by a worker');
    for (const client of clients) await client.next();
    const agent = new Agent({ keepAlive: true, maxSockets: 10 });
    const answers = Array.from({ length: 300 }, async () => {
      const { status, body } = await load(urlOf(served, '/healthz'), agent);
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ status: 'ok', connections: 10 });
    });
    const echoes = clients.map(async (client, i) => {
      for (let k = 0; k < 100; k++) {
        client.send(`${i} ${k}`);
        expect(await client.text()).toBe(`${i} ${k}`);
      }
    });
    await Promise.all([...answers, ...echoes]);
    agent.destroy();
  });

  it('for the page get a page that loads nothing from elsewhere', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0 });
    const response = await fetch(urlOf(served, '/'));
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await response.text();
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/(src|href)=|https?:\/\//);
  });

  it('for the health may have a query, and the answer must not be cached', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0 });
    const response = await fetch(urlOf(served, '/healthz?verbose'));
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({
      status: 'ok',
      threads: [],
      connections: 0,
      workersLost: 0,
      workersLostLastMinute: 0,
      uptimeSeconds: expect.any(Number),
    });
  });

  it('and upgrades are judged by the exact path, without its query', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0, path: ['/chat', '/other'] });
    for (const path of ['/chat/', '/Chat', '/elsewhere', '/chat%20', '//chat']) {
      expect((await fetch(urlOf(served, path))).status).toBe(404);
      expect(await refusal(served.url + path)).toMatchObject({ status: 404 });
    }
    expect(await refusal(`${served.url}/`)).toMatchObject({ status: 404 });
    using client = await Client.open(`${served.url}/other?with=query`);
    client.send('here');
    expect(await client.text()).toBe('here');
  });

  it('of other methods are refused on every path, with a body or without; HEAD and OPTIONS are answered', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0 });
    for (const path of ['/', '/healthz', '/room']) {
      for (const method of ['POST', 'PUT', 'DELETE', 'PROPFIND']) {
        const body = method === 'POST' || method === 'PUT' ? { body: 'x'.repeat(100_000) } : {};
        const response = await fetch(urlOf(served, path), { method, ...body });
        expect(response.status).toBe(405);
        expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
      }
      const options = await fetch(urlOf(served, path), { method: 'OPTIONS' });
      expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
      const got = await fetch(urlOf(served, path));
      const body = await got.text();
      const head = await fetch(urlOf(served, path), { method: 'HEAD' });
      expect(head.status).toBe(got.status);
      expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(body)));
      expect(await head.text()).toBe('');
    }
  });

  it('that are no HTTP do no harm', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0 });
    const all = ['nonsense\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00', `GET / HTTP/1.1\r\n${'x'.repeat(40_000)}`];
    for (const nonsense of all) {
      using client = await RawClient.connect(served.port);
      client.socket.write(nonsense);
      client.socket.end();
      await client.closed;
    }
    expect((await fetch(urlOf(served, '/healthz'))).status).toBe(200);
  });
});

describe('an upgrade', () => {
  it('may follow an answered request on the same connection', async () => {
    await using served = await serve({ handler: builtIn('echo') });
    for (let i = 0; i < 4; i++) {
      using client = await RawClient.connect(served.port);
      const read = () => new Promise<Buffer>((resolve) => client.socket.once('data', resolve));
      const answered = read();
      client.socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      expect(String(await answered)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      const upgraded = read();
      client.socket.write(encodeRequest('/'));
      expect(String(await upgraded)).toMatch(/^HTTP\/1\.1 101 /);
      const echoed = read();
      client.text('hello');
      expect(await echoed).toEqual(Buffer.from('\x81\x05hello', 'latin1'));
    }
  });

  it('in the same segment as a request in front of it is accepted behind its answer', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0 });
    using client = await RawClient.connect(served.port);
    let answer = '';
    client.socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
    });
    client.socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n${encodeRequest('/')}`);
    client.text('hello');
    await until(() => answer.endsWith('\x81\x05hello'));
    expect(answer.slice(0, -7)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\}\nHTTP\/1\.1 101 .*\r\n\r\n$/s);
  });

  it('turns a request behind it into bytes of the connection, which are no frame', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0 });
    using client = await RawClient.open(
      served.port,
      '/',
      Buffer.from('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    );
    expect((await client.next()).opcode).toBe(Opcode.CLOSE);
    await client.ended;
    expect(client.rest).toEqual([]);
  });
});

/** Sends one request with this agent. */
async function load(url: string, agent: Agent): Promise<{ readonly status: number; readonly body: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get(url, { agent }, resolve).on('error', reject),
  );
  let body = '';
  for await (const part of response) body += part;
  return { status: response.statusCode as number, body };
}
