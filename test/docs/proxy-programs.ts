import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import type { ServerOptions } from '../../dist/index.js';
import { Command } from '../cli/command.js';
import { arePeersRequired, pathOf } from '../e2e/installed.js';
import { until } from '../e2e/serving.js';
import { answers, freePort } from '../ports.js';
import { snippetsOf } from './documents.js';

/** A proxy, with one of its configurations of docs/proxies.md. */
export interface ProxyProgram {
  readonly name: 'nginx' | 'haproxy' | 'caddy';
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
const haproxyArgs = (path: string) => ['-db', '-f', path];

export const NGINX: ProxyProgram = {
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
};

export const NGINX_STREAM: ProxyProgram = {
  name: 'nginx',
  file: 'nginx-stream.conf',
  whole: (text, folder, module) =>
    `load_module ${module}; daemon off; master_process off; pid ${folder}/pid; error_log stderr;\nevents { }\n${text}`,
  args: nginxArgs,
  module: '../lib/nginx/modules/ngx_stream_module.so',
  telling: BY_PROXY_PROTOCOL,
};

export const HAPROXY: ProxyProgram = {
  ...{ name: 'haproxy', file: 'haproxy.cfg', whole: (text) => text, args: haproxyArgs, telling: BY_HEADER },
};

export const HAPROXY_TCP: ProxyProgram = { ...HAPROXY, file: 'haproxy-tcp.cfg', telling: BY_PROXY_PROTOCOL };

export const CADDY: ProxyProgram = {
  name: 'caddy',
  file: 'Caddyfile',
  whole: (text, folder) => `{\n  admin off\n  storage file_system ${folder}\n}\n${text}`,
  args: (path) => ['run', '--config', path, '--adapter', 'caddyfile'],
  telling: BY_HEADER,
};

/** Every configuration of the document. */
export const PROXY_PROGRAMS: readonly ProxyProgram[] = [NGINX, NGINX_STREAM, HAPROXY, HAPROXY_TCP, CADDY];

const modulePathOf = ({ name, module = '.' }: ProxyProgram) => join(dirname(pathOf(name) ?? '/'), module);

/** Whether a program is installed. Where it has to be, it throws if it is not. */
function isThere(program: ProxyProgram): boolean {
  const module = modulePathOf(program);
  if (pathOf(program.name) !== undefined && existsSync(module)) return true;
  if (arePeersRequired) throw new Error(`${module} is not installed`);
  return false;
}

/** Describes each of the programs that are installed. */
export function describeProxies(programs: readonly ProxyProgram[], tests: (program: ProxyProgram) => void): void {
  for (const program of programs) {
    const { name, file } = program;
    describe.skipIf(!isThere(program))(`${name}, as ${file} of docs/proxies.md configures it`, () => tests(program));
  }
}

/** Replaces a part of a configuration. It throws if there is no such part. */
export const replacing = (part: string | RegExp, by: string) => (text: string) => {
  const changed = text.replace(part, by);
  if (changed === text) throw new Error(`there is no ${part} in ${text}`);
  return changed;
};

/** What a test changes in a configuration, in this order. */
export type Changes = readonly ((text: string) => string)[];

const SERVER = '127.0.0.1:8080';

/** Adds a second server to a configuration, as the document says. Its address is 127.0.0.1:8081. */
export function withSecondServer(text: string): string {
  const isLine = (line: string) => line.includes(`server one ${SERVER}`) || line.includes(`server ${SERVER}`);
  if (text.includes(`reverse_proxy ${SERVER}`)) return text.replace(SERVER, `${SERVER} 127.0.0.1:8081`);
  const second = (line: string) => line.replace('server one', 'server two').replace(SERVER, '127.0.0.1:8081');
  const lines = text.split('\n');
  return lines.flatMap((line) => (isLine(line) ? [line, second(line)] : [line])).join('\n');
}

/** A proxy that runs, on a free port of 127.0.0.1. It is ended at the end of its block. */
export class RunningProxy implements AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly #command: Command;
  readonly #folder: string;

  private constructor(port: number, command: Command, folder: string) {
    this.port = port;
    this.url = `ws://127.0.0.1:${port}`;
    this.#command = command;
    this.#folder = folder;
  }

  /** @param ports where the servers listen: the first instead of 8080, the second instead of 8081. */
  static async start(program: ProxyProgram, ports: readonly number[], changes: Changes = []): Promise<RunningProxy> {
    const { name, file, whole, args } = program;
    const folder = mkdtempSync(join(tmpdir(), `wsloom-${name}-`));
    const documented = snippetsOf('docs/proxies.md').find((snippet) => snippet.file === file)?.text ?? '';
    const changed = changes.reduce((text, change) => change(text), whole(documented, folder, modulePathOf(program)));
    const port = await freePort();
    const moved = ports
      .reduce((text, each, i) => text.replaceAll(`127.0.0.1:${8080 + i}`, `127.0.0.1:${each}`), changed)
      .replace(/:?\b80\b/, (found) => (found.startsWith(':') && name === 'caddy' ? `:${port}` : `127.0.0.1:${port}`));
    const path = join(folder, file);
    writeFileSync(path, moved);
    // Caddy keeps what it was configured with.
    const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder };
    const command = new Command(pathOf(name) as string, args(path, folder), { cwd: folder, env });
    const proxy = new RunningProxy(port, command, folder);
    let hasEnded = false;
    void command.ended.then(() => {
      hasEnded = true;
    });
    await until(async () => hasEnded || (await answers(port)));
    expect(hasEnded, command.stderr).toBe(false);
    return proxy;
  }

  /** What it has said: messages of its own, and what it thinks of its servers. */
  get said(): string {
    return this.#command.stdout + this.#command.stderr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#command[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
