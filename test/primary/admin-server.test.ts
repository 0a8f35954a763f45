import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import type { AdminSources } from '../../dist/monitor/admin-routes.js';
import type { Health } from '../../dist/monitor/health.js';
import type { MetricsFormat } from '../../dist/monitor/metrics-format.js';
import type { AdminOptions } from '../../dist/primary/admin-options.js';
import { AdminServer } from '../../dist/primary/admin-server.js';
import { reportTo, ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { RawClient } from '../e2e/raw-client.js';
import { RecordingLog } from '../e2e/serving.js';

const TOKEN = 's3cret-token';

const healthOf = (status: Health['status']): Health => ({
  ...{ status, threads: [], connections: 0, workersLost: 0, workersLostLastMinute: 0, uptimeSeconds: 1 },
});

const servers: AdminServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** An admin port, whose metrics are the name of their format. */
async function admin(options: Partial<AdminOptions> = {}, sources: Partial<AdminSources> = {}) {
  const log = new RecordingLog();
  const all = { port: 0, host: '127.0.0.1', token: undefined, isOpen: false, allowedHosts: undefined, ...options };
  const metrics = (format: MetricsFormat) => `in ${format}\n`;
  const server = new AdminServer(all, {
    sources: { health: () => healthOf('ok'), metrics, ...sources },
    log: new ThrottledLog(reportTo(log)),
  });
  servers.push(server);
  await server.listen();
  const { port = 0, url = '' } = server.address ?? {};
  const get = (path: string, init?: RequestInit) => fetch(url + path, init);
  return { log, port, url, get, server };
}

/** The status of the answer to a request that is sent as it stands. */
async function statusOf(port: number, ...lines: readonly string[]): Promise<number> {
  using client = await RawClient.connect(port);
  client.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return Number((await client.response).split(' ')[1]);
}

describe('the admin port', () => {
  it('shows the health, the readiness and the metrics, and nothing else', async () => {
    const { get, url, port, log } = await admin();
    expect(url).toBe(`http://127.0.0.1:${port}`);
    expect(log.lines).toEqual([`info: admin: listening on ${url}`]);
    expect(await (await get('/healthz')).json()).toMatchObject({ status: 'ok', uptimeSeconds: 1 });
    const ready = await get('/readyz');
    expect([ready.status, await ready.text(), ready.headers.get('cache-control')]).toEqual([
      200,
      'ready\n',
      'no-store',
    ]);
    const metrics = await get('/metrics?x=1', { headers: { Accept: 'application/openmetrics-text' } });
    expect([metrics.status, await metrics.text()]).toEqual([200, 'in openmetrics\n']);
    for (const path of ['/', '/metrics/', '/healthz/', '/else']) expect((await get(path)).status).toBe(404);
  });

  it.each([
    ['starting', 200, 503],
    ['ok', 200, 200],
    ['degraded', 200, 200],
    ['draining', 503, 503],
  ] as const)('says of a server that is %s: health %i, readiness %i', async (status, health, readiness) => {
    const { get } = await admin({}, { health: () => healthOf(status) });
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      expect((await get('/healthz', { method })).status).toBe(health);
      expect((await get('/readyz', { method })).status).toBe(readiness);
    }
    expect(await (await get('/readyz')).text()).toBe(readiness === 200 ? 'ready\n' : `${status}\n`);
    for (const path of ['/healthz', '/readyz'])
      expect((await get(path)).headers.get('cache-control'), path).toBe('no-store');
  });

  it('answers other methods with 405', async () => {
    const { get } = await admin();
    const answer = await get('/metrics', { method: 'POST', body: 'x' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  it('costs a connection, and not the process, if something goes wrong', async () => {
    const { get, log } = await admin(
      {},
      {
        metrics: () => {
          throw new Error('on purpose');
        },
      },
    );
    await expect(get('/metrics')).rejects.toThrow();
    await log.line(/^error: .*on purpose/);
    expect((await get('/healthz')).status).toBe(200);
  });

  it('closes the oldest connection for a newcomer when it has 16', async () => {
    const { port, get } = await admin();
    const silent: RawClient[] = [];
    for (let i = 0; i < 16; i++) silent.push(await RawClient.connect(port));
    const answerTo = (client: RawClient | undefined) => {
      client?.socket.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      return client?.response;
    };
    expect(await answerTo(silent[0])).toMatch(/^HTTP\/1\.1 200 /); // 16 are not too many
    expect((await get('/readyz')).status).toBe(200);
    await silent[0]?.ended;
    expect(await answerTo(silent[1])).toMatch(/^HTTP\/1\.1 200 /);
    for (const client of silent) client[Symbol.dispose]();
  });

  it('answers the first 8 of many requests that come at once, and closes', async () => {
    let renders = 0;
    const { port } = await admin({}, { metrics: () => `render ${++renders}\n` });
    using client = await RawClient.connect(port);
    let answers = '';
    client.socket.on('data', (read) => (answers += read));
    client.socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1000));
    await client.ended;
    expect(renders).toBe(8);
    expect(answers.match(/(?<=\r\nConnection: )[\w-]+/g)).toEqual([...new Array(7).fill('keep-alive'), 'close']);
  });

  it('answers any number of requests of a connection, one after the other', async () => {
    const { port } = await admin();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<Socket>();
    for (let i = 0; i < 20; i++) {
      const [response] = (await once(get({ port, agent, path: '/readyz' }), 'response')) as [IncomingMessage];
      sockets.add(response.socket);
      expect(response.statusCode).toBe(200);
      response.resume();
      await once(response, 'end');
    }
    expect(sockets.size).toBe(1);
    agent.destroy();
  });

  it('ends without waiting for a client that has not finished its request', async () => {
    const { port, server } = await admin();
    using client = await RawClient.connect(port);
    client.socket.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /');
    expect(await client.response).toMatch(/^HTTP\/1\.1 200 /);
    const more = setInterval(() => client.socket.write('x'), 1000); // so that it would not be ended as one that sends nothing
    onTestFinished(() => clearInterval(more));
    await server.close();
    await Promise.race([client.ended, client.closed]);
  });

  it('says which option to change if it cannot listen', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    await expect(admin({ port })).rejects.toMatchObject({
      name: 'ListenError',
      code: 'EADDRINUSE',
      message: expect.stringMatching(/^admin port: .*EADDRINUSE.*: choose another adminPort \(--admin-port\)/),
    });
    taken.close();
  });

  it('has no address before it listens and after its end, which may come twice', async () => {
    const { server } = await admin();
    await server.close();
    expect(server.address).toBeUndefined();
    await server.close();
  });
});

describe('the token of the admin port', () => {
  it('is needed for the metrics, and for nothing else', async () => {
    const { get } = await admin({ token: TOKEN });
    for (const path of ['/healthz', '/readyz']) expect((await get(path)).status).toBe(200);
    const refused = await get('/metrics');
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="wsloom"');
    for (const scheme of ['Bearer', 'bearer', 'BEARER '])
      expect((await get('/metrics', { headers: { Authorization: `${scheme} ${TOKEN}` } })).status).toBe(200);
  });

  it.each([
    '',
    'Bearer',
    'Bearer ',
    TOKEN,
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Bearer ${TOKEN} ${TOKEN}`,
    `Bearer ${'x'.repeat(4000)}`,
  ])('is refused with 401, and not logged, as %j', async (Authorization) => {
    let renders = 0;
    const { get, log } = await admin({ token: TOKEN }, { metrics: () => `render ${++renders}\n` });
    expect((await get('/metrics', { headers: { Authorization } })).status).toBe(401);
    expect(renders).toBe(0);
    expect(await log.line(/^warn/)).toBe('warn: admin: a client without the right token was refused: 127.0.0.1');
    expect(log.lines.join()).not.toContain(TOKEN.slice(1));
  });
});

describe('the Host that the admin port is asked for', () => {
  const get = (port: number, ...headers: readonly string[]) => statusOf(port, 'GET /metrics HTTP/1.1', ...headers);

  it('is a name of a loopback address, or one of allowedHosts', async () => {
    const { port, log } = await admin({ allowedHosts: ['ops.example'] });
    for (const host of ['localhost', `127.0.0.1:${port}`, '[::1]', 'ops.example'])
      expect(await get(port, `Host: ${host}`)).toBe(200);
    for (const host of ['rebound.example', '10.0.0.1', 'localhost.example'])
      expect(await get(port, `Host: ${host}`)).toBe(403);
    expect(await log.line(/^warn/)).toMatch(/: a request for a foreign Host was refused: 127\.0\.0\.1, Host "rebound/);
  });

  it('ends the connection if it is refused: what else has come on it gets no answer', async () => {
    const { port } = await admin();
    for (const headers of ['Host: rebound.example', 'Host: localhost\r\nHost: localhost']) {
      using client = await RawClient.connect(port);
      let answers = '';
      client.socket.on('data', (read) => (answers += read));
      client.socket.write(`GET /readyz HTTP/1.1\r\n${headers}\r\n\r\nGET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await client.ended;
      expect(answers.match(/HTTP\/1\.1 \d+|\r\nConnection: \w+/g)).toEqual([
        expect.stringMatching(/^HTTP\/1\.1 40[03]$/),
        '\r\nConnection: close',
      ]);
    }
  });

  it('comes once, or not at all before HTTP/1.1', async () => {
    const { port } = await admin();
    expect(await get(port)).toBe(400);
    expect(await get(port, 'Host: localhost', 'Host: localhost')).toBe(400);
    expect(await statusOf(port, 'GET /readyz HTTP/1.0')).toBe(200);
  });

  it('is any on an address that others reach, unless allowedHosts has names: then these, or an address', async () => {
    const others = { host: '0.0.0.0', isOpen: true };
    const { port } = await admin(others);
    expect(await get(port, 'Host: rebound.example')).toBe(200);
    const { port: guarded } = await admin({ ...others, allowedHosts: ['ops.example'] });
    for (const host of ['ops.example', '10.0.0.1:9464', '[fd00::1]:9464'])
      expect(await get(guarded, `Host: ${host}`)).toBe(200);
    for (const host of ['rebound.example', 'localhost']) expect(await get(guarded, `Host: ${host}`)).toBe(403);
  });
});

describe('an admin port that others could reach', () => {
  it('does not answer without a token, unless it is to be open', async () => {
    await expect(admin({ host: '0.0.0.0' })).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(/^adminHost must be a loopback address, got "0\.0\.0\.0": give adminToken/),
    });
    for (const guard of [{ token: TOKEN }, { isOpen: true }])
      expect((await admin({ host: '0.0.0.0', ...guard })).port).toBeGreaterThan(0);
  });
});
