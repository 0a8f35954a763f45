import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import type { HostOptions } from '../../dist/host/host.js';
import { DEFAULT_BUS_LIMITS } from '../../dist/host/thread-publishing.js';
import { THRESHOLDS } from '../../dist/kernels/thresholds.js';
import type { OpeningOptions } from '../../dist/opening/opening.js';
import { descriptorOf } from '../../dist/system/descriptor.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { NO_LIMITS } from '../connection/thread.js';
import { encodeFrame, encodeRequest, Opcode, RawClient } from '../e2e/raw-client.js';

const MIB = 1024 * 1024;
/** More than all buffers of the kernel between the two ends of a connection. */
const LARGE_BYTES = 24 * MIB;

const HOST: HostOptions = {
  arenaBytes: 8 * MIB,
  kernel: 'auto',
  thresholds: THRESHOLDS,
  limits: NO_LIMITS,
  maxBufferedBytes: 2 ** 40,
  buffered: new SharedArrayBuffer(4),
  maxClosing: 100,
  bus: DEFAULT_BUS_LIMITS,
  poison: true,
};

const OPENING: OpeningOptions = {
  handshakeTimeoutMs: 60_000,
  maxHeaderBytes: 4096,
  maxHeaderCount: 20,
  stallTimeoutMs: 0,
  maxConnections: 100,
  maxConnectionsPerIp: 0,
  paths: undefined,
  allowedHosts: ['localhost'],
  allowedOrigins: ['https://page.example'],
  trustedProxies: [],
  proxyHeader: undefined,
};

/** What a thread tells of itself. */
interface Told {
  readonly opened: number;
  readonly open: number;
  readonly pending: number;
  readonly httpConnections: number;
  readonly stalls: number;
  readonly hookTimeouts: number;
  readonly refusedHosts: number;
  readonly refusedOrigins: number;
  readonly refusedHandshakes: number;
  readonly lines: readonly string[];
}

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A thread that opens and hosts connections by itself: see opening-thread.js. */
class OpeningThread {
  readonly #worker: Worker;
  readonly threadId: number;
  readonly port: number;

  private constructor(worker: Worker, threadId: number, port: number) {
    this.#worker = worker;
    this.threadId = threadId;
    this.port = port;
  }

  /** @param way how the thread comes to its sockets. */
  static async start(way: 'accepted' | 'given', options: Partial<OpeningOptions> = {}): Promise<OpeningThread> {
    const workerData = {
      host: HOST,
      opening: { ...OPENING, ...options },
      listens: way === 'accepted',
      largeBytes: LARGE_BYTES,
    };
    const worker = new Worker(new URL('./opening-thread.js', import.meta.url), {
      workerData,
      trackUnmanagedFds: false, // descriptors come from another thread
    });
    cleanups.push(async () => {
      worker.postMessage({ type: 'end' });
      await once(worker, 'exit');
    });
    const [threadId] = (await once(worker, 'message')) as [number];
    if (way === 'given') return new OpeningThread(worker, threadId, await acceptFor(worker));
    worker.postMessage({ type: 'listen' });
    const [port] = (await once(worker, 'message')) as [number];
    return new OpeningThread(worker, threadId, port);
  }

