import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { areEqual, viewOf } from '../../../bench/study/bytes.js';
import { fetchFiles, readFileSync as readFetched } from '../../../bench/study/page-files.js';

const ROOT = new URL('../../../', import.meta.url);

/** What a source file imports, except types. */
function importsOf(path: string): string[] {
  const text = readFileSync(new URL(path, ROOT), 'utf8');
  return [...text.matchAll(/^(?:import|export)\s+(type\s)?[^'";]*from\s+'([^']+)'/gm)].flatMap(
    ([, isType, from = '']) => (isType === undefined ? [from] : []),
  );
}

describe('the page', () => {
  it('needs nothing of Node but what it has a file of its own for', () => {
    const seen = new Set<string>();
    const outside = new Map<string, string>();
    const left = ['bench/study/page.ts'];
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      for (const from of importsOf(path)) {
        if (from.startsWith('#dist/')) left.push(from.replace('#dist/', 'src/').replace(/\.js$/, '.ts'));
        else if (from.startsWith('.'))
          left.push(new URL(from, `file:///${path}`).pathname.slice(1).replace(/\.js$/, '.ts'));
        else outside.set(from, path);
      }
    }
    expect([...outside]).toEqual([['node:fs', 'src/kernels/wasm.ts']]);
    expect(seen.size).toBeGreaterThan(15);
    expect([...seen]).toContain('src/kernels/js-long.ts');
  });

  it('reads what it has fetched, and nothing else', async () => {
    const read = (path: string) => readFetched(new URL(path, 'http://127.0.0.1:1/'));
    const fetching = vi
      .spyOn(globalThis, 'fetch')
      .mockImplementation(async (path) =>
        path === '/a.wasm' ? new Response('abc') : new Response('', { status: 404 }),
      );
    try {
      await fetchFiles(['/a.wasm']);
      await expect(fetchFiles(['/b.wasm'])).rejects.toThrow('/b.wasm is not there: 404');
    } finally {
      fetching.mockRestore();
    }
    expect(new TextDecoder().decode(read('/a.wasm'))).toBe('abc');
    expect(() => read('/b.wasm')).toThrow('/b.wasm was not fetched before');
  });
});

describe('views of memory', () => {
  it('are Buffers in Node, on the memory itself', () => {
    const memory = new ArrayBuffer(4);
    const view = viewOf(memory);
    expect(Buffer.isBuffer(view)).toBe(true);
    view[1] = 7;
    expect(new Uint8Array(memory)[1]).toBe(7);
  });

  it('are typed arrays where there are no Buffers, and compared all the same', () => {
    const { Buffer: known } = globalThis;
    const of = (...bytes: number[]) => Uint8Array.of(...bytes);
    const judge = () => [
      areEqual(of(1, 2), of(1, 2)),
      areEqual(of(1, 2), of(1, 3)),
      areEqual(of(1, 2), of(1)),
      areEqual(of(1), of(1, 2)),
    ];
    expect(judge()).toEqual([true, false, false, false]);
    try {
      Reflect.deleteProperty(globalThis, 'Buffer');
      expect(judge()).toEqual([true, false, false, false]);
      expect(viewOf(new ArrayBuffer(4)).constructor).toBe(Uint8Array);
    } finally {
      globalThis.Buffer = known;
    }
  });
});
