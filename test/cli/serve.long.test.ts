import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Client, refusal } from '../e2e/client.js';
import { Command } from './command.js';

const ONE_LINE = /^[^\n]+\n$/;

describe('wsloom serve', () => {
  it('echoes by default, on the threads of --threads, and prints its address in one line', async () => {
    await using command = Command.run('serve', '--port', '0', '--threads', '2', '--kernel', 'js');
    const url = await command.listening();
    expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/);
    expect(command.stdout).toContain('with 2 threads, js kernel');
    using client = await Client.open(`${url}/any/path`, { protocols: ['first', 'second'] });
    expect(client.socket.protocol).toBe('first');
    client.send('hello');
    expect(await client.text()).toBe('hello');
  });

  it('keeps the rooms of broadcast apart, across threads, and includes the sender', async () => {
    await using command = Command.run('serve', 'broadcast', '--port', '0', '--threads', '2');
    const url = await command.listening();
    const open = (path: string) => Client.open(`${url}${path}`, { protocols: ['chat'] });
    const inOne = await Promise.all(['/one', '/one?name=x', '/one', '/one'].map(open));
    using elsewhere = await open('/two');
    expect(elsewhere.socket.protocol).toBe('chat');
    const [sender] = inOne as [Client, ...Client[]];
    sender.send('to one');
    for (const client of inOne) expect(await client.text()).toBe('to one');
    elsewhere.send('to two');
    expect(await elsewhere.text()).toBe('to two');
    for (const client of inOne) {
      expect(client.rest).toEqual([]);
      client[Symbol.dispose]();
    }
  });

  it('runs a handler module, and refuses paths and messages by its flags', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
    const file = join(folder, 'shout.mjs');
    const index = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
    writeFileSync(
      file,
      `import { defineHandler } from ${JSON.stringify(index)};
       export default defineHandler({ message(connection, message) { connection.send(message.text().toUpperCase()); } });`,
    );
    const limits = ['--path', '/shout', '--path', '/cry', '--max-payload', '1KiB', '--arena', '2MiB', '--threads', '0'];
    await using command = Command.run('serve', file, '--port', '0', ...limits);
    const url = await command.listening();
    for (const path of ['/shout', '/cry']) {
      using client = await Client.open(`${url}${path}`);
      client.send('hey');
      expect(await client.text()).toBe('HEY');
      client.send('x'.repeat(1025));
      expect(await client.closed).toMatchObject({ code: 1009 });
    }
    expect(await refusal(`${url}/whisper`)).toMatchObject({ status: 404 });
    rmSync(folder, { recursive: true });
  });

  it('moves the page, and turns the health off', async () => {
    await using command = Command.run('serve', '--port', '0', '--threads', '0', '--page', '/try', '--health', 'off');
    const url = (await command.listening()).replace('ws:', 'http:');
    const statuses: number[] = [];
    for (const path of ['/', '/try', '/healthz']) statuses.push((await fetch(url + path)).status);
    expect(statuses).toEqual([426, 200, 426]);
  });

  it('uses every one of its threads', async () => {
    await using command = Command.run('serve', 'echo', '--port', '0', '--threads', '2');
    const url = await command.listening();
    const clients = await Promise.all(Array.from({ length: 8 }, () => Client.open(url)));
    const before = cpuTicks(command.process.pid as number);
    const text = 'é'.repeat(200_000);
    const busy = () => {
      const now = cpuTicks(command.process.pid as number);
      return [...now].filter(([thread, ticks]) => ticks > (before.get(thread) ?? 0) + 2).length;
    };
    for (let round = 0; round < 500 && busy() < 2; round++) {
      for (const client of clients) client.send(text);
      for (const client of clients) await client.next();
    }
    expect(busy()).toBeGreaterThanOrEqual(2);
    for (const client of clients) client[Symbol.dispose]();
  });
});

/** CPU time of each thread of a process so far, in clock ticks. */
function cpuTicks(pid: number): Map<string, number> {
  const ticks = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const fields = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    ticks.set(thread, Number(fields[11]) + Number(fields[12]));
  }
  return ticks;
}

