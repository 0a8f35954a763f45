import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { builtIn, serve } from '../e2e/serving.js';
import { echo, wsServer } from '../load/server.js';
import { freePort } from '../ports.js';
import { Command } from './command.js';

const ONE_LINE = /^[^\n]+\n$/;

function fileOf(contents: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'message');
  writeFileSync(file, contents);
  return file;
}

describe('wsloom load', () => {
  it('prints a table', async () => {
    await using served = await serve({ handler: builtIn('echo') });
    await using command = Command.run('load', served.url, '-c', '4', '-p', '3', '-a', '500', '-T', 'a title');
    expect(await command.ended).toBe(0);
    const lines = command.stdout.split('\n');
    expect(lines[0]).toBe('a title');
    expect(lines[1]).toMatch(/^echo at ws:\S+: 4 connections, 32 bytes of text, 3 in flight, \d+\.\d\d s, 1 thread$/);
    expect(command.stdout).toMatch(/^ {2}messages\/s +[\d,]+ \(500 in all\)$/m);
    expect(command.stdout).toMatch(/^ {2}latency, ms( +\d+\.\d{3}){6}$/m);
    expect(command.stdout).toMatch(/^ {2}connections +4 opened, 0 failed, 0 lost$/m);
    expect(command.stdout).toMatch(/^ {2}closed with +4 × 1000$/m);
    expect(command.stdout).toMatch(/^ {2}errors +none$/m);
    expect(command.stderr).not.toContain('\r'); // no terminal, no progress
  });

  it('prints one JSON object, with the options used', async () => {
    const { url } = await wsServer(echo);
    const flags = [
      '-c',
      '2',
      '-p',
      '5',
      '-a',
      '50',
      '--size',
      '1KiB',
      '--binary',
      '--warmup',
      '0.01',
      '-w',
      '2',
      '-j',
      '-n',
    ];
    await using command = Command.run('load', url, ...flags);
    expect(await command.ended).toBe(0);
    expect(command.stdout).toMatch(ONE_LINE);
    expect(JSON.parse(command.stdout)).toMatchObject({
      url,
      mode: 'echo',
      options: { connections: 2, inFlight: 5, amount: 50, sizeBytes: 1024, isBinary: true, warmUpMs: 10, workers: 2 },
      messages: { average: expect.any(Number), total: 50 },
      throughput: { average: expect.any(Number), total: 50 * 1024 },
      latency: {
        p50: expect.any(Number),
        p90: expect.any(Number),
        p99: expect.any(Number),
        p99_9: expect.any(Number),
        max: expect.any(Number),
      },
      errors: 0,
      timeouts: 0,
      closes: { 1000: 2 },
      client: { utilization: expect.any(Number), microsPerMessage: expect.any(Number) },
    });
  });

  it('sends the contents of a file, headers and subprotocols', async () => {
    const heard: string[] = [];
    const { url, server } = await wsServer((socket, bytes, isBinary) => {
      heard.push(String(bytes));
      echo(socket, bytes, isBinary);
    });
    server.on('connection', (socket, { headers }) => {
      heard.push(socket.protocol, String(headers['x-one']), String(headers['x-two']));
    });
    const flags = [
      '--message',
      fileOf('from a file'),
      '-H',
      'X-One: 1',
      '--header',
      'X-Two=2',
      '--subprotocol',
      'chat',
    ];
    await using command = Command.run('load', url, '-c', '1', '-a', '1', ...flags);
    expect(await command.ended).toBe(0);
    expect(heard).toEqual(['chat', '1', '2', 'from a file']);
  });

  it.each([
    ['broadcast', ['-c', '3', '-a', '10'], /messages\/s +[\d,]+ \(30 in all\)/],
    ['connect', ['-c', '3', '-a', '10'], /connections +10 opened, 0 failed, 0 lost/],
    ['idle', ['-c', '3', '-d', '0.05'], /connections +3 opened, 0 failed, 0 lost/],
  ])('knows the mode %s', async (mode, flags, says) => {
    await using served = await serve({ handler: builtIn('broadcast') });
    await using command = Command.run('load', served.url, '--mode', mode, ...flags);
    expect(await command.ended).toBe(0);
    expect(command.stdout).toMatch(says);
  });

  it('prints the figures so far when it is interrupted', async () => {
    let begun = () => {};
    const first = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const { url } = await wsServer((socket, bytes, isBinary) => {
      begun();
      echo(socket, bytes, isBinary);
    });
    await using command = Command.run('load', url, '-c', '2', '-d', '600', '--warmup', '0', '-j');
    await first;
    command.process.kill('SIGINT');
    expect(await command.ended).toBe(0);
    expect(JSON.parse(command.stdout)).toMatchObject({ errors: 0, closes: { 1000: 2 }, connections: { opened: 2 } });
  });

  it('exits with 1 and prints the errors', async () => {
    const port = await freePort();
    await using command = Command.run('load', `ws://127.0.0.1:${port}/`, '-c', '2', '-d', '1');
    expect(await command.ended).toBe(1);
    expect(command.stdout).toBe('');
    expect(command.stderr).toBe(
      'wsloom: nothing was measured, no connection could be opened\n' +
        'wsloom: 2 × connect: ECONNREFUSED: nobody listens there: is the server running, and is the port right?\n',
    );
  });

  it('prints the figures and the errors', async () => {
    let connections = 0;
    const { url, server } = await wsServer(echo);
    server.shouldHandle = () => ++connections > 1;
    await using command = Command.run('load', url, '-c', '3', '-a', '100');
    expect(await command.ended).toBe(1);
    expect(command.stdout).toMatch(/^ {2}messages\/s +[\d,]+ \(100 in all\)$/m);
    expect(command.stdout).toMatch(/^ {2}errors +1 × handshake: WSLOOM_RESPONSE_STATUS \(400\)$/m);
    expect(command.stderr).toMatch(
      /^wsloom: 1 × handshake: .*HTTP 400 instead of 101: it did not understand the request: if the port speaks TLS, use wss:\/\/\n(wsloom: the client was the bottleneck: .*\n)?$/,
    );
  });

  it('prints the object also when nothing was measured', async () => {
    await using command = Command.run('load', `ws://127.0.0.1:${await freePort()}/`, '-c', '2', '-j');
    expect(await command.ended).toBe(1);
    expect(JSON.parse(command.stdout)).toMatchObject({ errorsByKind: { 'connect: ECONNREFUSED': 2 } });
    expect(command.stderr).toContain('nobody listens there');
  });
});

