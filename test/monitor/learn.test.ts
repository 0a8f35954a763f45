import { describe, expect, it } from 'vitest';
import { readLearnFiles } from '../../dist/monitor/learn-files.js';
import { Client } from '../e2e/client.js';
import { builtIn, type Served, serve } from '../e2e/serving.js';
import { eachWay } from '../e2e/thread-counts.js';

const get = (served: Served, path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${served.port}${path}`, init);

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

describe('the files of the page that teaches the protocol', () => {
  it('are the page, and what it names and imports; none else is named', () => {
    const files = readLearnFiles('/learn', '/chat');
    const html = files.get('/learn')?.body ?? '';
    const named = [...html.matchAll(/(?:src|href)="([^#"]+)"/g)].map(([, name]) => `/${name}`);
    expect(named).toEqual(['/learn/learn/page/learn.css', '/learn/learn/page/learn.js']);
    for (const name of named) expect(files.has(name), name).toBe(true);
    let imports = 0;
    for (const [path, { type, body }] of files) {
      if (type !== 'text/javascript') continue;
      expect(body, path).not.toMatch(/sourceMappingURL|'node:|(=|await|return) import\(/);
      for (const [, name] of body.matchAll(/ from '([^']+)';$/gm)) {
        imports++;
        const { pathname } = new URL(name as string, `http://localhost${path}`);
        expect(files.has(pathname), `${path} imports ${name}`).toBe(true);
      }
    }
    expect(imports).toBeGreaterThan(30);
  });

  it('have nothing inline that the policy would have to allow', () => {
    const html = readLearnFiles('/learn', '/').get('/learn')?.body ?? '';
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/<style|<script(?![^>]* src=)|\son[a-z]+=|\sstyle=/);
  });

  it.each(['/', '/chat', '/a"b', '/</head><script>', '/$&$`', '/&amp;'])('name the WebSocket at %s', (path) => {
    const html = readLearnFiles('/learn', path).get('/learn')?.body ?? '';
    const [, content = ''] = /<meta name="socket" content="([^"]*)">/.exec(html) ?? [];
    expect(content).not.toContain('<');
    const text = content.replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
    expect(text).toBe(path);
  });
});

describe.each(eachWay(2))('the page that teaches the protocol, with threads: %i', (threads) => {
  it('is at /learn, with a policy that allows nothing inline', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads });
    for (const [path, type] of [
      ['/learn', 'text/html'],
      ['/learn?x=1', 'text/html'],
      ['/learn/learn/page/learn.css', 'text/css'],
      ['/learn/learn/page/learn.js', 'text/javascript'],
      ['/learn/protocol/close.js', 'text/javascript'],
    ] as const) {
      const response = await get(served, path);
      expect(response.status, path).toBe(200);
      expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-security-policy')).toBe(POLICY);
      expect(Buffer.byteLength(await response.text())).toBe(Number(response.headers.get('content-length')));
    }
    const head = await get(served, '/learn', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await get(served, '/learn', { method: 'OPTIONS' })).headers.get('allow')).toBe('GET, HEAD, OPTIONS');
    expect((await get(served, '/learn', { method: 'POST', body: 'x' })).status).toBe(405);
  });

  it('brings no other files of the package to light', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads, path: '/chat' });
    const files = ['cli.js', 'primary/server.js', 'learn/page/../../cli.js', '%2e%2e/package.json', 'protocol/', ''];
    for (const name of files) expect((await get(served, `/learn/${name}`)).status, name).toBe(404);
    expect((await get(served, '/learning')).status).toBe(404);
  });

  it('is beside the page, and goes with it', async () => {
    await using off = await serve({ handler: builtIn('echo'), threads, path: '/chat', page: false });
    expect((await get(off, '/learn')).status).toBe(404);
    await using moved = await serve({ handler: builtIn('echo'), threads, path: '/chat', page: '/live/try' });
    expect((await get(moved, '/learn')).status).toBe(404);
    expect(await (await get(moved, '/live/learn')).text()).toContain('content="/chat"');
    expect((await get(moved, '/live/learn/learn/page/learn.js')).status).toBe(200);
  });

  it('leaves its path to what has it by name, and upgrades to WebSockets', async () => {
    await using page = await serve({ handler: builtIn('echo'), threads, page: '/learn' });
    expect(await (await get(page, '/learn')).text()).toContain('new WebSocket(');
    await using health = await serve({ handler: builtIn('echo'), threads, health: '/learn', path: '/learn' });
    expect(await (await get(health, '/learn')).json()).toMatchObject({ status: 'ok' });
    await using served = await serve({ handler: builtIn('echo'), threads, path: '/learn' });
    expect((await get(served, '/learn')).status).toBe(200);
    using client = await Client.open(`${new URL(served.url).origin}/learn`.replace(/^http/, 'ws'));
    client.send('Hello');
    expect(await client.next()).toBeDefined();
  });
});
