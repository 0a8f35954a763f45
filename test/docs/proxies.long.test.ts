import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../dist/index.js';
import { Command } from '../cli/command.js';
import { Client, refusal } from '../e2e/client.js';
import { decideUpgrades, handler, serve, until } from '../e2e/serving.js';
import { snippetsOf } from './documents.js';

/** A proxy that runs with its configuration of docs/proxies.md. */
interface Program {
  readonly name: string;
  /** The file of the document. */
  readonly file: string;
  /** A whole configuration, for a program that does not touch other files. */
  readonly whole: (text: string, folder: string, module: string) => string;
  readonly args: (path: string, folder: string) => string[];
  /** What it needs beside itself, as seen from where it is. */
  readonly module?: string;
  /** How it tells its clients. */
  readonly telling: Pick<ServerOptions, 'proxyHeader' | 'proxyProtocol'>;
}

const BY_HEADER = { proxyHeader: 'x-forwarded-for' } as const;
const BY_PROXY_PROTOCOL = { proxyProtocol: true } as const;

const nginxArgs = (path: string, folder: string) => ['-p', folder, '-c', path, '-e', 'stderr'];

const PROGRAMS: readonly Program[] = [
  {
    name: 'nginx',
    file: 'nginx.conf',
    whole: (text, folder) => `
      daemon off; master_process off; pid ${folder}/pid; error_log stderr;
      events { }
      http {
        access_log off;
        ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
        ${text}
      }`,
    args: nginxArgs,
    telling: BY_HEADER,
  },
  {
    name: 'nginx',
    file: 'nginx-stream.conf',
    whole: (text, folder, module) =>
      `load_module ${module}; daemon off; master_process off; pid ${folder}/pid; error_log stderr;\nevents { }\n${text}`,
    args: nginxArgs,
    module: '../lib/nginx/modules/ngx_stream_module.so',
    telling: BY_PROXY_PROTOCOL,
  },
  {
    ...{ name: 'haproxy', file: 'haproxy.cfg', whole: (text) => text, telling: BY_HEADER },
    args: (path) => ['-db', '-f', path],
  },
  {
    ...{ name: 'haproxy', file: 'haproxy-tcp.cfg', telling: BY_PROXY_PROTOCOL },
    // So that there are health checks while the test runs.
    whole: (text) => text.replace('inter 5s', 'inter 500ms'),
    args: (path) => ['-db', '-f', path],
  },
  {
    name: 'caddy',
    file: 'Caddyfile',
    whole: (text, folder) => `{\n  admin off\n  storage file_system ${folder}\n}\n${text}`,
    args: (path) => ['run', '--config', path, '--adapter', 'caddyfile'],
    telling: BY_HEADER,
  },
];

/** Where a program is; undefined if it is not installed. */
function pathOf(name: string): string | undefined {
  const folders = [...String(Reflect.get(process.env, 'PATH') ?? '').split(delimiter), '/usr/sbin'];
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether something listens on a port. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A client with an address of its own, which says in every header that it is somebody else. */
const from = (localAddress: string) => ({
  localAddress,
  headers: { 'X-Forwarded-For': '192.0.2.66, 127.0.0.1', Forwarded: 'for=192.0.2.66', Host: 'example.org' },
});

describe.each(PROGRAMS)('$name, as $file of docs/proxies.md configures it', (each) => {
  const { name, file, whole, args, telling } = each;
  const program = pathOf(name);
  const module = join(dirname(program ?? '/'), each.module ?? '.');
  const isThere = program !== undefined && existsSync(module);
  if (!isThere && Reflect.get(process.env, 'WSLOOM_TEST_PEERS') === 'required')
    throw new Error(`${program === undefined ? name : module} is not installed`);

  it.skipIf(!isThere)(`tells its clients, each with a limit of its own (needs ${name})`, async () => {
    const folder = mkdtempSync(join(tmpdir(), `wsloom-${name}-`));
    await using served = await serve({
      ...{ handler: handler('deciding.js'), threads: 1, allowedHosts: ['example.org', '127.0.0.1'] },
      // Not all of loopback, which the clients of this test come from.
      ...{ ...telling, trustProxy: ['127.0.0.1'], maxConnectionsPerIp: 1 },
    });
    decideUpgrades(() => undefined);
    const text = snippetsOf('docs/proxies.md').find((snippet) => snippet.file === file)?.text ?? '';
    const port = await freePort();
    const path = join(folder, file);
    const moved = text.replaceAll('127.0.0.1:8080', `127.0.0.1:${served.port}`).replace(/:?\b80\b/, (found) => {
      return found.startsWith(':') && name === 'caddy' ? `:${port}` : `127.0.0.1:${port}`;
    });
    writeFileSync(path, whole(moved, folder, module));
    await using proxy = new Command(program as string, args(path, folder), { cwd: folder });
    let hasEnded = false;
    void proxy.ended.then(() => {
      hasEnded = true;
    });
    try {
      await until(async () => hasEnded || (await answers(port)));
      expect(hasEnded, proxy.stderr).toBe(false);
      const url = `ws://127.0.0.1:${port}`;
      using client = await Client.open(`${url}/room?a=b`, from('127.0.0.5'));
      expect(await client.json()).toMatchObject({ remoteAddress: '127.0.0.5', path: '/room', query: 'a=b' });
      client.send('x'.repeat(1_000_000));
      expect(await client.text()).toHaveLength(1_000_000);
      expect(await refusal(url, from('127.0.0.5'))).toMatchObject({
        status: 503,
        body: expect.stringContaining('maxConnectionsPerIp'),
      });
      using other = await Client.open(url, from('127.0.0.6'));
      expect(await other.json()).toMatchObject({ remoteAddress: '127.0.0.6' });
      expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
      await client.close(1000);
      await until(() => served.server.stats().connections === 1);
      using again = await Client.open(url, from('127.0.0.5'));
      expect(await again.json()).toMatchObject({ remoteAddress: '127.0.0.5' });
      expect(served.server.stats().limits.refusedProxies).toBe(0);
      expect(proxy.stderr).not.toContain('DOWN');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