describe('a mistake is answered in one line', () => {
  const url = 'ws://127.0.0.1:8080/';
  it.each([
    [[], /missing required argument 'url'/],
    [['nowhere'], /the URL must be like ws:\/\/host:port\/path, got "nowhere"/],
    [
      ['http://127.0.0.1/'],
      /the URL must begin with ws:\/\/, wss:\/\/, ws\+unix: or wss\+unix:, .*; did you mean "ws:\/\/127\.0\.0\.1\/"/,
    ],
    [['127.0.0.1:8080'], /the URL must be like ws:\/\/host:port\/path, .*; did you mean "ws:\/\/127\.0\.0\.1:8080"/],
    [[url, '-c', '0'], /--connections must be an integer from 1 to 1000000, got 0/],
    [[url, '-c', 'many'], /-c, --connections .*must be a whole number/],
    [[url, '-p', '100000'], /--pipelining must be an integer from 1 to 10000/],
    [[url, '-d', 'long'], /--duration .*number of seconds/],
    [[url, '-d', '0'], /--duration must be from 0\.001 to 2147483\.647 seconds, got 0\n$/],
    [[url, '-t', '0'], /--timeout must be from 0\.001 to 2147483\.647 seconds, got 0\n$/],
    [[url, '--size', '1GiB'], /--size must be from 0 to 64MiB, got 1GiB\n$/],
    [[url, '-w', '0'], /--workers must be/],
    [[url, '-R', '0'], /--overall-rate must be/],
    [[url, '--size', 'huge'], /--size .*It must be a size/],
    [[url, '--message', '/there/is/no/such/file'], /--message must be a file that can be read: ENOENT/],
    [[url, '--message', '/dev/zero'], /--message must be a file of at most 256 MiB/],
    [[url, '--size', '5', '--message', 'x'], /--size .*cannot be used with .*--message/],
    [[url, '--text', '--binary'], /--text.* cannot be used with .*--binary/],
    [[url, '--mode', 'flood'], /--mode .*echo, broadcast, connect, idle/],
    [[url, '--mode', 'broadcast', '-w', '2'], /--workers must be 1 in the mode broadcast/],
    [[url, '--expect', 'much'], /--expect .*echo, none/],
    [[url, '-H', 'no value'], /--header .*It must be like 'Name: value'/],
    [[url, '-H', 'Host: x'], /--header must not contain Host/],
    [[url, '--subprotocol', 'a b'], /--subprotocol must be tokens/],
    [[url, '--frob'], /unknown option '--frob'/],
  ])('%j: 2', async (args, says) => {
    await using command = Command.run('load', ...args);
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(ONE_LINE);
    expect(command.stderr).toMatch(says);
    expect(command.stdout).toBe('');
  });

  it('binary contents sent as text: 2', async () => {
    await using command = Command.run('load', url, '--message', fileOf(Buffer.from([0xff])));
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(/--message must be UTF-8 to be sent as text: send it as binary/);
  });
});

describe('help', () => {
  it('of load names every flag, with its default', async () => {
    await using command = Command.run('load', '--help');
    expect(await command.ended).toBe(0);
    const short = ['-c', '-p', '-d', '-a', '-w', '-R', '-t', '-H', '-T', '-j', '-n'].map((flag) => `${flag}, --`);
    const long = ['warmup', 'size', 'message', 'text', 'binary', 'mode', 'expect', 'subprotocol', 'insecure'];
    for (const flag of [...short, ...long.map((name) => `--${name}`)]) expect(command.stdout).toContain(flag);
    for (const mode of ['echo', 'broadcast', 'connect', 'idle'])
      expect(command.stdout).toMatch(new RegExp(`^ +${mode} `, 'm'));
    expect(command.stdout).toContain('Exit codes:');
  });
});
