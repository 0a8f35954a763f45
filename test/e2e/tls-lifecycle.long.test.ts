import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createServer, type ServerOptions } from '../../dist/index.js';
import { openDescriptors } from '../hostile/attack.js';
import { fileOf, pair, pem } from '../tls/certificates.js';
import { Client } from './client.js';
import { encodeFrame, encodeRequest, Opcode } from './raw-client.js';
import { builtIn, handler, hosted, RecordingLog, type Served, serve, until } from './serving.js';
import { TRUST } from './transport.js';

const serveTls = (options: Partial<ServerOptions> = {}) =>
  serve({ handler: builtIn('echo'), tls: pair('default'), ...options });

const REQUEST = encodeRequest('/');
const MESSAGE = encodeFrame(Opcode.BINARY, Buffer.alloc(40_000, 7));

async function tcp({ port }: Served): Promise<Socket> {
  const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {}); // 'close' follows
  await once(socket, 'connect');
  return socket;
}

/** Speaks TLS over a connection, and resolves when the client is done with its handshake. */
async function tlsOver(socket: Socket, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const secure = connect({ ...TRUST, ...options, socket });
  secure.on('error', () => {});
  await once(secure, 'secureConnect');
  return secure;
}

/** The bytes of a ClientHello. */
async function clientHello(): Promise<Buffer> {
  const { Duplex } = await import('node:stream');
  return new Promise((resolve) => {
    const pipe = new Duplex({ read() {}, write: (bytes: Buffer) => resolve(bytes) });
    connect({ ...TRUST, socket: pipe }).on('error', () => {});
  });
}

const HELLO = await clientHello();

/** How far a client gets before it leaves. */
const STAGES: Readonly<Record<string, (socket: Socket) => unknown>> = {
  'TCP connect': () => {},
  'half a ClientHello': (socket) => socket.write(HELLO.subarray(0, HELLO.length >> 1)),
  ClientHello: (socket) => socket.write(HELLO),
  ServerHello: async (socket) => {
    socket.write(HELLO);
    await once(socket, 'data');
  },
  'Finished, of TLS 1.2': (socket) => tlsOver(socket, { maxVersion: 'TLSv1.2' }),
  'Finished, of TLS 1.3': (socket) => tlsOver(socket),
  'half a request': async (socket) => (await tlsOver(socket)).write(REQUEST.slice(0, 60)),
  'a request': async (socket) => (await tlsOver(socket)).write(REQUEST),
  'a request, and a message behind it': async (socket) => {
    const secure = await tlsOver(socket);
    secure.write(REQUEST);
    secure.write(MESSAGE);
  },
  'the 101': async (socket) => {
    const secure = await tlsOver(socket);
    secure.write(REQUEST);
    await once(secure, 'data');
  },
  'half a message behind the 101': async (socket) => {
    const secure = await tlsOver(socket);
    secure.write(REQUEST);
    await once(secure, 'data');
    secure.write(MESSAGE.subarray(0, 30_000));
  },
};

const stages = Object.values(STAGES);

function isOver({ server }: Served): boolean {
  const { connections, httpConnections, pendingUpgrades } = server.stats();
  return connections + httpConnections + pendingUpgrades === 0;
}

