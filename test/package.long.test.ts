import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
/** The files of a clean clone that the package needs. */
const SOURCES = ['src', 'assembly', 'asconfig.json', 'package.json', 'tsconfig.json', '.npmrc'];
const DOCUMENTS = ['README.md', 'CHANGELOG.md', 'LICENSE', 'docs', 'examples'];

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly typesVersions: { readonly '*': Readonly<Record<string, readonly string[]>> };
  readonly sideEffects: readonly string[];
}

const folder = mkdtempSync(join(tmpdir(), 'wsloom-package-'));
/** A program of a user of the package. */
const project = join(folder, 'project');
const installed = join(project, 'node_modules/wsloom');
let manifest: Manifest;
let files: string[];

const USE = `
  import { type AttachedServer, type AttachOptions, attach, type Connection, createServer, defineHandler, type Logger, publish, type ServerOptions } from 'wsloom';
  import { type ClientConnection, connect } from 'wsloom/client';
  import { load, type LoadResult } from 'wsloom/load';
  import { type Backplane, nats, redis, testBackplane } from 'wsloom/backplane';
  const log: Logger = console;
  const options: ServerOptions = { handler: new URL('file:///handler.js'), log };
  createServer(options);
  export const handler = defineHandler<{ name: string }>({
    message(connection: Connection<{ name: string }>, message) {
      connection.send(message);
      publish('topic', connection.data.name);
    },
  });
  import { createServer as createHttpServer } from 'node:http';
  import { createServer as createHttpsServer } from 'node:https';
  export async function useAttached(): Promise<AttachedServer> {
    const more: AttachOptions = { path: '/live', handler, threads: 0 };
    await attach(createHttpsServer(), more);
    const http = createHttpServer((request, response) => void sockets.handleRequest(request, response));
    const sockets = await attach(http, { ...more, health: '/health' });
    http.on('upgrade', (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, { data: { name: 'Ada' } });
      sockets.handleUpgrade(request, socket, head, Promise.resolve({ status: 401 }));
      // @ts-expect-error a user alone decides nothing
      sockets.handleUpgrade(request, socket, head, { user: 'Ada' });
    });
    // @ts-expect-error an attached server does not listen
    sockets.listen();
    // @ts-expect-error your HTTP server reads the requests
    await attach(http, { ...more, maxHeaderBytes: 5000 });
    return sockets;
  }
  export async function use(): Promise<[ClientConnection, LoadResult]> {
    return [await connect('ws://localhost'), await load({ url: 'ws://localhost' })];
  }
  // @ts-expect-error there is no such option
  createServer({ handler: 'x', nope: 1 });
  // The packages of engines are not installed, and their types are not needed.
  export async function useEngines(): Promise<Backplane[]> {
    const engines = [nats({ servers: ['a', 'b'], token: 't' }), redis({ nodes: 'a:6379', tls: { caFile: 'ca.pem' } })];
    await testBackplane(() => engines[0] as Backplane, { timeoutMs: 100 });
    // @ts-expect-error there is no such option
    nats({ url: 'x' });
    return engines;
  }
`;

beforeAll(async () => {
  // Packed from a copy: packing builds, and other tests use what is built here.
  const clone = join(folder, 'clone');
  for (const path of [...SOURCES, ...DOCUMENTS]) cpSync(join(ROOT, path), join(clone, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: clone });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) as string;
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  await run('tar', ['xzf', join(folder, tarball), '-C', folder]);
  cpSync(join(folder, 'package'), installed, { recursive: true });
  manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
    const link = join(project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), link);
  }
  writeFileSync(join(project, 'package.json'), '{"private": true}');
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

