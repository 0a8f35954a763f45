import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Client } from '../e2e/client.js';
import { until } from '../e2e/serving.js';
import { TRUST } from '../e2e/transport.js';
import { fileOf } from '../tls/certificates.js';
import { Command } from './command.js';

const itOnLinux = it.runIf(process.platform === 'linux');

const HOOK = fileURLToPath(new URL('../e2e/handlers/deciding.js', import.meta.url));

/** A certificate and a key in a folder of their own, which change. */
class Files implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'wsloom-tls-'));
  readonly cert = join(this.folder, 'live.crt');
  readonly key = join(this.folder, 'live.key');

  constructor() {
    this.become('default');
  }

  become(cert: string, key = cert): void {
    copyFileSync(fileOf(`${cert}.crt`), this.cert);
    copyFileSync(fileOf(`${key}.key`), this.key);
  }

  serve(handler: string, ...args: readonly string[]): Command {
    const tls = ['--tls-cert', this.cert, '--tls-key', this.key];
    return Command.run('serve', handler, '--port', '0', '--threads', '2', ...tls, ...args);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Waits until a process has opened a file. */
async function hasOpened({ process: { pid } }: Command, path: string): Promise<void> {
  const folder = `/proc/${pid}/fd`;
  const leadsTo = (fd: string) => {
    try {
      return readlinkSync(join(folder, fd));
    } catch {
      return undefined; // it is closed by now
    }
  };
  await until(() => readdirSync(folder).some((fd) => leadsTo(fd) === path));
}

/** The name in the certificate that a server shows. */
async function shownBy(url: string): Promise<string> {
  const socket = connect({ ...TRUST, host: '127.0.0.1', port: Number(new URL(url).port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

describe('wsloom serve with a certificate', () => {
  it('speaks TLS, and says so in the line about where it listens', async () => {
    using files = new Files();
    await using command = files.serve('echo');
    const url = await command.listening();
    expect(url).toMatch(/^wss:\/\/127\.0\.0\.1:\d+$/);
    using client = await Client.open(url);
    client.send('hello');
    expect(await client.text()).toBe('hello');
  });

  it('says once that the hook runs in the workers, if there is one', async () => {
    using files = new Files();
    await using command = files.serve(HOOK);
    await command.listening();
    await command.says('stderr', /the hook upgrade runs in the workers/);
    expect(command.stderr.match(/hook/g)).toHaveLength(1);
    await using echo = files.serve('echo'); // its hook looks at nothing but the request
    await echo.listening();
    expect(echo.stderr).not.toMatch(/hook/);
    await using other = Command.run('serve', HOOK, '--port', '0', '--threads', '1');
    await other.listening();
    expect(other.stderr).toBe('');
  });

  it('reads the certificates again for SIGUSR2, keeps the old ones if they do not fit, and drops nobody', async () => {
    using files = new Files();
    await using command = files.serve('echo');
    const url = await command.listening();
    using client = await Client.open(url);
    const first = await shownBy(url);
    files.become('renewed');
    command.process.kill('SIGUSR2');
    await command.says('stderr', /the certificates are read again; new connections get them\n/);
    await until(async () => (await shownBy(url)) !== first);
    const second = await shownBy(url);

    files.become('default', 'a');
    command.process.kill('SIGUSR2');
    const [line] = await command.says(
      'stderr',
      /[^\n]*the certificates are not read again, the old ones stay: [^\n]*\n/,
    );
    expect(line).toContain(`--tls-cert`);
    expect(line).toContain(files.cert);
    for (let i = 0; i < 4; i++) expect(await shownBy(url)).toBe(second);

    client.send('still here');
    expect(await client.text()).toBe('still here');
    files.become('default');
    command.process.kill('SIGUSR2');
    await until(async () => (await shownBy(url)) === first);
    expect(command.stderr).not.toContain('PRIVATE KEY');
  });

  it('takes files that change without a signal, and says it in one line if they do not fit', async () => {
    using files = new Files();
    await using command = files.serve('echo');
    const url = await command.listening();
    const first = await shownBy(url);
    files.become('renewed', 'a');
    const [line] = await command.says(
      'stderr',
      /the files have changed and cannot be used, the old certificates stay: [^\n]+\n/,
    );
    expect(line).toContain(`the old certificates stay: --tls-cert ${files.cert} `);
    expect(command.stderr.split('\n').filter((line) => line.includes('the files'))).toHaveLength(1);
    expect(await shownBy(url)).toBe(first);
    files.become('renewed');
    await until(async () => (await shownBy(url)) !== first);
    await command.says('stderr', /the files have changed, and new connections get the new certificates\n/);
  });

  it('reads the certificates and the handler again for SIGHUP', async () => {
    using files = new Files();
    await using command = files.serve('echo');
    const url = await command.listening();
    using before = await Client.open(url);
    const first = await shownBy(url);
    files.become('renewed');
    command.process.kill('SIGHUP');
    expect(await before.closed).toMatchObject({ code: 1001 });
    await until(async () => (await shownBy(url)) !== first);
    using after = await Client.open(url);
    after.send('hello');
    expect(await after.text()).toBe('hello');
  });

  it('loads the handler again for SIGHUP also if the certificates do not fit, which is one line', async () => {
    using files = new Files();
    await using command = files.serve('echo');
    const url = await command.listening();
    using before = await Client.open(url);
    const first = await shownBy(url);
    files.become('default', 'a');
    command.process.kill('SIGHUP');
    expect(await before.closed).toMatchObject({ code: 1001 });
    await command.says('stderr', /the certificates are not read again, the old ones stay: --tls-cert [^\n]*\n/);
    await command.says('stderr', /the handler is loaded again; old threads drain\n/);
    expect(command.stderr).not.toContain('the handler is not loaded');
    expect(await shownBy(url)).toBe(first);
    using after = await Client.open(url);
    after.send('hello');
    expect(await after.text()).toBe('hello');
  });

  it('says for SIGUSR2 without a certificate that there is no TLS', async () => {
    await using command = Command.run('serve', 'echo', '--port', '0', '--threads', '1');
    await command.listening();
    command.process.kill('SIGUSR2');
    await command.says('stderr', /^wsloom: SIGUSR2: there are no certificates to read: no TLS \(--tls-cert\)\n$/);
  });

  itOnLinux.each(['SIGINT', 'SIGTERM'] as const)(
    'ends at once for %s while it waits for a pipe that nobody writes',
    async (signal) => {
      using files = new Files();
      const pipe = join(files.folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      const writer = openSync(pipe, 'r+'); // it is never at its end
      await using command = Command.run('serve', 'echo', '--port', '0', '--tls-cert', files.cert, '--tls-key', pipe);
      await hasOpened(command, pipe);
      command.process.kill(signal);
      expect(await command.ended).toBe(0);
      expect(command.stderr).not.toContain('is a pipe that has not ended');
      closeSync(writer);
    },
  );

  it.each([
    ['a pair that does not fit', ['default', 'a'], /^error: [^\n]*--tls-cert[^\n]*\n$|^[^\n]*--tls-cert[^\n]*\n$/],
    ['a key for a certificate', ['default', 'default'], /^[^\n]*were cert and key mixed up\?[^\n]*\n$/],
  ] as const)('ends with 2 and one line that names the file: %s', async (what, [cert, key], line) => {
    using files = new Files();
    files.become(cert, key);
    const isMixed = what.startsWith('a key');
    const flags = isMixed
      ? ['--tls-cert', files.key, '--tls-key', files.cert]
      : ['--tls-cert', files.cert, '--tls-key', files.key];
    await using command = Command.run('serve', 'echo', '--port', '0', '--threads', '1', ...flags);
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(line);
    expect(command.stderr).toContain(files.folder);
  });
});