describe.each([0, 2])('a server with TLS, with threads: %i', (threads) => {
  it('has everything back after clients that leave at every stage of TLS', async () => {
    // So long that nothing comes back because a time is over.
    await using served = await serveTls({ threads, handshakeTimeoutMs: 600_000 });
    const visit = async (i: number) => {
      const socket = await tcp(served);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      await stages[i % stages.length]?.(socket);
      if (i % 3 === 0) socket.destroy();
      else socket.resetAndDestroy();
      await closed;
    };
    const visitMany = async (count: number) => {
      for (let i = 0; i < count; i += 25) await Promise.all(Array.from({ length: 25 }, (_, k) => visit(i + k)));
    };
    await visitMany(50);
    await until(() => isOver(served));
    const descriptors = openDescriptors();
    await visitMany(400);
    await until(() => openDescriptors() <= descriptors);
    await until(() => isOver(served));
    using client = await Client.open(served.url);
    client.send('still here');
    expect(await client.text()).toBe('still here');
    expect(served.server.stats()).toMatchObject({ workersLost: 0, connectionsLost: 0, connectionsAbandoned: 0 });
    expect(served.log.lines.filter((line) => line.startsWith('error: '))).toEqual([]);
  }, 60_000);

  it('closes clients in every stage of TLS when it closes', async () => {
    const descriptors = openDescriptors();
    const served = await serveTls({ threads });
    const open = await Promise.all(
      stages.map(async (stage) => {
        const socket = await tcp(served);
        await stage(socket);
        return socket;
      }),
    );
    const startedAt = performance.now();
    await served.server.close({ drainMs: 200 });
    expect(performance.now() - startedAt).toBeLessThan(5000); // and not until the handshakes are late
    await until(() => isOver(served));
    for (const socket of open) socket.destroy();
    await until(() => openDescriptors() <= descriptors);
  });

  it('takes new clients while old ones are in every stage of TLS, when it is loaded again', async () => {
    await using served = await serveTls({ threads });
    const open = await Promise.all(
      stages.map(async (stage) => {
        const socket = await tcp(served);
        await stage(socket);
        return socket;
      }),
    );
    await served.server.reload({ drainMs: 200 });
    using client = await Client.open(served.url);
    client.send('hello');
    expect(await client.text()).toBe('hello');
    for (const socket of open) socket.destroy();
    await until(() => served.server.stats().connections === 1 && served.server.stats().httpConnections === 0);
  });

  it.runIf(threads > 0)('answers those whose TLS handshake is under way when it is loaded again', async () => {
    await using served = await serveTls({ threads });
    const clients = await Promise.all(Array.from({ length: 6 }, () => tcp(served)));
    await until(() => served.server.stats().httpConnections === 6);
    await served.server.reload();
    for (const socket of clients) {
      const secure = await tlsOver(socket);
      secure.write(REQUEST);
      expect(String((await once(secure, 'data'))[0])).toMatch(/^HTTP\/1\.1 503 /);
    }
    await until(() => isOver(served));
  });

  it('refuses nobody while certificates are exchanged', async () => {
    await using served = await serveTls({ threads });
    const shown = new Set<string>();
    let isDone = false;
    let opened = 0;
    const comeAndGo = async () => {
      while (!isDone) {
        const socket = await tcp(served);
        const secure = await tlsOver(socket);
        shown.add(secure.getPeerCertificate().fingerprint256);
        secure.write(REQUEST);
        expect(String((await once(secure, 'data'))[0])).toMatch(/^HTTP\/1\.1 101 /);
        secure.write(encodeFrame(Opcode.TEXT, 'hello'));
        expect((await once(secure, 'data'))[0]).toEqual(Buffer.from('\x81\x05hello', 'latin1'));
        secure.destroy();
        opened++;
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, comeAndGo));
    for (let i = 0; i < 20; i++) {
      const before = opened;
      await served.server.reload({ only: 'tls', tls: pair(i % 2 === 0 ? 'renewed' : 'default') });
      await until(() => opened >= before + 10);
    }
    isDone = true;
    await clients;
    expect(shown.size).toBe(2);
    expect(served.server.stats()).toMatchObject({
      opened,
      reloads: 0,
      limits: { refusedTls: 0, refusedHandshakes: 0 },
    });
  }, 60_000);

  it('publishes messages of all sizes to all clients, in their order', async () => {
    await using served = await serve({ handler: builtIn('broadcast'), threads, tls: pair('default') });
    const clients = await Promise.all(Array.from({ length: 9 }, () => Client.open(served.url)));
    if (threads > 0) await hosted(served.server, 9);
    const [publisher] = clients as [Client];
    const sizes = Array.from({ length: 60 }, (_, i) => [1, 100, 126, 9000, 70_000, 300_000][i % 6] as number);
    for (const [i, size] of sizes.entries()) publisher.send(Buffer.alloc(size, i));
    for (const client of clients) {
      for (const [i, size] of sizes.entries()) {
        expect((await client.next()).bytes.equals(Buffer.alloc(size, i))).toBe(true);
      }
    }
    for (const client of clients) client[Symbol.dispose]();
  });

  it('keeps a client that takes its messages slowly, but takes them', async () => {
    await using served = await serveTls({ threads, stallTimeoutMs: 1500 });
    const socket = await tlsOver(await tcp(served));
    socket.write(REQUEST);
    await once(socket, 'data');
    socket.pause();
    socket.write(encodeFrame(Opcode.BINARY, Buffer.alloc(16_000_000)));
    await until(() => served.server.stats().bufferedBytes > 500_000);
    for (let i = 0; i < 40; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      socket.read(Math.min(socket.readableLength, 32_768));
    }
    expect(served.server.stats()).toMatchObject({ connections: 1, limits: { stalls: 0 } });
    socket.destroy();
  });
});

