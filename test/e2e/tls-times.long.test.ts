import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as pass } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { expect, it } from 'vitest';
import { pair } from '../tls/certificates.js';
import { encodeRequest } from './raw-client.js';
import { builtIn, handler, type Served, serve, until } from './serving.js';
import { TRUST } from './transport.js';

const TLS = pair('default');
const GET = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';

async function tcp({ port }: Served): Promise<Socket> {
  const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {}); // 'close' follows
  await once(socket, 'connect');
  return socket;
}

async function tlsOver(socket: Socket): Promise<TLSSocket> {
  const secure = connect({ ...TRUST, socket });
  secure.on('error', () => {});
  await once(secure, 'secureConnect');
  return secure;
}

/** Everything that a socket gets until it is closed. */
async function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes) => (text += bytes));
  await once(socket, 'close');
  return text;
}

it.each([0, 1])('one deadline spans TLS, the request and the hook, with threads: %i', async (threads) => {
  const limitMs = 2000;
  await using served = await serve({
    ...{ handler: handler('never-decides.js'), threads, tls: TLS, handshakeTimeoutMs: limitMs },
  });
  const ended: string[] = [];
  /** A client that takes 0.6 of the time for TLS. A deadline that began then would be over at 1.6 of the time. */
  const slow = async (name: string, sent: string) => {
    const socket = await tcp(served);
    await pass(0.6 * limitMs);
    const secure = await tlsOver(socket);
    secure.write(sent);
    const answer = (await untilClosed(secure)).slice(0, 12);
    ended.push(`${name}: ${answer}`);
  };
  /** A client that comes after 0.4 of the time, and is late at 1.4 of the time. */
  const later = async () => {
    await pass(0.4 * limitMs);
    await untilClosed(await tcp(served));
    ended.push('later');
  };
  await Promise.all([slow('head', GET.slice(0, 30)), slow('hook', encodeRequest('/')), later()]);
  expect([...ended.slice(0, 2).sort(), ...ended.slice(2)]).toEqual([
    'head: HTTP/1.1 408',
    'hook: HTTP/1.1 503',
    'later',
  ]);
  await until(() => served.server.stats().httpConnections === 0);
  expect(served.server.stats().limits).toMatchObject({ refusedTls: 1, refusedHandshakes: 1, hookTimeouts: 1 });
});

it.each([0, 1])('a hook has the whole time behind an ordinary request, with threads: %i', async (threads) => {
  const limitMs = 1500;
  await using served = await serve({
    ...{ handler: handler('never-decides.js'), threads, tls: TLS, handshakeTimeoutMs: limitMs },
  });
  const kept = await tlsOver(await tcp(served));
  kept.write(GET);
  await once(kept, 'data');
  await pass(0.6 * limitMs);
  const first = await tlsOver(await tcp(served)); // whose time is over at 1.6 of the other's
  const ended: string[] = [];
  const end = async (name: string, socket: TLSSocket) => {
    socket.write(encodeRequest('/'));
    expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 503 /);
    ended.push(name);
  };
  const both = [end('first', first)];
  await pass(0.2 * limitMs);
  both.push(end('kept', kept));
  await Promise.all(both);
  expect(ended).toEqual(['first', 'kept']);
});

// Node's own time for idle connections is 5 s. It holds for servers that never listen too.
it.concurrent.each([
  ['in the clear', 0, false],
  ['over TLS', 0, true],
  ['over TLS', 2, true],
])('closes a connection that stays idle after a request, %s with threads: %i', async (_, threads, isSecure) => {
  const options = { handler: builtIn('echo'), threads, handshakeTimeoutMs: 300 };
  await using served = await serve(isSecure ? { ...options, tls: TLS } : options);
  const socket = await tcp(served);
  const client = isSecure ? await tlsOver(socket) : socket;
  client.write(GET);
  expect(await untilClosed(client)).toMatch(/^HTTP\/1\.1 200 (?![\s\S]*HTTP\/1\.1 )/);
  await until(() => served.server.stats().httpConnections === 0);
});
