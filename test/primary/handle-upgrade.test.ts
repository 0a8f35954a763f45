import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createServer, type ServerOptions } from '../../dist/index.js';
import { Client, refusal } from '../e2e/client.js';
import { duplexPair } from '../e2e/duplex-pair.js';
import { expectBytes, pattern, textPattern } from '../e2e/pattern.js';
import { encodeFrame, encodeRequest, FrameParser, Opcode, RawClient } from '../e2e/raw-client.js';
import { builtIn, decideUpgrades, handler, RecordingLog, Reports, until } from '../e2e/serving.js';
import { eachWay, onlyOnce } from '../e2e/thread-counts.js';
import { openDescriptors } from '../hostile/attack.js';

const SIZES = [0, 1, 125, 126, 65_535, 65_536, 262_143, 262_145, 1_000_000, 5_000_000];

/** A server of wsloom behind an HTTP server of one's own. */
class Behind implements AsyncDisposable {
  readonly http: HttpServer;
  readonly server: ReturnType<typeof createServer>;
  readonly log = new RecordingLog();
  /** The sockets of upgrades, as they come. */
  readonly sockets: Duplex[] = [];

  constructor(http: HttpServer, options: ServerOptions) {
    this.http = http;
    this.server = createServer({ poison: true, arenaBytes: 64 * 1024 * 1024, log: this.log, ...options });
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.sockets.push(socket);
      this.server.handleUpgrade(request, socket, head);
    });
  }

  async start(): Promise<number> {
    await this.server.start();
    await new Promise<void>((resolve) => this.http.listen(0, '127.0.0.1', resolve));
    return (this.http.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close({ drainMs: 0 });
    if (!this.http.listening) return;
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }
}

describe.each(eachWay(2))("behind a user's own HTTP server, with threads: %i", (threads) => {
  it('connections go where they go otherwise, and ordinary requests stay with the application', async () => {
    const http = createHttpServer((_, response) => response.end('the application'));
    await using behind = new Behind(http, { handler: builtIn('echo'), threads, path: '/ws' });
    const port = await behind.start();
    using client = await Client.open(`ws://127.0.0.1:${port}/ws`);
    for (const size of SIZES) {
      client.send(pattern(size, size));
      expectBytes((await client.next()).bytes, pattern(size, size));
    }
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('the application');
    expect(await refusal(`ws://127.0.0.1:${port}/elsewhere`)).toMatchObject({ status: 404 });
    const hosted = behind.server.stats().threads.reduce((sum, { connections }) => sum + connections, 0);
    expect(hosted).toBe(threads === 0 ? 0 : 1);
    await behind.server.close();
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(await refusal(`ws://127.0.0.1:${port}/ws`)).toMatchObject({ status: 503 });
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('the application');
  });
});

it.each(onlyOnce)(
  'arguments that are not those of an upgrade are an error of the caller, and cost nothing',
  async () => {
    const http = createHttpServer();
    await using behind = new Behind(http, { handler: builtIn('echo'), threads: 1 });
    http.removeAllListeners('upgrade');
    const errors: unknown[] = [];
    http.on('upgrade', (request, socket, head) => {
      for (const wrong of [[request, socket], [socket, request, head], [], [request, undefined, head]]) {
        try {
          behind.server.handleUpgrade(...(wrong as unknown as [IncomingMessage, Duplex, Buffer]));
        } catch (error) {
          errors.push(error);
        }
      }
      socket.destroy();
    });
    const port = await behind.start();
    const attempt = async () => {
      using client = await RawClient.upgrading(port);
      await Promise.race([client.ended, client.closed]);
    };
    await attempt(); // what is opened for the first of all
    const before = openDescriptors();
    for (let i = 0; i < 3; i++) await attempt();
    expect(errors).toEqual(Array(16).fill(expect.any(TypeError)));
    await until(() => openDescriptors() <= before);
    expect(behind.log.lines).toEqual([]);
  },
);