describe('a worker that dies', () => {
  it('takes its TLS connections and handshakes with it, and no others', async () => {
    await using served = await serve({ handler: handler('commands.js'), threads: 2, tls: pair('default') });
    const clients = await Promise.all(Array.from({ length: 6 }, () => Client.open(served.url)));
    const threadOf = async (client: Client) => {
      client.run(['where']);
      return await client.text();
    };
    const threads = await Promise.all(clients.map(threadOf));
    const open = await Promise.all(
      stages.slice(0, 8).map(async (stage) => {
        const socket = await tcp(served);
        await stage(socket);
        return socket;
      }),
    );
    let closed = 0;
    for (const socket of open) socket.resume().once('close', () => closed++);
    const [first] = clients as [Client];
    first.run(['exit']);
    for (const [i, client] of clients.entries()) {
      if (threads[i] === threads[0]) expect((await client.closed).code).toBe(1006);
      else expect(await threadOf(client)).toBe(threads[i]);
    }
    await until(() => closed > 0 && served.server.stats().threads.filter(({ isTaking }) => isTaking).length === 2);
    expect(closed).toBeLessThan(open.length);
    for (const client of clients) client[Symbol.dispose]();
    for (const socket of open) socket.destroy();
    await until(() => isOver(served));
    using next = await Client.open(served.url);
    await threadOf(next);
    expect(served.server.stats()).toMatchObject({ workersLost: 1, connections: 1 });
  });
});

/** Lines of PEM that are secret. */
const secretsOf = (name: string) =>
  pem(name)
    .split('\n')
    .filter((line) => line.length > 20 && !line.startsWith('-----'));

describe('keys and passphrases', () => {
  const secrets = [
    'sentinel-passphrase',
    ...['encrypted.key', 'default.key', 'renewed.key', 'a.key', 'b.key'].flatMap(secretsOf),
  ];
  const told: string[] = [];
  const tell = (value: unknown) => told.push(inspect(value, { depth: 12, showHidden: true }), String(value));

  it.each([0, 1])('are never in the log, in errors, or in what a server shows, with threads: %i', async (threads) => {
    expect(secrets.length).toBeGreaterThan(8);
    const log = new RecordingLog();
    const tls = { cert: pem('default.crt'), key: pem('encrypted.key'), passphrase: 'sentinel-passphrase' };
    const server = createServer({ handler: builtIn('echo'), threads, log, tls });
    const { port } = await server.listen({ port: 0 });
    const served = { port } as Served;
    (await tlsOver(await tcp(served))).destroy();
    (await tcp(served)).end('GET / HTTP/1.1\r\n\r\n');
    await until(() => server.stats().limits.refusedTls > 0);
    const wrong: readonly ServerOptions['tls'][] = [
      { ...tls, passphrase: 'sentinel-passphrase-which-is-wrong' },
      { ...tls, key: pem('a.key') },
      { ...tls, cert: pem('b.key') },
      { ...tls, key: pem('b.key').slice(0, 120) },
      { ...tls, key: fileOf('a.key') },
      { ...tls, sni: { 'a.example': { cert: pem('a.crt'), key: pem('b.key') } } },
      { ...tls, ciphers: pem('a.key') },
      { ...tls, minVersion: pem('a.key') as 'TLSv1.3' },
      { ...tls, sni: { [pem('b.key')]: tls } },
    ];
    for (const one of wrong) {
      tell(
        await server
          .reload({ only: 'tls', tls: one as NonNullable<ServerOptions['tls']> })
          .catch((error: unknown) => error),
      );
      try {
        createServer({ handler: builtIn('echo'), tls: one as NonNullable<ServerOptions['tls']> });
      } catch (error) {
        tell(error);
      }
    }
    tell(server);
    tell(server.stats());
    tell(server.address());
    await server.reload({ only: 'tls', tls: pair('renewed') });
    await server.close();
    tell(server);
    tell(log.lines);
    const all = told.join('\n');
    expect(all).toContain('does not belong to the key');
    expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
  });
});
