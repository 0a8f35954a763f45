import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, linkSync, lstatSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { descriptorOf } from '../../dist/system/descriptor.js';
import { Client } from '../e2e/client.js';
import { until } from '../e2e/serving.js';
import { CLI, Command } from './command.js';

const ONE_LINE = /^[^\n]+\n$/;
const hasSystemd = spawnSync('systemd-socket-activate', ['--version']).status === 0;

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
  path = join(folder, 'a.sock');
});

afterEach(() => rmSync(folder, { recursive: true }));

/** `wsloom serve` with one thread, and variables of the environment. */
function serve(args: readonly string[], env: NodeJS.ProcessEnv = {}): Command {
  return new Command(process.execPath, [CLI, 'serve', '--threads', '1', ...args], { env: { ...process.env, ...env } });
}

async function expectEcho(url: string): Promise<void> {
  using client = await Client.open(url);
  client.send('hello');
  expect(await client.text()).toBe('hello');
}

/** A handler that tells what it and its children have of the environment and of descriptor 3. */
function writeSpy(): string {
  const file = join(folder, 'spy.mjs');
  const index = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
  writeFileSync(
    file,
    `import { spawnSync } from 'node:child_process';
     import { defineHandler } from ${JSON.stringify(index)};
     const own = Object.keys(process.env).filter((name) => name.startsWith('LISTEN_'));
     const shell = 'env | grep ^LISTEN_; test -S /proc/self/fd/3 && echo descriptor 3 is a socket';
     export default defineHandler({
       open(connection) {
         const { stdout } = spawnSync('sh', ['-c', shell], { stdio: ['ignore', 'pipe', 'inherit', ], encoding: 'utf8' });
         connection.send(JSON.stringify({ own, ofChild: stdout }));
       },
     });`,
  );
  return file;
}

describe.skipIf(process.platform === 'win32')('wsloom serve --socket', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('listens on the unix socket, and removes it at %s', async (signal) => {
    await using command = serve(['--socket', path]);
    const url = await command.listening();
    expect(url).toBe(`ws+unix:${path}:/`);
    expect(lstatSync(path).mode & 0o7777).toBe(0o660);
    await expectEcho(url);
    command.process.kill(signal);
    expect(await command.ended).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  it('has the permissions of --socket-mode', async () => {
    await using command = serve(['--socket', path, '--socket-mode', '600']);
    await command.listening();
    expect(lstatSync(path).mode & 0o7777).toBe(0o600);
  });

  it('replaces the socket of a server that was killed', async () => {
    await using killed = serve(['--socket', path]);
    await killed.listening();
    killed.process.kill('SIGKILL');
    await killed.ended;
    expect(lstatSync(path).isSocket()).toBe(true);
    await using command = serve(['--socket', path]);
    await expectEcho(await command.listening());
  });

  it('is one line, and exits with 1, where another server listens', async () => {
    await using first = serve(['--socket', path]);
    const url = await first.listening();
    await using second = serve(['--socket', path]);
    expect(await second.ended).toBe(1);
    expect(second.stderr).toBe(
      `wsloom: ${path} is in use, another server listens there: end that server, or choose another path\n`,
    );
    await expectEcho(url);
  });

  it('takes a path from where it was started', async () => {
    await using command = new Command(process.execPath, [CLI, 'serve', '--threads', '0', '--socket', 'a.sock'], {
      cwd: folder,
    });
    await expectEcho(await command.listening());
    expect(lstatSync(path).isSocket()).toBe(true);
  });
});

describe('PORT and WSLOOM_HOST', () => {
  it('are taken where no flag is given, and named where it listens', async () => {
    await using command = serve([], { PORT: '0', WSLOOM_HOST: '::1' });
    const url = await command.listening();
    expect(command.stdout).toBe(
      `listening on ${url} (PORT and WSLOOM_HOST of the environment) with 1 thread, auto kernel\n`,
    );
    expect(url).toMatch(/^ws:\/\/\[::1\]:\d+$/);
    await expectEcho(url);
  });

  it('are not taken where flags are given', async () => {
    await using command = serve(['--port', '0', '--host', '127.0.0.1'], { PORT: 'x', WSLOOM_HOST: '::1' });
    const url = await command.listening();
    expect(command.stdout).toBe(`listening on ${url} with 1 thread, auto kernel\n`);
    expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/);
  });

  it.each(['http', '/run/app.sock'])('that is no port, %s, is one line, and exits with 2', async (PORT) => {
    await using command = serve([], { PORT });
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(/^wsloom: PORT of the environment must be a number from 0 to 65535, got /);
    expect(command.stderr).toMatch(ONE_LINE);
  });
});