it.each(onlyOnce)(
  'a client that does not take the 101 within handshakeTimeoutMs, behind an answer that it does not read, is given up and counted',
  async () => {
    const http = createHttpServer();
    http.on('upgrade', (_, socket: Duplex) => socket.write(Buffer.alloc(16 * 1024 * 1024)));
    await using behind = new Behind(http, { handler: builtIn('echo'), threads: 1, handshakeTimeoutMs: 100 });
    const client = connect(await behind.start(), '127.0.0.1').pause();
    client.write(encodeRequest('/'));
    await until(() => behind.sockets.length === 1);
    expect(behind.server.stats().pendingUpgrades).toBe(1);
    await once(behind.sockets[0] as Duplex, 'close');
    const { pendingUpgrades, opened, limits } = behind.server.stats();
    expect({ pendingUpgrades, opened, limits }).toMatchObject({ pendingUpgrades: 0, opened: 0, limits: { stalls: 1 } });
    expect(behind.log.lines).toEqual([expect.stringMatching(/^info: 127\.0\.0\.1 on \/: .*\(handshakeTimeoutMs\)$/)]);
    client.destroy();
  },
);

describe.each(eachWay(2))('behind an HTTP server that has written something before, with threads: %i', (threads) => {
  it('the 101 comes when that is out, and costs no descriptor', async () => {
    const server = createServer({ handler: builtIn('echo'), threads, log: new RecordingLog() });
    await server.start();
    const http = createHttpServer();
    http.on('upgrade', (request, socket, head) => {
      // As Node does with what is written of a response.
      socket.cork();
      process.nextTick(() => socket.uncork());
      socket.write('HTTP/1.1 103 Early Hints\r\n\r\n');
      server.handleUpgrade(request, socket, head);
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const { port } = http.address() as AddressInfo;
    const open = async () => {
      const client = await RawClient.connect(port);
      let answer = '';
      client.socket.on('data', (read) => {
        answer += read.toString('latin1');
      });
      client.socket.write(encodeRequest('/'));
      client.text('hello');
      await until(() => answer.endsWith('\x81\x05hello'));
      expect([...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status)).toEqual(['103', '101']);
      return client;
    };
    // One in each thread, which has what it needs itself then.
    const first = [await open(), await open()];
    const descriptors = openDescriptors();
    const more = await Promise.all(Array.from({ length: 10 }, open));
    for (const client of more) client[Symbol.dispose]();
    await until(() => server.stats().connections === first.length && openDescriptors() <= descriptors);
    for (const client of first) client[Symbol.dispose]();
    await server.close();
    http.close();
  });
});

let certificate: { readonly key: string; readonly cert: string } | undefined;
try {
  const folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...files], { stdio: 'ignore' });
  certificate = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  rmSync(folder, { recursive: true });
} catch {
  // Without openssl there is no certificate, and these tests are skipped.
}

const TRUSTING = { rejectUnauthorized: false };

