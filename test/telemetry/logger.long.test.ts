import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { describe, expect, it, onTestFinished } from 'vitest';
import { guardLogger, type Logger } from '../../dist/telemetry/logger.js';
import { DescriptorSink } from '../../dist/telemetry/standard-error.js';
import { RecordingLog } from '../e2e/serving.js';
import { openTerminal } from './terminal.js';

const DIST = new URL('../../dist/', import.meta.url);

/** A server made in code, which logs to standard error and prints its port. On SIGTERM it closes, and exits with 0. */
const SERVER = `
  import { createServer } from '${new URL('index.js', DIST)}';
  const server = createServer({ handler: '${new URL('handlers/echo.js', DIST)}', threads: 0, kernel: 'js' });
  const { port } = await server.listen({ port: 0 });
  console.log(port);
  process.on('SIGTERM', () => server.close());
`;

/** The same in a worker thread of an application. */
const SERVER_IN_A_WORKER = `
  import { Worker } from 'node:worker_threads';
  const source = ${JSON.stringify(SERVER.replace("process.on('SIGTERM'", "(await import('node:worker_threads')).parentPort.once('message'"))};
  const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
  process.on('SIGTERM', () => worker.postMessage('close'));
`;

function run(source: string, stderr: 'pipe' | number, stdin: 'pipe' | 'ignore' = 'ignore'): ChildProcess {
  const stdio: StdioOptions = [stdin, 'pipe', stderr];
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child;
}

async function printed(child: ChildProcess): Promise<string> {
  const [bytes] = await Promise.race([
    once(child.stdout as NodeJS.ReadableStream, 'data'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`it has ended with ${code}`))),
  ]);
  return String(bytes).trim();
}

