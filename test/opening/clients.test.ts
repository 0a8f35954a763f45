import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Clients } from '../../dist/opening/clients.js';

const HEADERS = ['Forwarded', 'for=192.0.2.2', 'X-Forwarded-For', '192.0.2.1'];
const NONE = new Clients({ trustedProxies: [], proxyHeader: undefined });
const LOOPBACK = new Clients({ trustedProxies: ['loopback'], proxyHeader: 'x-forwarded-for' });
const UNIX = new Clients({ trustedProxies: ['unix'], proxyHeader: 'forwarded' });
const HEADERLESS = new Clients({ trustedProxies: ['loopback', 'unix'], proxyHeader: undefined });

/** The two ends of a connection to a server that listens on this address. */
async function accepted(address: { readonly port: number; readonly host: string } | { readonly path: string }) {
  const server = createServer({ pauseOnConnect: true }).listen(address);
  await once(server, 'listening');
  const bound = server.address() as AddressInfo | string;
  const client = typeof bound === 'string' ? connect(bound) : connect(bound.port, bound.address);
  const [socket] = (await once(server, 'connection')) as [Socket];
  socket.on('error', () => {});
  onTestFinished(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  return { client, socket };
}

async function acceptedByUnixSocket(): Promise<Socket> {
  const folder = mkdtempSync(join(tmpdir(), 'wsloom-clients-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return (await accepted({ path: join(folder, 'socket') })).socket;
}

describe('the client of a connection', () => {
  test('is told by a trusted proxy', async () => {
    const { socket } = await accepted({ port: 0, host: '127.0.0.1' });
    expect(LOOPBACK.isProxy(socket)).toBe(true);
    expect(LOOPBACK.addressFor(HEADERS, socket)).toBe('192.0.2.1');
    expect(LOOPBACK.addressFor([], socket)).toBe('127.0.0.1');
    expect(LOOPBACK.isProxy({ remoteAddress: '127.0.0.1' })).toBe(true);
    expect(LOOPBACK.addressFor(HEADERS, { remoteAddress: '127.0.0.1' })).toBe('192.0.2.1');
  });

  test('is the peer, if that is no trusted proxy', async () => {
    const { socket } = await accepted({ port: 0, host: '127.0.0.1' });
    for (const clients of [NONE, UNIX]) {
      expect(clients.isProxy(socket)).toBe(false);
      expect(clients.addressFor(HEADERS, socket)).toBe('127.0.0.1');
    }
    expect(LOOPBACK.isProxy({ remoteAddress: '192.0.2.9' })).toBe(false);
    expect(LOOPBACK.addressFor(HEADERS, { remoteAddress: '192.0.2.9' })).toBe('192.0.2.9');
  });

  test('is the peer, if proxies tell it by no header', async () => {
    const { socket } = await accepted({ port: 0, host: '127.0.0.1' });
    expect(HEADERLESS.isProxy(socket)).toBe(true);
    expect(HEADERLESS.addressFor(HEADERS, socket)).toBe('127.0.0.1');
  });

  test('is the one that was noted, who may be a trusted proxy in turn', async () => {
    const { socket } = await accepted({ port: 0, host: '127.0.0.1' });
    for (const clients of [NONE, LOOPBACK, UNIX, HEADERLESS]) {
      clients.note(socket, { remoteAddress: '192.0.2.9' });
      expect(clients.isProxy(socket)).toBe(false);
      expect(clients.addressFor(HEADERS, socket)).toBe('192.0.2.9');
      expect(clients.describe(socket)).toBe('192.0.2.9');
    }
    LOOPBACK.note(socket, { remoteAddress: '127.0.0.9' });
    expect(LOOPBACK.isProxy(socket)).toBe(true);
    expect(LOOPBACK.addressFor(HEADERS, socket)).toBe('192.0.2.1');
    LOOPBACK.note(socket, { remoteAddress: '127.0.0.9', isClient: true });
    expect(LOOPBACK.isProxy(socket)).toBe(true);
    expect(LOOPBACK.addressFor(HEADERS, socket)).toBe('127.0.0.9');
  });

  test('is the trusted address that was noted, if proxies tell it by no header', async () => {
    const { socket } = await accepted({ port: 0, host: '127.0.0.1' });
    HEADERLESS.note(socket, { remoteAddress: '127.0.0.9' });
    expect(HEADERLESS.isProxy(socket)).toBe(false);
    HEADERLESS.note(socket, { remoteAddress: '127.0.0.9', isClient: true }); // that of the proxy, which has told nobody
    expect(HEADERLESS.isProxy(socket)).toBe(true);
  });

  test('is told by the peer of a unix socket, if those are trusted', async () => {
    const socket = await acceptedByUnixSocket();
    expect(UNIX.isProxy(socket)).toBe(true);
    expect(UNIX.addressFor(HEADERS, socket)).toBe('192.0.2.2');
    for (const clients of [NONE, LOOPBACK]) {
      expect(clients.isProxy(socket)).toBe(false);
      expect(clients.addressFor(HEADERS, socket)).toBeUndefined();
    }
  });

  test.skipIf(process.platform !== 'linux')(
    'is not told by a TCP connection that was reset before its address was read, though it has no address either',
    async () => {
      const { client, socket } = await accepted({ port: 0, host: '127.0.0.1' });
      client.resetAndDestroy();
      await once(client, 'close');
      expect(socket.destroyed).toBe(false); // this thread has not read yet
      expect(socket.remoteAddress).toBeUndefined();
      expect(UNIX.isProxy(socket)).toBe(false);
      expect(UNIX.addressFor(HEADERS, socket)).toBeUndefined();
    },
  );

  test('is not told by a socket that is closed, or by a stream that has no peer', async () => {
    const socket = await acceptedByUnixSocket();
    socket.destroy();
    for (const stream of [socket, new PassThrough()]) {
      expect(UNIX.isProxy(stream)).toBe(false);
      expect(UNIX.addressFor(HEADERS, stream)).toBeUndefined();
    }
  });
});