describe.runIf(certificate !== undefined).each(eachWay(2))('behind TLS, with threads: %i', (threads) => {
  const createHttps = () => createHttpsServer({ ...certificate });

  it('messages of all sizes come back byte by byte, hosted by the primary', async () => {
    await using behind = new Behind(createHttps(), { handler: builtIn('echo'), threads });
    const port = await behind.start();
    using client = await Client.open(`wss://127.0.0.1:${port}`, TRUSTING);
    for (const size of SIZES) {
      client.send(pattern(size, size));
      client.send(String(textPattern(size, size)));
      expectBytes((await client.next()).bytes, pattern(size, size));
      expectBytes((await client.next()).bytes, textPattern(size, size));
    }
    const { connections, opened, threads: hosting } = behind.server.stats();
    expect({ connections, opened }).toEqual({ connections: 1, opened: 1 });
    expect(hosting.every((thread) => thread.connections === 0)).toBe(true);
    expect(await client.close(3000, 'bye')).toMatchObject({ code: 3000 });
    using last = await Client.open(`wss://127.0.0.1:${port}`, TRUSTING);
    await behind.server.close();
    expect(await last.closed).toMatchObject({ code: 1001 });
  });

  it('many connections keep their bytes apart, and pings are answered', async () => {
    await using behind = new Behind(createHttps(), { handler: handler('integrity.js'), threads });
    const port = await behind.start();
    const open = () => Client.open(`wss://127.0.0.1:${port}`, TRUSTING);
    const clients = await Promise.all(Array.from({ length: 20 }, open));
    await Promise.all(
      clients.map(async (client, i) => {
        const messages = [10, 300_000, 5, 9000, 70_000, 126].map((size) => pattern(i * size, size + i));
        const pong = once(client.socket, 'pong');
        for (const message of messages) client.send(message);
        client.socket.ping(`ping ${i}`);
        for (const message of messages) expectBytes((await client.next()).bytes, message, `client ${i}`);
        expect(String((await pong)[0])).toBe(`ping ${i}`);
      }),
    );
  });

  it('topics reach from connections of the primary to those of the workers, and back', async () => {
    await using behind = new Behind(createHttps(), { handler: handler('commands.js'), threads });
    const port = await behind.start();
    const plain = createHttpServer();
    plain.on('upgrade', (request, socket, head) => behind.server.handleUpgrade(request, socket, head));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const { port: plainPort } = plain.address() as AddressInfo;
    const secure = await Client.open(`wss://127.0.0.1:${port}`, TRUSTING);
    const others = [await Client.open(`ws://127.0.0.1:${plainPort}`), await Client.open(`ws://127.0.0.1:${plainPort}`)];
    const all = [secure, ...others];
    for (const client of all) {
      client.run(['subscribe', 'topic'], ['send', 'subscribed']);
      await client.text();
    }
    for (const [i, client] of all.entries()) {
      client.run(['publishMany', 'topic', 100, `${i}:`], ['publish', 'topic', 'to the others']);
      for (const one of all) {
        expect(await one.texts(100)).toEqual(Array.from({ length: 100 }, (_, k) => `${i}:${k}`));
        if (one !== client) expect(await one.text()).toBe('to the others');
      }
    }
    behind.server.publish('topic', 'from the primary');
    for (const client of all) expect(await client.text()).toBe('from the primary');
    plain.close();
  });

  it('a client that does not read holds up nobody, and gets everything in the end', async () => {
    await using behind = new Behind(createHttps(), {
      handler: handler('flooding.js'),
      threads,
      maxBackpressureBytes: 2 ** 30,
    });
    const port = await behind.start();
    using reports = new Reports();
    using slow = await Client.open(`wss://127.0.0.1:${port}/slow`, TRUSTING);
    using other = await Client.open(`wss://127.0.0.1:${port}/other`, TRUSTING);
    slow.socket.pause();
    slow.send(JSON.stringify({ count: 64, size: 256 * 1024 }));
    const { results } = (await reports.of('flooded')).value as { readonly results: readonly boolean[] };
    expect(results.at(-1)).toBe(false);
    slow.send(Buffer.from('behind'));
    other.send(Buffer.from('other'));
    expect(await other.text()).toBe('other');
    slow.socket.resume();
    for (let i = 0; i < 64; i++) {
      const expected = Buffer.alloc(256 * 1024, i);
      expected.writeUInt32BE(i, 0);
      expectBytes((await slow.next()).bytes, expected);
    }
    expect(await slow.text()).toBe('drained');
    expect(await slow.text()).toBe('behind');
  });

  it('a client that ends while the upgrade hook is pending is noticed', async () => {
    await using behind = new Behind(createHttps(), { handler: handler('deciding.js'), threads });
    const port = await behind.start();
    let accept = () => {};
    const asked = new Promise<void>((resolve) => {
      decideUpgrades(() => {
        resolve();
        return new Promise((decide) => {
          accept = () => decide(undefined);
        });
      });
    });
    const client = connectTls({ port, host: '127.0.0.1', ...TRUSTING });
    const closed = once(client, 'close');
    client.on('data', () => {});
    client.write(encodeRequest('/'));
    await asked;
    client.end();
    await closed;
    accept();
    await until(() => behind.server.stats().pendingUpgrades === 0);
    expect(behind.server.stats().connections).toBe(0);
  });
});

