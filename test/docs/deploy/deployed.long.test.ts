import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, Engines, isInstalled } from '../../backplanes/engines.js';
import { NATS, REDIS } from '../../backplanes/kinds.js';
import { Command } from '../../cli/command.js';
import { Client } from '../../e2e/client.js';
import { arePeersRequired, pathOf } from '../../e2e/installed.js';
import { freePort } from '../../ports.js';
import { ROOT, snippetsOf } from '../documents.js';
import { RunningNginx } from '../running-nginx.js';
import { deployFile } from './deploy-files.js';
import { Dockerfile } from './dockerfile.js';
import { compose, Manifest, readServe, type Secret } from './manifests.js';

const PASSWORD = 'CHANGE-ME';
const TOKEN = 'a-token-of-a-test';
/** A package that is needed for the build only. */
const TOOL = 'yaml';
/** A name that the files let in. */
const HOST = { headers: { Host: 'chat.example.org' } };

const dockerfile = new Dockerfile();
const [PORT = 0, ADMIN_PORT = 0] = dockerfile.exposed;

let folder: string;
/** The working directory of the image. */
let image: string;

/** Runs npm, as whoever prepares an application does. */
function npm(cwd: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8' });
  expect(status, stdout + stderr).toBe(0);
}

// An application as docs/deploy/README.md says, built as the Dockerfile says.
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-deploy-'));
  npm(ROOT, 'pack', '--ignore-scripts', '--pack-destination', folder);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
  const context = join(folder, 'chat');
  mkdirSync(join(context, 'secrets'), { recursive: true });
  writeFileSync(join(context, 'secrets/admin-token'), TOKEN);
  cpSync(`${ROOT}examples/chat.mjs`, join(context, 'chat.mjs'));
  const { devDependencies } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  const versionsOf = (...names: string[]) => Object.fromEntries(names.map((name) => [name, devDependencies[name]]));
  const manifest = {
    private: true,
    scripts: { build: 'echo built > built.txt' },
    dependencies: { wsloom: `file:../${tarball}`, ...versionsOf('redis', '@nats-io/transport-node') },
    devDependencies: versionsOf(TOOL),
  };
  writeFileSync(join(context, 'package.json'), JSON.stringify(manifest));
  // In place of a registry, the package is beside the folder that it is installed in.
  const stages = join(folder, 'stages');
  cpSync(join(folder, tarball), join(stages, 'stage-0', tarball));
  npm(context, 'install', '--ignore-scripts');
  image = dockerfile.build(context, stages);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface RunOptions {
  /** What stands behind the entry point. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Other words in the place of some. */
  readonly moved?: Readonly<Record<string, string>>;
}

/** A container of the image, as a process on loopback with ports of its own. Its end does not wait for load balancers. */
class Container implements AsyncDisposable {
  readonly port: number;
  readonly adminUrl: string;
  readonly command: Command;

  private constructor(command: Command, port: number, adminPort: number) {
    this.command = command;
    this.port = port;
    this.adminUrl = `http://127.0.0.1:${adminPort}`;
  }

  static async run({ args, env = {}, moved = {} }: RunOptions): Promise<Container> {
    const [port, adminPort] = [await freePort(), await freePort()];
    const words: Readonly<Record<string, string>> = { [PORT]: String(port), [ADMIN_PORT]: String(adminPort), ...moved };
    const changed = [...dockerfile.entrypoint, ...args].map((word) => words[word] ?? word);
    // Only the server is to be on loopback: the address of the admin port decides whether there must be a token.
    changed[changed.indexOf('--host') + 1] = '127.0.0.1';
    for (const flag of ['--shutdown-delay', '--drain-spread']) changed[changed.indexOf(flag) + 1] = '0';
    const command = new Command(process.execPath, changed.slice(1), {
      cwd: image,
      env: { PATH: String(Reflect.get(process.env, 'PATH')), ...dockerfile.variables, ...env },
    });
    const container = new Container(command, port, adminPort);
    await command.listening();
    return container;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/room`;
  }

  /** What the health check of the image ends with. */
  async checkHealth(): Promise<number | NodeJS.Signals | null> {
    const [, ...args] = dockerfile.healthcheck;
    const moved = args.map((arg) => arg.replace(`http://127.0.0.1:${ADMIN_PORT}`, this.adminUrl));
    await using command = new Command(process.execPath, moved, { cwd: image });
    return await command.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.command[Symbol.asyncDispose]();
  }
}

describe('the Dockerfile, step by step', () => {
  it('makes an image with the build and its packages, without secrets and tools', () => {
    const has = (path: string) => existsSync(join(image, path));
    for (const path of ['built.txt', 'chat.mjs', 'node_modules/wsloom/dist/cli.js']) expect(has(path), path).toBe(true);
    for (const path of ['secrets', `node_modules/${TOOL}`]) expect(has(path), path).toBe(false);
    expect(has('node_modules/wsloom/node_modules')).toBe(false);
  });

  it('starts a server that is healthy, gets SIGTERM and ends with 0', async () => {
    await using container = await Container.run({ args: dockerfile.command });
    expect(await container.checkHealth()).toBe(0);
    using client = await Client.open(container.url);
    expect(await client.text()).toBe('welcome to /room, somebody');
    container.command.process.kill('SIGTERM');
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(await container.command.ended, container.command.stderr).toBe(0);
    expect(await container.checkHealth()).toBe(1);
  });
});