  async told(): Promise<Told> {
    this.#worker.postMessage({ type: 'tell' });
    const [told] = (await once(this.#worker, 'message')) as [Told];
    return told;
  }

  /** Resolves when the thread tells of what is waited for. */
  async until(isSo: (told: Told) => boolean): Promise<void> {
    while (!isSo(await this.told()));
  }

  /** The whole answer to a request that is refused, or no upgrade: the connection ends with it. */
  async answerTo(request: string | Buffer): Promise<string> {
    const client = await this.connect();
    client.write(request);
    let answer = '';
    for await (const read of client) answer += (read as Buffer).toString('latin1');
    return answer;
  }

  async connect(): Promise<Socket> {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => {}); // 'close' follows
    cleanups.push(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  }

  async client(): Promise<RawClient> {
    return new RawClient(await this.connect());
  }
}

/** Accepts connections in this thread, and gives them away untouched. @returns the port */
async function acceptFor(worker: Worker): Promise<number> {
  const calls = await loadSystemCalls();
  const server: Server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    const fd = calls.duplicate(descriptorOf(socket));
    socket.destroy();
    worker.postMessage({ type: 'take', fd });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const TEXT = (text: string) => encodeFrame(Opcode.TEXT, text);

describe.runIf(process.platform === 'linux').each(['accepted', 'given'] as const)(
  'a worker thread that opens connections itself, its sockets being %s,',
  (way) => {
    it('asks the hook, answers 101, and hosts the connection in the same thread', async () => {
      const thread = await OpeningThread.start(way);
      using client = await thread.client();
      client.socket.write(encodeRequest('/sync?a=b', ['Sec-WebSocket-Protocol: one, two']));
      const response = await client.response;
      expect(response).toMatch(/^HTTP\/1\.1 101 /);
      expect(response).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
      expect(response).toContain('Sec-WebSocket-Protocol: one\r\n');
      expect(response).toContain(`X-Thread: ${thread.threadId}\r\n`);
      expect(JSON.parse(String((await client.next()).payload))).toEqual({ threadId: thread.threadId });
      client.text('an echo');
      expect(String((await client.next()).payload)).toBe('an echo');
      expect(await thread.told()).toMatchObject({ opened: 1, open: 1, pending: 0, httpConnections: 0 });
    });

    it('waits for an asynchronous hook', async () => {
      const thread = await OpeningThread.start(way);
      using client = await thread.client();
      client.socket.write(encodeRequest('/later'));
      expect(await client.response).toContain(`X-Thread: ${thread.threadId}\r\n`);
      expect(JSON.parse(String((await client.next()).payload))).toEqual({ threadId: thread.threadId });
      client.text('an echo');
      expect(String((await client.next()).payload)).toBe('an echo');
    });

    it('sends the refusals of the hook, and 500 where it fails', async () => {
      const thread = await OpeningThread.start(way);
      const refused = await thread.answerTo(encodeRequest('/refused'));
      expect(refused).toMatch(/^HTTP\/1\.1 418 /);
      expect(refused).toContain('X-Why: tea\r\n');
      expect(refused.endsWith('\r\n\r\na teapot\n')).toBe(true);
      expect(await thread.answerTo(encodeRequest('/later/refused'))).toMatch(/^HTTP\/1\.1 401 /);
      expect(await thread.answerTo(encodeRequest('/throws'))).toMatch(/^HTTP\/1\.1 500 /);
      expect(await thread.answerTo(encodeRequest('/later/throws'))).toMatch(/^HTTP\/1\.1 500 /);
      const { lines, opened, pending, httpConnections } = await thread.told();
      expect(lines.filter((line) => line.includes('upgrade() of the handler failed'))).toHaveLength(2);
      expect([opened, pending, httpConnections]).toEqual([0, 0, 0]);
    });

    it('refuses a foreign Host and a foreign Origin by the lists that were posted to it', async () => {
      const thread = await OpeningThread.start(way);
      const host = encodeRequest('/sync').replace('Host: localhost', 'Host: foreign.example');
      expect(await thread.answerTo(host)).toMatch(/^HTTP\/1\.1 403 [\s\S]*--allow-host/);
      const origin = encodeRequest('/sync', ['Origin: https://localhost']);
      expect(await thread.answerTo(origin)).toMatch(/^HTTP\/1\.1 403 [\s\S]*--allow-origin/);
      using client = await thread.client();
      client.socket.write(encodeRequest('/sync', ['Origin: https://page.example']));
      expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
      expect(await thread.told()).toMatchObject({ refusedHosts: 1, refusedOrigins: 1, opened: 1 });
    });

    it('refuses what is malformed, too large, or above the limit of connections', async () => {
      const thread = await OpeningThread.start(way, { maxConnections: 1 });
      const version = encodeRequest('/sync').replace('Version: 13', 'Version: 8');
      expect(await thread.answerTo(version)).toMatch(/^HTTP\/1\.1 426 /);
      const many = Array.from({ length: 20 }, (_, i) => `X-${i}: 1`);
      expect(await thread.answerTo(encodeRequest('/sync', many))).toMatch(/^HTTP\/1\.1 431 /);
      const long = encodeRequest('/sync', [`X: ${'x'.repeat(5000)}`]);
      expect(await thread.answerTo(long)).toMatch(/^HTTP\/1\.1 431 /);
      expect(await thread.answerTo('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
      expect(await thread.told()).toMatchObject({ refusedHandshakes: 4, opened: 0 });
      using client = await thread.client();
      client.socket.write(encodeRequest('/sync'));
      expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
      expect(await thread.answerTo(encodeRequest('/sync'))).toMatch(/^HTTP\/1\.1 503 [\s\S]*maxConnections/);
    });

    it.each(['/sync', '/later'])('loses no byte that comes behind the request, on %s', async (path) => {
      const thread = await OpeningThread.start(way);
      using client = await thread.client();
      const frames = [TEXT('first'), TEXT('second'), TEXT('third')];
      client.socket.write(
        Buffer.concat([Buffer.from(encodeRequest(path)), ...frames.slice(0, 2), TEXT('third').subarray(0, 4)]),
      );
      client.socket.write(TEXT('third').subarray(4));
      expect(await client.response).toMatch(/^HTTP\/1\.1 101 /);
      const [, ...echoes] = [await client.next(), await client.next(), await client.next(), await client.next()];
      expect(echoes.map(({ payload }) => String(payload))).toEqual(['first', 'second', 'third']);
    });

    it('answers ordinary requests, and an upgrade behind them in its turn', async () => {
      const thread = await OpeningThread.start(way);
      const ordinary = 'GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n';
      const client = await thread.connect();
      client.write(ordinary + encodeRequest('/sync') + TEXT('behind').toString('latin1'), 'latin1');
      let answers = '';
      for await (const read of client) {
        answers += (read as Buffer).toString('latin1');
        if (answers.endsWith('behind')) break;
      }
      expect(answers).toMatch(/^HTTP\/1\.1 200 /);
      expect(answers).toContain(`thread ${thread.threadId}\nHTTP/1.1 101 `);
    });

    it('hosts a connection when the kernel has all of a 101 that it did not take at once', async () => {
      const thread = await OpeningThread.start(way);
      const client = await thread.connect(); // reads nothing for now
      client.write(encodeRequest('/large'));
      client.write(TEXT('written before the answer was there'));
      await thread.until(({ pending }) => pending === 1);
      expect(await thread.told()).toMatchObject({ opened: 0, open: 0 });
      const echo = 'written before the answer was there';
      let head = '';
      let length = 0;
      let tail = Buffer.alloc(0);
      for await (const read of client as AsyncIterable<Buffer>) {
        if (length === 0) head = read.toString('latin1', 0, 100);
        length += read.length;
        tail = Buffer.concat([tail, read]).subarray(-(echo.length + 2 + 4));
        if (tail.toString('latin1').endsWith(echo)) break;
      }
      expect(head).toMatch(/^HTTP\/1\.1 101 /);
      expect(length).toBeGreaterThan(LARGE_BYTES);
      expect(tail.toString('latin1', 0, 4)).toBe('\r\n\r\n');
      expect(await thread.told()).toMatchObject({ opened: 1, pending: 0, stalls: 0 });
    });

    it('gives a client up that does not take its 101 in time, and a hook that does not decide', async () => {
      const thread = await OpeningThread.start(way, { handshakeTimeoutMs: 400 });
      const client = await thread.connect(); // reads nothing
      const closed = once(client, 'close');
      client.write(encodeRequest('/large'));
      await thread.until(({ stalls }) => stalls === 1);
      client.resume();
      await closed;
      expect(await thread.answerTo(encodeRequest('/never'))).toMatch(/^HTTP\/1\.1 503 [\s\S]*took too long to decide/);
      expect(await thread.told()).toMatchObject({ opened: 0, pending: 0, stalls: 1, hookTimeouts: 1 });
    });
  },
);

describe('a worker thread that listens itself', () => {
  it('answers 408 to half a request, and ends what says nothing', async () => {
    const thread = await OpeningThread.start('accepted', { handshakeTimeoutMs: 200 });
    expect(await thread.answerTo('GET /sync HTTP/1.1\r\nHost: local')).toMatch(/^HTTP\/1\.1 408 /);
    await thread.answerTo('');
    await thread.until(({ httpConnections }) => httpConnections === 0);
  });
});
