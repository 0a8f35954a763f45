import { once } from 'node:events';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../dist/index.js';
import { Client, refusal } from '../e2e/client.js';
import { builtIn, Gate, handler, isWorkerHandshake, type Served, serve, until } from '../e2e/serving.js';
import { pair, pem } from '../tls/certificates.js';
import { Exposition } from './exposition.js';
import { eachMode, eachWay, onlyWithWorkers } from '../e2e/thread-counts.js';

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0';

async function scrape({ port }: Served): Promise<Exposition> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.status).toBe(200);
  return new Exposition(await response.text());
}

/** Scrapes until it holds; the test's timeout bounds it. */
async function scrapeUntil(served: Served, holds: (metrics: Exposition) => boolean): Promise<Exposition> {
  let metrics = await scrape(served);
  await until(async () => {
    metrics = await scrape(served);
    return holds(metrics);
  });
  return metrics;
}

/** So many messages of 1 MB are more than the system takes for a client that does not read. */
const MANY = 32;

describe.each(eachMode)('the metrics of a server with %s', (_, way) => {
  it('are at the path of the option, in the format that is asked for', async () => {
    await using served = await serve({ handler: builtIn('echo'), metrics: '/metrics', ...way });
    const get = (init?: RequestInit) => fetch(`http://127.0.0.1:${served.port}/metrics`, init);
    const text = await get();
    expect(text.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text.headers.get('cache-control')).toBe('no-store');
    const { families } = new Exposition(await text.text());
    const open = await get({ headers: { accept: OPENMETRICS } });
    expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(new Exposition(await open.text(), 'openmetrics').families.size).toBe(families.size);
    const head = await get({ method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await get({ method: 'OPTIONS' })).status).toBe(204);
    expect((await get({ method: 'POST', body: 'x' })).status).toBe(405);
  });

  it('are nowhere by default', async () => {
    await using served = await serve({ handler: builtIn('echo'), path: '/chat', ...way });
    expect((await fetch(`http://127.0.0.1:${served.port}/metrics`)).status).toBe(404);
  });

  it('are not for pages that come by another name', async () => {
    await using served = await serve({ handler: builtIn('echo'), metrics: '/metrics', ...way });
    const { port } = served;
    const { request: get } = await import('node:http');
    const asked = get({ host: '127.0.0.1', port, path: '/metrics', headers: { Host: 'evil.test' } }).end();
    const [response] = await once(asked, 'response');
    response.resume();
    expect(response.statusCode).toBe(403);
    expect((await scrape(served)).sum('wsloom_refused_total', { reason: 'host' })).toBe(1);
  });

  it('say what clients have sent and got, and how they have ended', async () => {
    await using served = await serve({ handler: handler('commands.js'), metrics: '/metrics', ...way });
    const [one, two] = [await Client.open(served.url), await Client.open(served.url)];
    one.run(['subscribe', 'news'], ['send', 'x'.repeat(20)]);
    expect((await one.text()).length).toBe(20);
    const binary = new Uint8Array(70_000);
    one.send(binary);
    expect((await one.next()).bytes).toHaveLength(binary.length);
    two.run(['publish', 'news', 'hello']);
    expect(await one.text()).toBe('hello');
    await one.close(1000);
    await two.close(4000);
    const metrics = await scrapeUntil(served, (one) => one.sum('wsloom_connections') === 0);
    expect(metrics.sum('wsloom_connections_opened_total')).toBe(2);
    const closed = (code: string) => metrics.sum('wsloom_connections_closed_total', { code });
    expect([closed('1000'), closed('4xxx'), closed('1006')]).toEqual([1, 1, 0]);
    const messages = (direction: string) => metrics.sum('wsloom_messages_total', { direction });
    expect([messages('received'), messages('sent')]).toEqual([3, 3]);
    const sizes = (direction: string, type: string) => [
      metrics.sum('wsloom_message_bytes_count', { direction, type }),
      metrics.sum('wsloom_message_bytes_sum', { direction, type }),
    ];
    expect(sizes('received', 'text')[0]).toBe(2);
    expect(sizes('received', 'binary')).toEqual([1, binary.length]);
    expect(sizes('sent', 'text')).toEqual([1, 20]);
    expect(sizes('sent', 'binary')).toEqual([1, binary.length]);
    expect(sizes('published', 'text')).toEqual([1, 5]);
    expect(metrics.sum('wsloom_publications_total')).toBe(1);
    expect(metrics.sum('wsloom_deliveries_total')).toBe(1);
    // Headers: of the text, of the publication, of the binary message, and an answer to each Close.
    expect(metrics.sum('wsloom_bytes_total', { direction: 'sent' })).toBe(
      2 + 20 + (2 + 5) + (10 + binary.length) + 2 * (2 + 2),
    );
    expect(metrics.sum('wsloom_bytes_total', { direction: 'received' })).toBe(served.server.stats().bytesIn);
    expect(metrics.sum('wsloom_handshake_seconds_count')).toBe(2);
    expect(metrics.sum('wsloom_hand_off_seconds_count')).toBe(way.threads === 0 ? 0 : handOffsOf(metrics, way));
  });

  it('say which clients were refused, and why', async () => {
    await using served = await serve({ handler: builtIn('echo'), metrics: '/metrics', path: '/chat', ...way });
    const foreign = await refusal(`ws://127.0.0.1:${served.port}/chat`, { origin: 'https://evil.test' });
    expect(foreign.status).toBe(403);
    const metrics = await scrape(served);
    expect(metrics.sum('wsloom_refused_total', { reason: 'origin' })).toBe(1);
    expect(metrics.sum('wsloom_refused_total')).toBe(1);
  });

  it('say how the threads are', async () => {
    await using served = await serve({ handler: builtIn('echo'), metrics: '/metrics', ...way });
    using client = await Client.open(served.url);
    client.send('x');
    await client.next();
    const count = way.threads ?? 0;
    const workers = Array.from({ length: count }, (_, i) => `worker ${i + 1}`);
    const names = ['primary', ...workers];
    const metrics = await scrapeUntil(
      served,
      (one) => (one.sum('wsloom_event_loop_longest_delay_seconds_count') ?? 0) >= names.length,
    );
    for (const name of ['wsloom_thread_silent_seconds', 'wsloom_heap_used_bytes', 'wsloom_event_loop_delay_seconds']) {
      expect(metrics.labelsOf(name, 'thread').sort()).toEqual(names);
    }
    expect(metrics.sum('wsloom_heap_used_bytes')).toBeLessThan(metrics.sum('wsloom_heap_limit_bytes') ?? 0);
    for (const thread of names) {
      expect(metrics.sum('wsloom_event_loop_seconds_total', { thread, state: 'active' })).toBeGreaterThan(0);
    }
    expect(metrics.sum('wsloom_arena_bytes')).toBe(Math.max(1, count) * 64 * 1024 * 1024);
    expect(metrics.sum('wsloom_workers', { takes: 'yes' })).toBe(count);
    expect(metrics.sum('wsloom_info', { kernel: served.server.kernel, node: process.version })).toBe(1);
  });

  it('say for which clients bytes wait, until these have taken them', async () => {
    await using served = await serve({ handler: handler('commands.js'), metrics: '/metrics', ...way });
    using client = await Client.open(served.url);
    client.socket.pause();
    for (let i = 0; i < MANY; i++) client.run(['sendBytes', 1_000_000, i]);
    const waiting = await scrapeUntil(served, (one) => one.sum('wsloom_backpressured_connections') === 1);
    expect(waiting.sum('wsloom_queued_bytes')).toBeGreaterThan(0);
    client.socket.resume();
    for (let i = 0; i < MANY; i++) expect((await client.next()).bytes).toHaveLength(1_000_000);
    const after = await scrapeUntil(served, (one) => one.sum('wsloom_backpressured_connections') === 0);
    expect(after.sum('wsloom_queued_bytes')).toBe(0);
  });

  it('forget bytes that wait for a client that leaves', async () => {
    await using served = await serve({ handler: handler('commands.js'), metrics: '/metrics', ...way });
    const client = await Client.open(served.url);
    client.socket.pause();
    for (let i = 0; i < MANY; i++) client.run(['sendBytes', 1_000_000, i]);
    await scrapeUntil(served, (one) => (one.sum('wsloom_queued_bytes') ?? 0) > 0);
    client.socket.terminate();
    const after = await scrapeUntil(served, (one) => one.sum('wsloom_connections') === 0);
    expect(after.sum('wsloom_queued_bytes')).toBe(0);
    expect(after.sum('wsloom_backpressured_connections')).toBe(0);
  });

  it('measure the hook of one in many reads', async () => {
    await using served = await serve({ handler: builtIn('echo'), metrics: '/metrics', ...way });
    using client = await Client.open(served.url);
    for (let i = 0; i < 130; i++) {
      client.send('x');
      await client.next();
    }
    const metrics = await scrape(served);
    expect(metrics.sum('wsloom_hook_seconds_count')).toBe(2);
    expect(metrics.sum('wsloom_hook_seconds_sum')).toBeGreaterThan(0);
  });
});

