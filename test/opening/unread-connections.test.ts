import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Boundary } from '../../dist/opening/boundary.js';
import { Clients } from '../../dist/opening/clients.js';
import { UnreadConnections } from '../../dist/opening/unread-connections.js';
import type { DescriptorUpgradeSocket } from '../../dist/opening/upgrade-socket.js';
import { descriptorOf } from '../../dist/system/descriptor.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { happened } from '../e2e/happened.js';
import { encodeRequest } from '../e2e/raw-client.js';

const calls = await loadSystemCalls();
const cleanups: (() => unknown)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A client that has sent something, and the descriptor of its connection, in which all of that is. */
async function accepted(sent: string): Promise<{ readonly fd: number; readonly client: Socket }> {
  const server: Server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {}); // 'close' follows
  const [ours] = (await once(server, 'connection')) as [Socket];
  const fd = calls.duplicate(descriptorOf(ours));
  ours.destroy();
  client.write(sent);
  const bytes = Buffer.allocUnsafeSlow(8192);
  while (calls.peek(fd, bytes) < sent.length && sent !== '') await new Promise((resolve) => setImmediate(resolve));
  cleanups.push(
    () => client.destroy(),
    () => server.close(),
  );
  return { fd, client };
}

/** Takes connections, and notes to whom they were given. */
function unread({ fails = false } = {}) {
  const given: Socket[] = [];
  const upgraded: DescriptorUpgradeSocket[] = [];
  const lines: string[] = [];
  const http = new EventEmitter().on('connection', (socket: Socket) => {
    given.push(socket);
    expect(connections.isGiving).toBe(true);
    if (fails) throw new Error('on purpose');
  });
  const connections = new UnreadConnections({
    http: http as never,
    calls,
    clients: new Clients({ trustedProxies: [], proxyHeader: undefined }),
    upgrader: {
      onRequest(_, socket) {
        upgraded.push(socket as DescriptorUpgradeSocket);
        if (fails) throw new Error('on purpose');
      },
    },
    boundary: new Boundary(new ThrottledLog(({ line }) => lines.push(line))),
    maxHeaderBytes: 1024,
    maxHeaderCount: 10,
  });
  cleanups.push(() => {
    for (const socket of given) socket.destroy();
    for (const socket of upgraded) socket.drop();
  });
  return { connections, given, upgraded, lines };
}

describe.runIf(process.platform === 'linux')('a connection of which nothing was read', () => {
  it('is upgraded from its descriptor if its request is there, and what is behind the request stays unread', async () => {
    const { connections, given, upgraded } = unread();
    const { fd } = await accepted(`${encodeRequest('/')}behind`);
    connections.take({ fd, remoteAddress: '127.0.0.1', isUnix: false });
    expect([given.length, upgraded.length]).toEqual([0, 1]);
    const bytes = Buffer.allocUnsafeSlow(100);
    expect(bytes.toString('latin1', 0, calls.peek(fd, bytes))).toBe('behind');
    expect(connections.isGiving).toBe(false);
  });

  it.each([
    ['nothing has come of it', '', '127.0.0.1'],
    ['its request is not whole', encodeRequest('/').slice(0, -1), '127.0.0.1'],
    ['it is no upgrade', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', '127.0.0.1'],
    ['its request is too long', encodeRequest('/', [`X: ${'x'.repeat(1024)}`]), '127.0.0.1'],
    ['its address is not known', encodeRequest('/'), undefined],
  ])('is given to the HTTP server with all of its bytes if %s', async (_, sent, remoteAddress) => {
    const { connections, given, upgraded } = unread();
    const { fd, client } = await accepted(sent);
    connections.take({ fd, remoteAddress, isUnix: false });
    expect([given.length, upgraded.length]).toEqual([1, 0]);
    let read = '';
    given[0]?.on('data', (bytes) => {
      read += bytes;
    });
    client.end('.');
    await once(given[0] as Socket, 'end');
    expect(read).toBe(`${sent}.`);
  });

  it.each([
    ['the upgrader', encodeRequest('/')],
    ['the HTTP server', 'x'],
  ])('is closed if %s throws', async (_, sent) => {
    const { connections, lines } = unread({ fails: true });
    const { fd, client } = await accepted(sent);
    const closed = happened(client.resume(), 'close'); // so nobody has its descriptor any more
    connections.take({ fd, remoteAddress: '127.0.0.1', isUnix: false });
    await closed;
    expect(lines).toEqual([expect.stringContaining('on purpose')]);
    expect(connections.isGiving).toBe(false);
  });
});