describe('the package, packed in a clean clone', () => {
  it('has the build, the files that it names, and its documents', () => {
    const named = Object.values(manifest.exports).flatMap((one) =>
      typeof one === 'string' ? one : Object.values(one),
    );
    for (const path of [...named, ...manifest.sideEffects]) expect(files).toContain(path.replace('./', ''));
    const page = ['html', 'css', 'js'].map((kind) => `dist/monitor/page/page.${kind}`);
    for (const path of [
      'dist/cli.js',
      'dist/worker/worker.js',
      'dist/handlers/echo.js',
      ...page,
      'dist/learn/page/learn.html',
      'dist/learn/page/learn.css',
      'dist/learn/page/learn.js',
      ...DOCUMENTS,
      'docs/limits.md',
      'examples/chat.mjs',
    ]) {
      expect(files).toContain(path);
    }
    expect(files.filter((path) => path.endsWith('.wasm'))).not.toEqual([]);
    expect(files.filter((path) => /^(src|test|bench)/.test(path))).toEqual([]);
  });

  it('has no source map without its sources', () => {
    const maps = files.filter((path) => path.endsWith('.map'));
    expect(maps.length).toBeGreaterThan(100);
    for (const path of maps) {
      const { sources, sourcesContent } = JSON.parse(readFileSync(join(installed, path), 'utf8'));
      expect([path, sourcesContent?.length]).toEqual([path, sources.length]);
    }
  });

  it('lists the modules that do something when they are imported', () => {
    const doing = files
      .filter((path) => path.endsWith('.js'))
      .filter((path) => /^(await|\w+(\.\w+)*\()/m.test(readFileSync(join(installed, path), 'utf8')))
      .map((path) => `./${path}`);
    for (const path of doing) expect(manifest.sideEffects).toContain(path);
    expect(doing).toContain('./dist/cli.js');
  });

  it.each([
    ['NodeNext, as ESM', 'use.mts', 'NodeNext', 'NodeNext'],
    ['NodeNext, as CommonJS', 'use.cts', 'NodeNext', 'NodeNext'],
    ['a bundler', 'use.ts', 'Preserve', 'Bundler'],
  ])('has types for %s', async (_, file, module, resolution) => {
    writeFileSync(join(project, file), USE);
    const flags = ['--ignoreConfig', '--noEmit', '--strict', '--target', 'ES2022', '--types', 'node'];
    const args = [...flags, '--module', module, '--moduleResolution', resolution, file];
    const { stdout } = await run(process.execPath, [TSC, ...args], { cwd: project }).catch((error) => error);
    expect(stdout).toBe('');
  });

  it('has the same types for the resolution node10, which knows no exports', () => {
    for (const [path, target] of Object.entries(manifest.exports)) {
      if (typeof target === 'string' || path === '.') continue;
      expect(manifest.typesVersions['*'][path.replace('./', '')]).toEqual([target.types]);
    }
    expect(manifest).toMatchObject({ main: './dist/index.js', types: './dist/index.d.ts' });
  });

  it.each([
    [
      'require',
      'use.cjs',
      'const { attach, createServer } = require("wsloom"); const { connect } = require("wsloom/client"); const { load } = require("wsloom/load"); const { nats } = require("wsloom/backplane");',
    ],
    [
      'import',
      'use.mjs',
      'import { attach, createServer } from "wsloom"; import { connect } from "wsloom/client"; import { load } from "wsloom/load"; import { nats } from "wsloom/backplane";',
    ],
  ])('works by %s', async (_, file, imports) => {
    const handler = JSON.stringify(join(installed, 'dist/handlers/echo.js'));
    const source = `${imports}
      (async () => {
        const server = createServer({ handler: ${handler}, threads: 1 });
        const { url } = await server.listen({ port: 0 });
        const connection = await connect(url, {
          message(connection, message) {
            console.log(message.text());
            connection.close();
          },
        });
        connection.send('hello');
        await connection.closed;
        const page = await fetch(url.replace('ws', 'http'));
        console.log(page.status, (await page.text()).includes('new WebSocket('));
        const { messages, errors } = await load({ url, amount: 10, connections: 2 });
        console.log(messages.total, errors);
        await server.close();
        const http = process.getBuiltinModule('node:http').createServer();
        const sockets = await attach(http, { threads: 0, handler: { open: (one) => one.close(3000) } });
        await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
        const { closed } = await connect('ws://127.0.0.1:' + http.address().port);
        console.log((await closed).code);
        http.close();
        await sockets.close();
        try {
          nats();
        } catch (error) {
          console.log(error.code);
        }
      })();`;
    writeFileSync(join(project, file), source);
    expect(await run(process.execPath, [file], { cwd: project })).toEqual({
      stdout: 'hello\n200 true\n10 0\n3000\nWSLOOM_ENGINE\n',
      stderr: '',
    });
  });

  it('has a command', async () => {
    const { stdout } = await run(process.execPath, [join(installed, 'dist/cli.js'), '--version']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