describe.each(onlyOnce)('a stream of any other kind', () => {
  it('is a connection too', async () => {
    await using behind = new Behind(createHttpServer(), { handler: builtIn('echo'), threads: 0 });
    await behind.server.start();
    const [ours, theirs] = duplexPair();
    behind.http.emit('connection', theirs);
    const frames: string[] = [];
    const parser = new FrameParser(({ opcode, payload }) => {
      frames.push(opcode === Opcode.CLOSE ? `closed with ${payload.readUInt16BE(0)}` : `${payload.length} bytes`);
    });
    await upgrade(ours, parser);
    for (const size of SIZES) ours.write(encodeFrame(Opcode.BINARY, pattern(size, size)));
    await until(() => frames.length === SIZES.length);
    ours.write(encodeFrame(Opcode.CLOSE, Buffer.of(0x03, 0xe8)));
    await until(() => frames.length === SIZES.length + 1);
    expect(frames).toEqual([...SIZES.map((size) => `${size} bytes`), 'closed with 1000']);
    ours.end();
    await until(() => behind.server.stats().connections === 0);
  });

  it('may be answered at once, from within the write of an answer', async () => {
    await using behind = new Behind(createHttpServer(), { handler: builtIn('echo'), threads: 0 });
    await behind.server.start();
    const [ours, theirs] = duplexPair();
    behind.http.emit('connection', theirs);
    const received: Buffer[] = [];
    const parser = new FrameParser(({ payload }) => {
      received.push(payload);
      // The server is still in the middle of the read that brought what it answers.
      if (payload.length === 100_000) ours.write(encodeFrame(Opcode.BINARY, pattern(9, 50)));
    });
    await upgrade(ours, parser);
    const sent = [pattern(1, 100_000), pattern(2, 30), pattern(3, 20_000), pattern(4, 10)];
    ours.write(Buffer.concat(sent.map((message) => encodeFrame(Opcode.BINARY, message))));
    await until(() => received.length === sent.length + 1);
    const expected = [...sent, pattern(9, 50)];
    for (const [i, message] of expected.entries()) expectBytes(received[i] as Buffer, message, `message ${i}`);
  });

  it('may answer a publication at once, from within its write', async () => {
    await using behind = new Behind(createHttpServer(), { handler: builtIn('broadcast'), threads: 0 });
    await behind.server.start();
    const received: string[][] = [];
    for (const who of ['one', 'other']) {
      const [ours, theirs] = duplexPair();
      behind.http.emit('connection', theirs);
      const texts: string[] = [];
      received.push(texts);
      const parser = new FrameParser(({ opcode, payload }) => {
        if (opcode !== Opcode.TEXT) return;
        texts.push(String(payload));
        if (texts.length === 1) ours.write(encodeFrame(Opcode.TEXT, `answer of ${who}`));
      });
      await upgrade(ours, parser);
    }
    behind.server.publish('/', 'from the primary');
    await until(() => received.every((texts) => texts.length >= 3));
    for (const texts of received) {
      expect(texts.toSorted()).toEqual(['answer of one', 'answer of other', 'from the primary']);
    }
  });

  it('that ends while the upgrade hook is pending is answered, and noticed to have ended', async () => {
    await using behind = new Behind(createHttpServer(), { handler: handler('deciding.js'), threads: 0 });
    await behind.server.start();
    let accept = () => {};
    const asked = new Promise<void>((resolve) => {
      decideUpgrades(() => {
        resolve();
        return new Promise((decide) => {
          accept = () => decide(undefined);
        });
      });
    });
    const [ours, theirs] = duplexPair();
    behind.http.emit('connection', theirs);
    const ended = once(theirs, 'end');
    ours.write(encodeRequest('/'));
    await asked;
    ours.end();
    await ended;
    accept();
    const answered = once(ours, 'end');
    const [head] = (await once(ours, 'data')) as [Buffer];
    expect(String(head)).toMatch(/^HTTP\/1\.1 101 /);
    await answered;
    await until(() => behind.server.stats().connections === 0);
  });
});

/** Makes the opening handshake on a stream, and feeds what follows the answer to the parser. */
async function upgrade(stream: Duplex, parser: FrameParser): Promise<void> {
  stream.write(encodeRequest('/'));
  const [head] = (await once(stream, 'data')) as [Buffer];
  expect(head.toString('latin1')).toMatch(/^HTTP\/1\.1 101 .*\r\n\r\n$/s);
  stream.on('data', (bytes) => parser.push(bytes));
}