describe('what contradicts itself', () => {
  it.each([
    [['--port', '0', '--socket', '/a'], /^wsloom: --socket cannot be given together with --port: a server listens in/],
    [['--fd', '3', '--host', '::'], /^wsloom: --fd cannot be given together with --host/],
    [['--socket-mode', '600'], /^wsloom: --socket-mode is of a unix socket: --socket is missing/],
    [['--socket', '@a'], /^wsloom: --socket must be a path .* abstract sockets are not supported/],
    [['--socket', '/a', '--socket-mode', 'rw'], /^wsloom: --socket-mode must be octal/],
    [['--fd', 'three'], /--fd .* must be a whole number/i],
  ])('%j is one line, and exits with 2', async (args, says) => {
    await using command = serve(args);
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(says);
    expect(command.stderr).toMatch(ONE_LINE);
  });
});

describe.skipIf(process.platform === 'win32')('a socket that is passed', () => {
  /** A server that listens, and leaves that to the process that inherits its descriptor. */
  async function listeningAt(options: { readonly path: string } | { readonly port: number; readonly host: string }) {
    const server = createServer().listen(options);
    await once(server, 'listening');
    return server;
  }

  /** `wsloom serve` with a socket as descriptor 3, passed by systemd or not. */
  function servePassed(server: Server, args: readonly string[], activates: boolean): Command {
    const variables = activates ? 'LISTEN_FDS=1 LISTEN_PID=$$ LISTEN_FDNAMES=web ' : '';
    const node = [process.execPath, CLI, 'serve', '--threads', '1', ...args];
    const fd3 = descriptorOf(server);
    const command = new Command('bash', ['-c', `exec env ${variables}"$@"`, 'bash', ...node], { fd3 });
    server.close();
    return command;
  }

  it('is listened on with --fd, and not inherited by what the handler starts', async () => {
    const server = await listeningAt({ port: 0, host: '127.0.0.1' });
    const { port } = server.address() as AddressInfo;
    await using command = servePassed(server, [writeSpy(), '--fd', '3'], false);
    const url = await command.listening();
    expect(url).toBe(`ws://127.0.0.1:${port}`);
    using client = await Client.open(url);
    expect(await client.json()).toEqual({ own: [], ofChild: '' });
  });

  it('is listened on when systemd passes it, which is said, and only this process hears of it', async () => {
    const server = await listeningAt({ port: 0, host: '127.0.0.1' });
    await using command = servePassed(server, [writeSpy()], true);
    const url = await command.listening();
    expect(command.stdout).toBe(`listening on ${url} (socket of systemd) with 1 thread, auto kernel\n`);
    using client = await Client.open(url);
    expect(await client.json()).toEqual({ own: [], ofChild: '' });
  });

  it('is left alone where a flag says where to listen, which is said', async () => {
    const server = await listeningAt({ port: 0, host: '127.0.0.1' });
    await using command = servePassed(server, ['--socket', path], true);
    expect(await command.listening()).toBe(`ws+unix:${path}:/`);
    expect(command.stderr).toBe('wsloom: the socket that systemd passes is not used, because of --socket\n');
  });

  it('may be a unix socket, whose file stays', async () => {
    const server = await listeningAt({ path });
    linkSync(path, `${path}.kept`); // the server of this test removes its name
    await using command = servePassed(server, [], true);
    const url = await command.listening();
    expect(url).toBe(`ws+unix:${path}:/`);
    renameSync(`${path}.kept`, path);
    await expectEcho(url);
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(0);
    expect(existsSync(path)).toBe(true);
  });

  it.runIf(hasSystemd)('is passed by systemd-socket-activate, when the first client connects', async () => {
    const activate = ['-l', path, process.execPath, CLI, 'serve', '--threads', '1'];
    await using command = new Command('systemd-socket-activate', activate);
    await until(() => existsSync(path));
    await until(async () => {
      const socket = connect(path);
      const [connected] = await Promise.all([
        once(socket, 'connect').then(
          () => true,
          () => false,
        ),
      ]);
      socket.destroy();
      return connected;
    });
    const url = await command.listening();
    expect(url).toBe(`ws+unix:${path}:/`);
    expect(command.stdout).toContain('(socket of systemd)');
    await expectEcho(url);
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(0);
  });

  it.runIf(hasSystemd)('is one of several that systemd passes: one line, and exit code 2', async () => {
    const activate = ['-l', path, '-l', `${path}.2`, process.execPath, CLI, 'serve', '--threads', '1'];
    await using command = new Command('systemd-socket-activate', activate);
    await until(() => existsSync(path));
    const socket = connect(path).on('error', () => {}); // it is reset when the process ends
    await command.says('stderr', /wsloom: LISTEN_FDS is "2": systemd must pass one socket/);
    expect(await command.ended).toBe(2);
    socket.destroy();
  });
});