/** With the opening handshake in workers, the connections of scrapes are handed off too. */
function handOffsOf(metrics: Exposition, { handshake }: Pick<ServerOptions, 'handshake'>): number | undefined {
  if (handshake !== 'worker' && !isWorkerHandshake) return 2;
  const count = metrics.sum('wsloom_hand_off_seconds_count') ?? 0;
  expect(count).toBeGreaterThan(2);
  return count;
}

describe.skipIf(isWorkerHandshake).each(onlyWithWorkers(1))('the metrics of a server whose thread', () => {
  it('is blocked are answered all the same, and say so', async () => {
    using gate = new Gate();
    await using served = await serve({ handler: handler('commands.js'), metrics: '/metrics', threads: 1 });
    using client = await Client.open(served.url);
    client.run(['block']);
    expect(await client.text()).toBe('blocked');
    const silent = (one: Exposition) => one.sum('wsloom_thread_silent_seconds', { thread: 'worker 1' }) ?? 0;
    const blocked = await scrapeUntil(served, (one) => silent(one) > 2);
    expect(blocked.sum('wsloom_connections')).toBe(1);
    gate.open();
    const longest = 'wsloom_event_loop_longest_delay_seconds_bucket';
    const late = (one: Exposition) => {
      const count = (le: string) => one.sum(longest, { thread: 'worker 1', le }) ?? 0;
      return count('+Inf') - count('1.0');
    };
    const after = await scrapeUntil(served, (one) => late(one) > 0);
    expect(silent(after)).toBeLessThan(2);
  });

  it('dies keep what it has counted, and its name goes to the next', async () => {
    await using served = await serve({ handler: handler('commands.js'), metrics: '/metrics', threads: 2 });
    using one = await Client.open(served.url);
    one.run(['send', 'hello']);
    expect(await one.text()).toBe('hello');
    const before = await scrape(served);
    const thread = before
      .labelsOf('wsloom_connections', 'thread')
      .find((name) => before.sum('wsloom_connections', { thread: name }) === 1);
    if (thread === undefined) throw new Error('no thread has it');
    one.run(['exit']);
    await one.closed;
    const after = await scrapeUntil(
      served,
      (metrics) =>
        metrics.sum('wsloom_workers_lost_total') === 1 && metrics.sum('wsloom_workers', { takes: 'yes' }) === 2,
    );
    const received = { thread, direction: 'received' };
    expect(after.sum('wsloom_messages_total', received)).toBe(1); // its last one was not handled to its end
    expect(after.sum('wsloom_connections', { thread })).toBe(0);
    expect(after.sum('wsloom_connections_lost_total')).toBe(1);
    expect(after.labelsOf('wsloom_thread_silent_seconds', 'thread').sort()).toEqual([
      'primary',
      'worker 1',
      'worker 2',
    ]);
  });

  it('is replaced by a reload never count less than before', async () => {
    await using served = await serve({ handler: handler('commands.js'), metrics: '/metrics', threads: 1 });
    using old = await Client.open(served.url);
    old.run(['send', 'hello']);
    expect(await old.text()).toBe('hello');
    await served.server.reload({ drainMs: 0 });
    await old.closed;
    using next = await Client.open(served.url);
    next.run(['send', 'hello']);
    expect(await next.text()).toBe('hello');
    const metrics = await scrapeUntil(served, (one) => one.sum('wsloom_connections') === 1);
    expect(metrics.sum('wsloom_reloads_total')).toBe(1);
    expect(metrics.sum('wsloom_messages_total', { direction: 'received' })).toBe(2);
    expect(metrics.sum('wsloom_messages_total', { direction: 'received', thread: 'worker 1' })).toBe(1);
  });
});

