import { describe, expect, it } from 'vitest';
import { Client, refusal } from '../e2e/client.js';
import { builtIn, Gate, handler, hosted, type Served, serve } from '../e2e/serving.js';
import { waitingServer } from '../e2e/waiting-server.js';
import { Exposition } from '../monitor/exposition.js';
import { eachMode, onlyWithWorkers } from '../e2e/thread-counts.js';

const TOKEN = 's3cret-token';
const OPENMETRICS = { Accept: 'application/openmetrics-text;version=1.0.0' };

const ask = ({ server }: Pick<Served, 'server'>, path: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${server.adminAddress()?.url}${path}`, { headers });

/** The metrics on the admin port, in the text format. */
async function scrape(served: Pick<Served, 'server'>): Promise<Exposition> {
  const response = await ask(served, '/metrics');
  expect(response.status).toBe(200);
  return new Exposition(await response.text());
}

describe.each(eachMode)('the metrics on the admin port, with %s,', (_, way) => {
  it('are there in both formats, and not on the port of WebSockets', async () => {
    await using served = await serve({ handler: builtIn('echo'), path: '/chat', adminPort: 0, ...way });
    using client = await Client.open(`${served.url}/chat`);
    await hosted(served.server, way.threads === 0 ? 0 : 1);
    client.send('hello');
    await client.text();
    const text = await ask(served, '/metrics');
    expect(text.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text.headers.get('cache-control')).toBe('no-store');
    const metrics = new Exposition(await text.text());
    expect(metrics.sum('wsloom_connections')).toBe(1);
    expect(metrics.sum('wsloom_status', { status: 'ok' })).toBe(1);
    expect(metrics.sum('wsloom_http_connections')).toBe(0); // who asks is not among them
    const open = await ask(served, '/metrics', OPENMETRICS);
    expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(new Exposition(await open.text(), 'openmetrics').families.size).toBe(metrics.families.size);
    expect((await fetch(`http://127.0.0.1:${served.port}/metrics`)).status).toBe(404);
  });

  it('need the token if there is one, and the health needs none', async () => {
    await using served = await serve({ handler: builtIn('echo'), adminPort: 0, adminToken: TOKEN, ...way });
    for (const Authorization of ['', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`]) {
      const refused = await ask(served, '/metrics', { Authorization });
      expect([refused.status, await refused.text()]).toEqual([401, expect.not.stringContaining('wsloom_')]);
    }
    await served.log.line(/^warn: admin: a client without the right token was refused: 127\.0\.0\.1$/);
    const allowed = await ask(served, '/metrics', { Authorization: `Bearer ${TOKEN}` });
    expect([allowed.status, await allowed.text()]).toEqual([200, expect.stringContaining('wsloom_info{')]);
    for (const path of ['/healthz', '/readyz']) expect((await ask(served, path)).status).toBe(200);
    expect(served.log.lines.join('\n')).not.toContain(TOKEN);
  });

  it('are there when the server is full, and say so', async () => {
    await using served = await serve({ handler: builtIn('echo'), adminPort: 0, maxConnections: 1, ...way });
    using client = await Client.open(served.url);
    await hosted(served.server, way.threads === 0 ? 0 : 1);
    expect(client.socket.readyState).toBe(1);
    expect(await refusal(served.url)).toMatchObject({ status: 503 });
    const metrics = await scrape(served);
    expect(metrics.sum('wsloom_connections')).toBe(metrics.sum('wsloom_max_connections'));
    expect(metrics.sum('wsloom_refused_total', { reason: 'full' })).toBe(1);
  });

  it('are on the port of WebSockets too if their path is given, and need no token there', async () => {
    await using served = await serve({
      ...{ handler: builtIn('echo'), adminPort: 0, adminToken: TOKEN, metrics: '/live/metrics', ...way },
    });
    const shown = await fetch(`http://127.0.0.1:${served.port}/live/metrics`);
    expect(new Exposition(await shown.text()).sum('wsloom_status', { status: 'ok' })).toBe(1);
    expect((await ask(served, '/live/metrics')).status).toBe(404);
    expect((await ask(served, '/metrics')).status).toBe(401);
  });
});

describe.each(onlyWithWorkers(1))('the metrics on the admin port', () => {
  it.each(['primary', 'worker'] as const)(
    'are there while the only worker is blocked, with the opening handshake in the %s',
    async (handshake) => {
      using gate = new Gate();
      const options = { threads: 1, adminPort: 0, handshake } as const;
      await using served = await serve({ handler: handler('commands.js'), ...options });
      using client = await Client.open(served.url);
      client.run(['block']);
      expect(await client.text()).toBe('blocked');
      const metrics = await scrape(served);
      expect(metrics.sum('wsloom_connections', { thread: 'worker 1' })).toBe(1);
      expect(metrics.labelsOf('wsloom_thread_silent_seconds', 'thread')).toContain('worker 1');
      gate.open();
    },
  );

  it('say that the server starts, and that it drains', async () => {
    const { server, log, load } = waitingServer();
    const listening = server.listen({ port: 0 });
    await log.line(/^info: admin: listening/);
    const states = async () => {
      const metrics = await scrape({ server });
      return metrics
        .labelsOf('wsloom_status', 'status')
        .map((status) => [status, metrics.sum('wsloom_status', { status })]);
    };
    const only = (now: string) =>
      ['starting', 'ok', 'degraded', 'draining'].map((status) => [status, status === now ? 1 : 0]);
    expect(await states()).toEqual(only('starting'));
    load();
    const { url } = await listening;
    expect(await states()).toEqual(only('ok'));
    using client = await Client.open(url);
    const closed = server.close({ shutdownDelayMs: 100, drainMs: 1000 });
    expect(await states()).toEqual(only('draining'));
    expect((await client.closed).code).toBe(1001);
    await closed;
  });
});