/** Sends one of two requests that are refused for different reasons, so that each is a line at once. */
async function beRefused(port: number, reason: 'key' | 'version'): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const head = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  socket.write(`${head}Sec-WebSocket-Version: ${reason === 'key' ? 13 : 12}\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 4\d\d /);
  socket.destroy();
}

async function expectToServe(child: ChildProcess, port: number): Promise<void> {
  for (const reason of ['key', 'version'] as const) await beRefused(port, reason);
  for (let i = 0; i < 2; i++) {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect(response.status).toBe(200);
    await response.text();
  }
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
}

describe.each([
  ['a program', SERVER],
  ['a worker thread of a program', SERVER_IN_A_WORKER],
])('a server made in the code of %s goes on', (_, source) => {
  it('when nobody reads its standard error any more', async () => {
    const child = run(source, 'pipe');
    child.stderr?.destroy();
    await expectToServe(child, Number(await printed(child)));
  });

  it('when the disk of its log is full', async () => {
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    const child = run(source, full);
    await expectToServe(child, Number(await printed(child)));
  });

  it('when its terminal is stopped, and reports the incidents when the terminal goes on', async () => {
    const terminal = openTerminal();
    terminal.stop();
    const child = run(source, terminal.fd);
    const port = Number(await printed(child));
    for (const reason of ['key', 'version'] as const) await beRefused(port, reason);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    terminal.goOn();
    const output = terminal.read();
    await expectToServe(child, port);
    expect(output).toMatch(
      /^wsloom: info: 127\.0\.0\.1: refused: malformed request or opening handshake: .*Sec-WebSocket-Key/,
    );
  });
});

describe('a server whose logger is the console', () => {
  it('goes on when nobody reads what its logger, the console, writes', async () => {
    const child = run(SERVER.replace("kernel: 'js'", "kernel: 'js', log: console"), 'pipe');
    const port = Number(await printed(child));
    child.stdout?.destroy();
    child.stderr?.destroy();
    await expectToServe(child, port);
  });
});

describe('the console as a logger', () => {
  it('may have lost the readers of both its streams', async () => {
    const child = run(
      `import { guardLogger } from '${new URL('telemetry/logger.js', DIST)}';
      const log = guardLogger(console);
      console.log('begun');
      let times = 0;
      process.stdin.on('end', () => {
        setInterval(() => {
          for (const level of ['info', 'warn', 'error']) log[level](level);
          if (++times === 5) process.exit(7);
        }, 1);
      }).resume();`,
      'pipe',
      'pipe',
    );
    await printed(child);
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.stdin?.end();
    expect(await once(child, 'exit')).toEqual([7, null]);
  });
});

describe('standard error', () => {
  it('is given the reports, with their level', async () => {
    const child = run(`${LOGGER} log.info('a'); log.warn('b'); log.error('c');`, 'pipe');
    let output = '';
    child.stderr?.on('data', (bytes) => (output += bytes));
    await once(child, 'close');
    expect(output).toBe('wsloom: info: a\nwsloom: warning: b\nwsloom: error: c\n');
  });

  it('without a reader keeps a bounded part, and later reports how much was dropped', async () => {
    const child = run(
      `${LOGGER} import { setTimeout as wait } from 'node:timers/promises';
      for (let i = 0; i < 5000; i++) log.info(i + ' ' + 'x'.repeat(1000));
      console.log(process.stderr.writableLength);
      while (process.stderr.writableLength > 0) await wait(5);
      while (process.stderr.listenerCount('error') > 0) await wait(5);
      log.info('last');
      log.info('end');`,
      'pipe',
    );
    const queued = Number(await printed(child));
    expect(queued).toBeGreaterThan(64 * 1024);
    expect(queued).toBeLessThan(70 * 1024);
    let output = '';
    child.stderr?.on('data', (bytes) => (output += bytes));
    await once(child, 'close');
    const [, dropped] =
      /^wsloom: warning: (\d+) reports were dropped: nobody read them\nwsloom: info: last\nwsloom: info: end\n$/m.exec(
        output,
      ) ?? [];
    expect(output.match(/x{1000}\n/g)).toHaveLength(5000 - Number(dropped));
  });

  it('may lose its reader while much waits for it', async () => {
    const child = run(
      `${LOGGER} for (let i = 0; i < 1000; i++) log.info('x'.repeat(1000));
      console.log(process.stderr.writableLength);
      setInterval(() => {
        if (process.stderr.writableLength === 0) process.exit(7); // it has noticed
      }, 5);`,
      'pipe',
    );
    expect(Number(await printed(child))).toBeGreaterThan(0);
    child.stderr?.destroy();
    expect(await once(child, 'exit')).toEqual([7, null]);
  });

  it('keeps the errors of an application for the application', async () => {
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    const child = run(
      `${LOGGER} for (let i = 0; i < 20; i++) log.info('ours');
      setTimeout(() => {
        process.on('uncaughtException', ({ code }) => console.log(code, process.stderr.listenerCount('error')));
        process.stderr.write('theirs');
      }, 20);`,
      full,
    );
    expect(await printed(child)).toBe('ENOSPC 0');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

describe('a descriptor that does not wait', () => {
  it('gets as much as it takes, and later the rest, in order', async () => {
    const { read, write } = openPipe();
    const sink = new DescriptorSink(write);
    const lines = Array.from({ length: 300 }, (_, i) => `${i} ${'x'.repeat(1000)}\n`);
    for (const line of lines) sink.write(line);
    expect(sink.queuedBytes).toBeGreaterThan(100_000);
    const buffer = Buffer.alloc(1024 * 1024);
    let output = '';
    while (output.length < lines.join('').length) {
      try {
        output += buffer.toString('latin1', 0, readSync(read, buffer));
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    expect(output).toBe(lines.join(''));
    expect(sink.queuedBytes).toBe(0);
  });

  it('whose reader goes loses the waiting lines', () => {
    const { read, write } = openPipe();
    const sink = new DescriptorSink(write);
    for (let i = 0; i < 100; i++) sink.write('x'.repeat(1000));
    expect(sink.queuedBytes).toBeGreaterThan(0);
    closeSync(read);
    sink.write('x');
    expect(sink.queuedBytes).toBe(0);
  });
});

describe('a logger of the application', () => {
  const failures: [string, Logger[keyof Logger]][] = [
    [
      'throws',
      () => {
        throw new Error('no disk');
      },
    ],
    ['rejects', (async () => Promise.reject(new Error('no disk'))) as Logger['info']],
    [
      'returns what throws when it is waited for',
      () =>
        // biome-ignore lint/suspicious/noThenProperty: it is what is tested
        ({ then: () => failWith('no disk') }) as unknown as undefined,
    ],
  ];
  it.each(failures)('that %s is reported once, and its lines go elsewhere', async (_, method) => {
    const fallback = new RecordingLog();
    const log = guardLogger({ info: method, warn: method, error: method }, fallback);
    log.info('first');
    log.error('second');
    await new Promise((resolve) => setImmediate(resolve));
    const [report, ...lines] = fallback.lines;
    expect(report).toMatch(/^warn: info\(\) of the option log failed, .*: Error: no disk\n +at /);
    expect(lines).toEqual(['info: first', 'error: second']);
  });

  it('is called as a method, and may return anything', () => {
    class Counting {
      lines = 0;
      info = () => new Promise(() => {});
      warn() {
        return ++this.lines;
      }
      error() {
        this.lines++;
        return null;
      }
    }
    const counting = new Counting();
    const fallback = new RecordingLog();
    const log = guardLogger(counting as unknown as Logger, fallback);
    for (const level of ['info', 'warn', 'error'] as const) log[level]('line');
    expect(counting.lines).toBe(2);
    expect(fallback.lines).toEqual([]);
  });
});

const LOGGER = `import { stderrLogger as log } from '${new URL('telemetry/logger.js', DIST)}';`;

function failWith(message: string): never {
  throw new Error(message);
}

/** A pipe whose ends do not wait. */
function openPipe(): { readonly read: number; readonly write: number } {
  const folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'pipe');
  const mkfifo = koffi.load(null).func('int mkfifo(const char *path, uint32_t mode)');
  expect(mkfifo(path, 0o600)).toBe(0);
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { read, write: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) };
}
