import { describe, expect, it } from 'vitest';
import { Client } from '../e2e/client.js';
import { RawClient } from '../e2e/raw-client.js';
import { builtIn, type Served, serve, until } from '../e2e/serving.js';
import { eachWay } from '../e2e/thread-counts.js';

const get = (served: Served, path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${served.port}${path}`, init);

describe.each(eachWay(2))('HTTP on the WebSocket port, with threads: %i', (threads) => {
  it('reports the health of the server at /healthz', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    using client = await Client.open(served.url);
    client.send('a worker has taken it');
    await client.next();
    const response = await get(served, '/healthz');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    const health = await response.json();
    expect(health).toMatchObject({ status: 'ok', connections: 1, uptimeSeconds: expect.any(Number) });
    expect(health.threads).toHaveLength(threads);
  });

  it('has a page at /, and answers 426 on paths of WebSockets', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    const page = await get(served, '/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'unsafe-inline'; /);
    expect(await page.text()).toContain('new WebSocket(');
    for (const file of ['/page.html', '/page.css', '/page.js']) expect((await get(served, file)).status).toBe(426);
    const elsewhere = await get(served, '/room?x=1');
    expect(elsewhere.status).toBe(426);
    expect(elsewhere.headers.get('upgrade')).toBe('websocket');
  });

  it('knows only the paths it was given', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads, path: ['/chat', '/news'] });
    expect((await get(served, '/chat')).status).toBe(426);
    expect((await get(served, '/news')).status).toBe(426);
    expect((await get(served, '/other')).status).toBe(404);
    expect((await get(served, '/healthz')).status).toBe(200);
    expect(await (await get(served, '/')).text()).toContain('"/chat"');
  });

  it('answers HEAD without a body, and other methods with 405', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    const head = await get(served, '/healthz', { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    const post = await get(served, '/', { method: 'POST', body: 'x' });
    expect(post.status).toBe(405);
    expect(post.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
  });

  it('ignores an offer to upgrade to another protocol', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    for (const [path, status] of [
      ['/healthz', 200],
      ['/room', 426],
    ] as const) {
      using client = await RawClient.connect(served.port);
      client.socket.write(
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
      );
      const response = await client.response;
      expect(response.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
      await client.ended;
    }
    // A client that does not close its side is not waited for.
    using lingering = await RawClient.connect(served.port);
    lingering.socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`);
    await lingering.response;
    await until(() => served.server.stats().httpConnections === 0); // nor does it count
    await served.server.close({ drainMs: 0 });
    await lingering.ended;
  });
});