describe('a signal', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s closes every connection with 1001 and exits with 0', async (signal) => {
    await using command = Command.run('serve', '--port', '0', '--threads', '2');
    const url = await command.listening();
    using one = await Client.open(url);
    using other = await Client.open(url);
    command.process.kill(signal);
    expect(await one.closed).toMatchObject({ code: 1001 });
    expect(await other.closed).toMatchObject({ code: 1001 });
    expect(await command.ended).toBe(0);
  });

  it('SIGHUP loads the handler again, also when nobody reads the output any more', async () => {
    await using command = Command.run('serve', '--port', '0', '--threads', '1');
    const url = await command.listening();
    using before = await Client.open(url);
    command.process.stdout.destroy();
    command.process.stderr.destroy();
    command.process.kill('SIGHUP');
    expect(await before.closed).toMatchObject({ code: 1001 });
    using after = await Client.open(url);
    after.send('still here');
    expect(await after.text()).toBe('still here');
  });

  it('that comes again exits at once, with 1', async () => {
    await using command = Command.run('serve', '--port', '0', '--threads', '1', '--drain', '600');
    using client = await Client.open(await command.listening());
    client.socket.pause(); // it does not answer the Close
    command.process.kill('SIGINT');
    await command.says('stderr', /draining/);
    command.process.kill('SIGINT');
    expect(await command.ended).toBe(1);
  });

  it('is obeyed within --drain seconds, whatever clients do', async () => {
    await using command = Command.run('serve', '--port', '0', '--threads', '1', '--drain', '0.3');
    using client = await Client.open(await command.listening());
    client.socket.pause();
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(0);
  });
});

describe('a mistake is answered in one line', () => {
  it.each([
    [['serve', '--frob']],
    [['serve', '--port', 'http']],
    [['serve', '--port', '65536']],
    [['serve', '--threads', '-1']],
    [['serve', '--threads', '5000']],
    [['serve', '--kernel', 'fast']],
    [['serve', '--arena', '64KiB']],
    [['serve', '--max-payload', 'huge']],
    [['serve', '--max-payload', '0']],
    [['serve', '--path', 'no-slash']],
    [['serve', '--drain', 'soon']],
    [['serve', './there-is-no-such-handler.js']],
    [['serve', 'echo', 'broadcast']],
    [['frob']],
  ])('%j: 2', async (args) => {
    await using command = Command.run(...args);
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(ONE_LINE);
    expect(command.stdout).toBe('');
  });

  it('a module that is no handler: 2', async () => {
    await using command = Command.run('serve', fileURLToPath(new URL('../../dist/protocol/close.js', import.meta.url)));
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(/must have a default export/);
  });

  it.each(['0', '1'])('a module that throws while it loads: 2, as --help says (threads: %s)', async (threads) => {
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
    const file = join(folder, 'broken.mjs');
    // In the primary it loads, unless the primary hosts connections itself.
    writeFileSync(
      file,
      `import { isMainThread } from 'node:worker_threads';
       if (${threads} === 0 || !isMainThread) throw new Error('on purpose');
       export default { message() {} };`,
    );
    await using command = Command.run('serve', file, '--port', '0', '--threads', threads);
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(/^wsloom: the handler module .*broken\.mjs does not load: Error: on purpose\n/);
    expect(command.stdout).toBe('');
    rmSync(folder, { recursive: true });
    await using help = Command.run('serve', '--help');
    expect(await help.ended).toBe(0);
    expect(help.stdout).toMatch(/2 wrong usage, or a handler that is not there or\s+does not load\.\n$/);
  });

  it('a port in use: 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { readonly port: number };
    await using command = Command.run('serve', '--port', String(port));
    expect(await command.ended).toBe(1);
    expect(command.stderr).toMatch(ONE_LINE);
    expect(command.stderr).toContain(`127.0.0.1:${port}`);
    taken.close();
  });

  it('an arena that does not fit the address space: 1', async () => {
    await using command = Command.runWithin(8_000_000, 'serve', '--port', '0');
    expect(await command.ended).toBe(1);
    expect(command.stderr).toMatch(ONE_LINE);
    expect(command.stderr).toContain('--arena');
  });
});

describe('help', () => {
  it('of serve names every flag, with its default', async () => {
    await using command = Command.run('serve', '--help');
    expect(await command.ended).toBe(0);
    for (const flag of [
      'host',
      'port',
      'threads',
      'kernel',
      'arena',
      'max-payload',
      'path',
      'drain',
      'help',
      'version',
    ]) {
      expect(command.stdout).toContain(`--${flag}`);
    }
    for (const value of ['127.0.0.1', '8080', '256MiB', '16MiB', 'auto']) expect(command.stdout).toContain(value);
  });

  it('and the version can be asked for', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    for (const args of [['--version'], ['serve', '--version']]) {
      await using command = Command.run(...args);
      expect(await command.ended).toBe(0);
      expect(command.stdout).toBe(`${version}\n`);
    }
    await using command = Command.run('--help');
    expect(await command.ended).toBe(0);
    expect(command.stdout).toContain('serve');
  });
});
