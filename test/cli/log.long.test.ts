import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Client } from '../e2e/client.js';
import { openTerminal } from '../telemetry/terminal.js';
import { CLI, Command } from './command.js';

const HANDLER = fileURLToPath(new URL('../e2e/handlers/commands.js', import.meta.url));
const JSON_LINES = ['--log-format', 'json'];

interface Report {
  readonly time: string;
  readonly dropped?: number;
}

/** What standard error has, of which each line must be JSON. */
function reportsOf({ stderr }: Command): Report[] {
  expect(stderr.endsWith('\n')).toBe(true);
  return stderr
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('standard error of wsloom serve --log-format json', () => {
  it('is JSON, a line for each hook that fails, signal and reload', async () => {
    await using command = Command.run('serve', HANDLER, '--port', '0', '--threads', '1', ...JSON_LINES);
    using client = await Client.open(await command.listening());
    client.run(['fail', 'on purpose']);
    await command.says('stderr', /on purpose.*\n/);
    command.process.kill('SIGHUP');
    await command.says('stderr', /the handler is loaded again.*\n/);
    command.process.kill('SIGUSR2');
    await command.says('stderr', /no certificates.*\n/);
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(0);
    const reports = reportsOf(command);
    for (const { time } of reports) expect(new Date(time).toISOString()).toBe(time);
    expect(reports).toMatchObject([
      {
        level: 'error',
        msg: 'message() of the handler failed, connection 1: Error: on purpose',
        stack: expect.stringMatching(/^ +at .*commands\.js:\d+/),
      },
      { level: 'info', msg: 'SIGHUP: loading the handler again', signal: 'SIGHUP' },
      { level: 'info', msg: 'the handler is loaded again; old threads drain' },
      { level: 'warn', signal: 'SIGUSR2' },
      { level: 'info', msg: expect.stringMatching(/^SIGTERM: draining/), signal: 'SIGTERM' },
    ]);
  });

  it('is JSON for what the admin port and a slow end say, too', async () => {
    const slow = ['--admin-port', '0', '--shutdown-delay', '0.1', '--drain-spread', '0.1'];
    await using command = Command.run('serve', '--port', '0', '--threads', '0', ...slow, ...JSON_LINES);
    using client = await Client.open(await command.listening());
    command.process.kill('SIGTERM');
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(await command.ended).toBe(0);
    expect(reportsOf(command)).toMatchObject([
      { level: 'info', msg: expect.stringMatching(/^admin: listening on http:\/\/127\.0\.0\.1:\d+$/) },
      { level: 'info', msg: expect.stringMatching(/^SIGTERM: serving for another 0\.1 s, then/), signal: 'SIGTERM' },
      { level: 'info', msg: expect.stringMatching(/^close: .* goes on serving for 100 ms/) },
      { level: 'info', msg: expect.stringMatching(/^close: connections are closed one after the other/) },
    ]);
  });

  it.each([
    [['--prot', '0'], /unknown option '--prot'; did you mean: --port/, {}],
    [['nowhere.js'], /there is no handler nowhere\.js/, { code: 'WSLOOM_CONFIG' }],
    [['--port', '0', '--arena', '1KiB'], /--arena must be from/, { code: 'WSLOOM_CONFIG' }],
  ])('says why it does not start with %j, also at the level off', async (args, says, fields) => {
    await using command = Command.run('serve', ...args, '--log-level', 'off', ...JSON_LINES);
    expect(await command.ended).toBe(2);
    expect(reportsOf(command)).toMatchObject([{ level: 'error', msg: expect.stringMatching(says), ...fields }]);
    expect(command.stdout).toBe('');
  });

  it('has nothing of a signal at the level error', async () => {
    await using command = Command.run('serve', '--port', '0', '--threads', '0', '--log-level', 'error', ...JSON_LINES);
    expect(await command.listening()).toMatch(/^ws:/);
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(0);
    expect(command.stderr).toBe('');
  });
});

describe('the log as JSON', () => {
  it('says as JSON how many reports were dropped, when nobody has read them', async () => {
    const program = `import { ServeLog } from '${new URL('../../dist/cli/serve-log.js', import.meta.url)}';
      import { setTimeout as wait } from 'node:timers/promises';
      const log = new ServeLog({ format: 'json', least: 'info', hasColours: false });
      for (let i = 0; i < 5000; i++) log.info('x'.repeat(1000));
      console.log('full');
      while (process.stderr.writableLength > 0) await wait(5);
      log.info('last');`;
    await using command = new Command(process.execPath, ['--input-type=module', '--eval', program]);
    command.process.stderr.pause();
    await command.says('stdout', /full/);
    command.process.stderr.resume();
    expect(await command.ended).toBe(0);
    const reports = reportsOf(command);
    const [notice, last] = reports.slice(-2);
    expect(last).toMatchObject({ level: 'info', msg: 'last' });
    expect(notice).toMatchObject({ level: 'warn', msg: expect.stringMatching(/^\d+ reports were dropped/) });
    expect(Number(notice?.dropped) + reports.length).toBe(5002);
  });
});

describe('standard error of wsloom serve', () => {
  it('that is no terminal is JSON, unless text is asked for', async () => {
    await using command = new Command(process.execPath, usual());
    await command.listening();
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(0);
    expect(reportsOf(command)).toMatchObject([{ level: 'info', signal: 'SIGTERM' }]);
  });

  it('as text has colours where they are forced', async () => {
    const args = ['FORCE_COLOR=1', process.execPath, ...usual(), '--log-format', 'text'];
    await using command = new Command('env', args);
    await command.listening();
    command.process.kill('SIGTERM');
    expect(await command.ended).toBe(0);
    expect(command.stderr.startsWith('\x1b[2mwsloom:\x1b[22m SIGTERM: draining')).toBe(true);
  });
});

describe('a terminal', () => {
  it.each([
    [{}, '\x1b[2mwsloom:\x1b[22m SIGTERM: draining'],
    [{ NO_COLOR: '1' }, 'wsloom: SIGTERM: draining'],
    [{ TERM: 'dumb' }, 'wsloom: SIGTERM: draining'],
  ])('is given text, with %j in the environment', async (variables, says) => {
    const terminal = openTerminal();
    const { FORCE_COLOR: _forced, NO_COLOR: _none, ...rest } = process.env;
    const env = { ...rest, TERM: 'xterm', ...variables };
    const child = spawn(process.execPath, usual(), { env, stdio: ['ignore', 'pipe', terminal.fd] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(terminal.read().startsWith(says)).toBe(true);
  });
});

/** The command line by another path than {@link Command} knows it by, which therefore does not ask for text. */
function usual(): string[] {
  return [CLI.replace('/cli.js', '/./cli.js'), 'serve', '--port', '0', '--threads', '0'];
}
