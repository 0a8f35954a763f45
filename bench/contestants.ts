import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Mode } from './cases.js';
import { BENCH, COMPILED, ROOT } from './paths.js';

/** A server that takes part. */
export interface Contestant {
  readonly name: string;
  readonly version: string;
  /** The command that starts it. With port 0 it takes a free port, and prints it. `bytes` is the size of every message. */
  command(port: number, mode: Mode, bytes: number): readonly string[];
  /** Whether it needs a port, and does not print when it listens. */
  readonly isSilent?: boolean;
  /** Whether it speaks TLS. */
  readonly isSecure?: boolean;
  /** Whether it compresses. The load offers compression to no other. */
  readonly compresses?: boolean;
}

/** The folder of the other servers. */
export const PEERS = new URL('peers/', BENCH);
const CPU = process.arch === 'arm64' ? ['aarch64', 'arm64'] : ['x64', 'x64'];
const BUN = `@oven/bun-linux-${CPU[0]}`;
const DENO = `@deno/linux-${CPU[1]}-glibc`;

/** The limits that cost something for each message, set far above any load, so that their code is measured too. */
const LIMITS = [
  ['--messages-per-second', '1000000000'],
  ['--bytes-per-second', '1024GiB'],
  ['--max-connections', '1000000'],
  ['--max-connections-per-ip', '1000000'],
].flat();

const pathOf = (file: string, base: URL) => fileURLToPath(new URL(file, base));

/**
 * wsloom as built. @param threads the value of `--threads` @param flags more flags, which override the defaults
 * @param program the version of Node that it runs on
 */
export function wsloom(
  threads: number,
  name = 'wsloom',
  flags: readonly string[] = [],
  program = process.execPath,
): Contestant {
  return {
    name,
    version: versionIn(ROOT),
    command: (port, mode) => wsloomCommand(mode, port, threads, flags, program),
  };
}

/** The command that starts wsloom with a handler: the name of one that it brings along, or the path of a module. */
export function wsloomCommand(
  handler: string,
  port: number,
  threads: number,
  flags: readonly string[],
  program = process.execPath,
): readonly string[] {
  const cli = pathOf('dist/cli.js', ROOT);
  return [
    ...[program, cli, 'serve', handler, '--port', String(port), '--threads', String(threads)],
    ...LIMITS,
    ...flags,
  ];
}

export const FLOOR: Contestant = {
  name: 'floor',
  version: '',
  command: (port, mode, bytes) => [process.execPath, pathOf('floor.js', COMPILED), String(port), String(bytes), mode],
};

/** A certificate (ECDSA with P-256) and its key, which all servers with TLS show. */
const CERTIFICATE = ['crt', 'key'].map((suffix) => pathOf(`test/tls/certificates/default.${suffix}`, ROOT));

/** wsloom with TLS, made of wsloom without it. */
export function secureWsloom(plain: Contestant): Contestant {
  const [cert = '', key = ''] = CERTIFICATE;
  return { ...withArguments(plain, ['--tls-cert', cert, '--tls-key', key]), isSecure: true };
}

/** ws on node:https, made of ws on node:http. */
export function secureWs(plain: Contestant): Contestant {
  return { ...withArguments(plain, CERTIFICATE), isSecure: true };
}

/** Those who compress, by the name of the server without compression: each setting with its own name. */
const COMPRESSORS: Readonly<Record<string, (hasTakeover: boolean) => Readonly<Record<string, readonly string[]>>>> = {
  wsloom: (hasTakeover) => {
    const flags = ['--deflate', ...(hasTakeover ? ['--deflate-takeover'] : [])];
    return { wsloom: flags, 'wsloom small': [...flags, '--deflate-level', 'small'] };
  },
  // It does without takeover if the client asks it to. Level 2 is the lowest whose ratio is within 3 % of that of wsloom, for JSON of
  // 1, 4 and 16 KiB: 0.481, 0.349 and 0.295, and 0.476, 0.344 and 0.290; level 1 comes to 0.482, 0.353 and 0.301.
  ws: () => ({ ws: ['--deflate'], 'ws level 2': ['--deflate-level', '2'] }),
  Bun: (hasTakeover) => ({ Bun: [hasTakeover ? 'dedicated' : 'shared'] }),
  uWebSockets: (hasTakeover) => ({ uWebSockets: [hasTakeover ? 'dedicated' : 'shared'] }),
};

/** The same server with compression, in each setting that is compared; none if it does not compress. */
export function compressing(plain: Contestant, hasTakeover: boolean): Contestant[] {
  const settings = Object.entries(COMPRESSORS[plain.name]?.(hasTakeover) ?? {});
  return settings.map(([name, flags]) => ({ ...withArguments(plain, flags), name, compresses: true }));
}

/** The same server under a name that says that it does not compress. */
export function uncompressed(plain: Contestant): Contestant {
  return { ...plain, name: `${plain.name} ${UNCOMPRESSED}` };
}

export const UNCOMPRESSED = 'uncompressed';

function withArguments(plain: Contestant, more: readonly string[]): Contestant {
  return { ...plain, command: (...purpose) => [...plain.command(...purpose), ...more] };
}

export const TLS_FLOOR: Contestant = {
  name: FLOOR.name,
  version: '',
  isSecure: true,
  command: (port, mode, bytes) => [
    ...[process.execPath, pathOf('tls-floor.js', COMPILED), String(port), String(bytes), mode],
    ...CERTIFICATE,
  ],
};

/** The peers that are installed, and the names of the others. */
export function peers(): { readonly installed: readonly Contestant[]; readonly missing: readonly string[] } {
  const installed: Contestant[] = [];
  const missing: string[] = [];
  const add = (name: string, packages: readonly string[], command: (port: string, mode: Mode) => readonly string[]) => {
    const folders = packages.map((packageName) => new URL(`node_modules/${packageName}/`, PEERS));
    if (!folders.every((folder) => existsSync(new URL('package.json', folder)))) {
      missing.push(name);
      return;
    }
    const [version = '', ...others] = folders.map(versionIn);
    const added = others.map((other, i) => ` + ${packages[i + 1]} ${other}`).join('');
    installed.push({ name, version: version + added, command: (port, mode) => command(String(port), mode) });
  };
  const binary = (path: string) => pathOf(`node_modules/${path}`, PEERS);
  add('ws', ['ws', 'bufferutil'], (port, mode) => [process.execPath, pathOf('ws.mjs', PEERS), port, mode]);
  add('Bun', [BUN], (port, mode) => [binary(`${BUN}/bin/bun`), pathOf('bun.mjs', PEERS), port, mode]);
  const permissions = ['--no-config', '--allow-net=127.0.0.1'];
  add('Deno', [DENO], (port, mode) => [
    binary(`${DENO}/deno`),
    ...['run', ...permissions, pathOf('deno.mjs', PEERS), port, mode],
  ]);
  return { installed, missing };
}

/** The version of a package that is installed in a folder; undefined if it is not. */
export function installedVersion(packageName: string, base: URL): string | undefined {
  const folder = new URL(`node_modules/${packageName}/`, base);
  return existsSync(new URL('package.json', folder)) ? versionIn(folder) : undefined;
}

export function uWebSockets(path: string): Contestant {
  return { name: 'uWebSockets', version: path, isSilent: true, command: (port, mode) => [path, String(port), mode] };
}

/** Installs the peers, as their lockfile has them. @throws if npm fails */
export function installPeers(): void {
  execFileSync('npm', ['ci'], { cwd: fileURLToPath(PEERS), stdio: ['ignore', 2, 2] });
}

function versionIn(folder: URL): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { readonly version: string };
  return version;
}