describe.each(eachWay(1))('the metrics of a server with TLS, with threads: %i', (threads) => {
  it('say how many handshakes were resumed, and when the certificates expire', async () => {
    await using served = await serve({ handler: builtIn('echo'), metrics: '/metrics', threads, tls: pair('default') });
    const trust = { ca: pem('servers-ca.crt'), servername: 'default.test', rejectUnauthorized: false } as const;
    const { port } = served;
    const first = connect({ ...trust, host: '127.0.0.1', port });
    const [session] = (await once(first, 'session')) as [Buffer];
    const second = connect({ ...trust, host: '127.0.0.1', port, session });
    await once(second, 'secureConnect');
    const ask = async () => {
      const headers = { Host: 'localhost' };
      const asked = request({ ...trust, host: '127.0.0.1', port, path: '/metrics', agent: false, headers }).end();
      const [response] = await once(asked, 'response');
      let text = '';
      for await (const part of response) text += part;
      return new Exposition(text);
    };
    let metrics = await ask();
    let asked = 1;
    await until(async () => {
      if (metrics.sum('wsloom_tls_resumed_total') === 1) return true;
      metrics = await ask();
      asked++;
      return false;
    });
    expect(metrics.sum('wsloom_tls_handshake_seconds_count')).toBe(2 + asked); // those of the scrapes, too
    for (const socket of [first, second]) socket.destroy();
    const [certificate] = served.server.stats().certificates;
    expect(metrics.sum('wsloom_certificate_expiry_timestamp_seconds', { name: '' })).toBe(
      (certificate?.validTo ?? 0) / 1000,
    );
  });
});
