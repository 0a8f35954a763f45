import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { type ClientMessage, connect } from '../../dist/client/index.js';
import { load } from '../../dist/load/index.js';
import { Command } from '../cli/command.js';
import { Queue } from '../e2e/queue.js';
import { type Certificate, makeCertificate } from './certificate.js';

const certificate = makeCertificate();

/**
 * An echo server of `ws` behind TLS.
 * @param onName is called with the server name in the TLS handshake of each client
 * @param path of a unix socket, instead of a port
 */
async function secureServer(onName: (name: unknown) => void = () => {}, path?: string): Promise<string> {
  const https = createServer({ ...certificate });
  const server = new WebSocketServer({ server: https, perMessageDeflate: false });
  server.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  https.on('secureConnection', (socket) => onName(Reflect.get(socket, 'servername')));
  https.on('tlsClientError', () => {});
  https.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path });
  await once(https, 'listening');
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    https.close();
  });
  return path ?? `wss://127.0.0.1:${(https.address() as AddressInfo).port}/`;
}

describe.runIf(certificate !== undefined)('over TLS', () => {
  it('a client speaks to a server whose certificate it trusts', async () => {
    const url = await secureServer();
    const messages = new Queue<ClientMessage>();
    const message = (_: unknown, one: ClientMessage) => messages.push(one);
    const connection = await connect(url, { ca: (certificate as Certificate).cert, message });
    connection.send('x'.repeat(100_000));
    expect((await messages.next()).bytes.length).toBe(100_000);
    connection.close();
    expect(await connection.closed).toEqual({ code: 1000, reason: '' });
  });

  it('a client sends the host name, because a server may have several hosts, but sends no address', async () => {
    const names: unknown[] = [];
    const url = await secureServer((name) => names.push(name));
    for (const host of ['localhost', '127.0.0.1']) {
      const connection = await connect(url.replace('127.0.0.1', host), { rejectUnauthorized: false });
      connection.close();
      expect(await connection.closed).toMatchObject({ code: 1000 });
    }
    expect(names).toEqual(['localhost', false]);
  });

  it('a client refuses another certificate, unless rejectUnauthorized is false', async () => {
    const url = await secureServer();
    await expect(connect(url)).rejects.toMatchObject({
      code: 'WSLOOM_CONNECT',
      cause: expect.objectContaining({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    });
    const connection = await connect(url, { rejectUnauthorized: false });
    connection.close();
    expect(await connection.closed).toMatchObject({ code: 1000 });
  });

  it('a client takes certificates as bytes of any kind, and shows nothing of a key that was given for one', async () => {
    const { cert, key } = certificate as Certificate;
    const connection = await connect(await secureServer(), { ca: [new TextEncoder().encode(cert)] });
    connection.close();
    await connection.closed;
    const refusalOf = (ca: unknown) =>
      connect('wss://127.0.0.1:1/', { ca: ca as string }).then(
        () => 'it was taken',
        (error: Error) => error.message,
      );
    expect(await refusalOf(key)).toBe('ca must be certificates in PEM, got a private key');
    expect(await refusalOf(Buffer.from(key))).toBe('ca must be certificates in PEM, got a private key');
    expect(await refusalOf(new Uint8Array(9))).toBe('ca must be certificates in PEM, got 9 bytes without one');
    for (const ca of ['./ca.crt', new URL('file:///ca.crt'), 5]) {
      expect(await refusalOf(ca)).toMatch(
        /^ca must be certificates in PEM, got .*: give what is in the file, not its path$/,
      );
    }
  });

  it('a client speaks TLS over a unix socket, to localhost', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const names: unknown[] = [];
    await secureServer((name) => names.push(name), join(folder, 'a.sock'));
    const url = `wss+unix:${folder}/a.sock:/path`;
    const connection = await connect(url, { ca: (certificate as Certificate).cert });
    connection.close();
    expect(await connection.closed).toMatchObject({ code: 1000 });
    await expect(connect(url)).rejects.toMatchObject({ code: 'WSLOOM_CONNECT' });
    expect(names[0]).toBe('localhost');
    expect(await load({ url, connections: 1, amount: 5, rejectUnauthorized: false })).toMatchObject({ errors: 0 });
  });

  it('a load works in the same way', async () => {
    const url = await secureServer();
    const options = { url, connections: 3, inFlight: 5, amount: 200, sizeBytes: 5000 };
    expect(await load({ ...options, rejectUnauthorized: false })).toMatchObject({
      errors: 0,
      messages: { total: 200 },
      closes: { 1000: 3 },
    });
    expect(await load(options)).toMatchObject({
      errorsByKind: { 'connect: DEPTH_ZERO_SELF_SIGNED_CERT': 3 },
      messages: { total: 0 },
    });
  });

  it('wsloom load takes any certificate with --insecure', async () => {
    const url = await secureServer();
    await using command = Command.run('load', url, '-a', '20', '-c', '2', '--insecure');
    await using strict = Command.run('load', url, '-a', '20', '-c', '2');
    expect(await command.ended).toBe(0);
    expect(await strict.ended).toBe(1);
    expect(strict.stderr).toMatch(/2 × connect: DEPTH_ZERO_SELF_SIGNED_CERT/);
  });
});