/** Two servers with engines between them: each answers, is ready, guards its metrics, and what a client sends reaches the other. */
async function expectFleet(options: RunOptions): Promise<[Container, Container]> {
  const one = await Container.run(options);
  const two = await Container.run(options);
  for (const { adminUrl } of [one, two]) {
    expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200);
    expect((await fetch(`${adminUrl}/metrics`)).status).toBe(401);
    const headers = { Authorization: `Bearer ${TOKEN}` };
    const metrics = await (await fetch(`${adminUrl}/metrics`, { headers })).text();
    expect(metrics).toMatch(/^wsloom_backplane_connected\{.*\} 1$/m);
    expect(metrics).not.toMatch(/^wsloom_backplane_connected\{.*\} 0$/m);
  }
  await expectCrossing(one.url, two.url);
  return [one, two];
}

/** A message goes from a client of the one to a client of the other. */
async function expectCrossing(from: string, to: string): Promise<void> {
  using listener = await Client.open(to, HOST);
  using speaker = await Client.open(`${from}?name=Ada`, HOST);
  expect(await listener.text()).toBe('welcome to /room, somebody');
  // The first publications may be before the servers have subscribed at the engine.
  const isHeard = listener.text();
  const timer = setInterval(() => speaker.send('hello'), 50);
  expect(await isHeard).toBe('Ada: hello');
  clearInterval(timer);
}

/** A configuration that docs/scale.md shows. */
const linesOf = (file: string) => {
  const found = snippetsOf('docs/scale.md').find((one) => one.file === file);
  return (found?.text ?? '').trim().split('\n');
};

const FLEETS = [
  { name: 'nats', kind: NATS, lines: linesOf('nats.conf') },
  { name: 'redis', kind: REDIS, lines: ['protected-mode no', ...linesOf('redis.conf')] },
] as const;

/** Whether nginx is there. Where it has to be, it throws if it is not. */
function hasNginx(): boolean {
  if (pathOf('nginx') !== undefined) return true;
  if (arePeersRequired) throw new Error('nginx is not installed');
  return false;
}

describe.each(FLEETS)('with $name between servers', ({ name, kind, lines }) => {
  it.skipIf(!isInstalled(kind.program) || !hasNginx())('the services of Compose do what they are for', async () => {
    await using engine = await kind.start({ lines });
    const { services } = compose(`compose-${name}.yml`);
    const [server, other] = Object.values(services).filter(({ build }) => build !== undefined);
    expect(other?.command).toEqual(server?.command);
    const { proxy } = services;
    const proxyAddress = proxy?.networks?.default.ipv4_address ?? '';
    const args = server?.command ?? [];
    const token = join(folder, 'chat/secrets/admin-token');
    const url = `${name}://chat:${PASSWORD}@${engine.address}?prefix=chat`;
    const [one, two] = await expectFleet({
      args,
      env: { WSLOOM_BACKPLANE: url },
      moved: { '/run/secrets/admin-token': token, [proxyAddress]: '127.0.0.1' },
    });
    await using _one = one;
    await using _two = two;

    const port = await freePort();
    const where = mkdtempSync(join(folder, 'nginx-'));
    const [first = '', second = ''] = [...deployFile('nginx.conf').matchAll(/^ {2}server (\S+) /gm)].map(
      ([, address]) => address ?? '',
    );
    const moved = deployFile('nginx.conf')
      .replace(first, `127.0.0.1:${one.port}`)
      .replace(second, `127.0.0.1:${two.port}`)
      .replace('listen 80;', `listen 127.0.0.1:${port};`);
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((path) => `${path}_temp_path temp;`);
    const whole = `daemon off; pid nginx.pid; events { }\nhttp { access_log off; ${paths.join(' ')}\n${moved}}\n`;
    writeFileSync(join(where, 'nginx.conf'), whole);
    await using _nginx = await RunningNginx.start(where, 'nginx.conf', port);
    // nginx goes to one server and then to the other.
    await expectCrossing(`ws://127.0.0.1:${port}/room`, `ws://127.0.0.1:${port}/room`);

    for (const { command } of [one, two]) {
      command.process.kill('SIGTERM');
      expect(await command.ended, command.stderr).toBe(0);
      expect(command.stderr).not.toContain(PASSWORD);
    }
  });

  it.skipIf(!isInstalled(kind.program))('the containers of Kubernetes do what they are for', async () => {
    const manifest = new Manifest(`kubernetes-${name}.yml`);
    await using engines = new Engines();
    const { backplane = '' } = manifest.find<Secret>('Secret', 'chat').stringData;
    const urls: string[] = [];
    for (const url of backplane.split(' ')) {
      const engine: Engine = engines.add(await kind.start({ lines: manifest.engineLines }));
      urls.push(url.replace(/@[^?]+/, `@${engine.address}`));
    }
    expect(urls).toHaveLength(manifest.engine.spec.replicas);
    expect(readServe([...dockerfile.entrypoint, ...manifest.chat.args]).handler).toBe('chat.mjs');
    const [one, two] = await expectFleet({
      args: manifest.chat.args,
      env: { WSLOOM_BACKPLANE: urls.join(' '), WSLOOM_ADMIN_TOKEN: TOKEN },
    });
    await using _one = one;
    await using _two = two;
    for (const { httpGet } of [
      manifest.chat.startupProbe,
      manifest.chat.readinessProbe,
      manifest.chat.livenessProbe,
    ].flatMap((probe) => probe ?? [])) {
      expect((await fetch(one.adminUrl + httpGet?.path)).status).toBe(200);
    }
  });
});
