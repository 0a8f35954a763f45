import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { PageServer } from '../../../bench/study/page-server.js';

const folder = mkdtempSync(join(tmpdir(), 'wsloom-page-server-'));
mkdirSync(join(folder, 'dist', 'kernels'), { recursive: true });
mkdirSync(join(folder, 'bench', 'study'), { recursive: true });
for (const file of ['secret.js', 'bench/study/page.js', 'dist/kernels/js.js', 'dist/kernels.wasm', 'dist/kernels.json'])
  writeFileSync(join(folder, file), file);
afterAll(() => rmSync(folder, { recursive: true }));

const FOLDERS = {
  bench: pathToFileURL(join(folder, 'bench/')),
  dist: pathToFileURL(join(folder, 'dist/')),
};
const listen = () => PageServer.listen(FOLDERS, { isQuick: true, round: 4 });

describe('the server of the page', () => {
  it('is on loopback, and every answer isolates the page', async () => {
    await using server = await listen();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    for (const path of ['', 'job', 'bench/study/page.js', 'nothing']) {
      const { headers } = await fetch(server.url + path);
      expect(headers.get('Cross-Origin-Opener-Policy'), path).toBe('same-origin');
      expect(headers.get('Cross-Origin-Embedder-Policy'), path).toBe('require-corp');
    }
  });

  it('has the page, its job, and the scripts and modules that it loads', async () => {
    await using server = await listen();
    const get = async (path: string) => {
      const response = await fetch(server.url + path);
      return [response.status, response.headers.get('Content-Type'), await response.text()];
    };
    expect(await get('')).toEqual([200, 'text/html; charset=utf-8', expect.stringContaining('type="importmap"')]);
    expect(await get('job')).toEqual([200, 'application/json', '{"isQuick":true,"round":4}']);
    expect(await get('bench/study/page.js')).toEqual([200, 'text/javascript', 'bench/study/page.js']);
    expect(await get('dist/kernels/js.js')).toEqual([200, 'text/javascript', 'dist/kernels/js.js']);
    expect(await get('dist/kernels.wasm')).toEqual([200, 'application/wasm', 'dist/kernels.wasm']);
  });

  it.each(['secret.js', 'dist/%2e%2e/secret.js', 'dist//../secret.js', 'dist/none.js', 'dist/kernels.json', 'dist/'])(
    'has nothing else: %s',
    async (path) => {
      await using server = await listen();
      expect((await fetch(server.url + path)).status).toBe(404);
    },
  );

  it('takes a round as it is posted', async () => {
    await using server = await listen();
    expect((await fetch(`${server.url}round`, { method: 'POST', body: '{"a":"é"}' })).status).toBe(204);
    expect(await server.posted).toBe('{"a":"é"}');
  });

  it('fails with what went wrong in the page', async () => {
    await using server = await listen();
    await fetch(`${server.url}failure`, { method: 'POST', body: 'Error: no' });
    await fetch(`${server.url}round`, { method: 'POST', body: '{}' });
    await expect(server.posted).rejects.toThrow('in the page: Error: no');
  });

  it('takes nothing that is posted elsewhere', async () => {
    await using server = await listen();
    expect((await fetch(`${server.url}job`, { method: 'POST', body: '{}' })).status).toBe(404);
    await fetch(`${server.url}round`, { method: 'POST', body: 'the first' });
    expect(await server.posted).toBe('the first');
  });

  it('fails if more is posted than a round has', async () => {
    await using server = await listen();
    await fetch(`${server.url}round`, { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) }).catch(() => {});
    await expect(server.posted).rejects.toThrow('more than 1048576 bytes');
  });
});
