import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { builtIn, serve } from '../e2e/serving.js';
import { echo, wsServer } from '../load/server.js';
import { freePort } from '../ports.js';
import { Command } from './command.js';

describe('a server that does not fit the load', () => {
  const dead = async () => `ws://127.0.0.1:${await freePort()}/`;
  const http = (status: number) => async () => {
    const server = createHttpServer((_, response) => response.writeHead(status).end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  };
  const tcp = (onSocket: (socket: Socket) => void) => async () => {
    const sockets: Socket[] = [];
    const server = createTcpServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      onSocket(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  };
  const ws = (onMessage: Parameters<typeof wsServer>[0]) => async () => (await wsServer(onMessage)).url;
  const kicks = async () => {
    const { url, server } = await wsServer(() => {});
    server.on('connection', (socket) => socket.close(1009));
    return url;
  };

  it.each([
    ['echo', 'that is not there', dead, /ECONNREFUSED: nobody listens there/],
    ['broadcast', 'that is not there', dead, /ECONNREFUSED: nobody listens there/],
    ['connect', 'that is not there', dead, /ECONNREFUSED: nobody listens there/],
    ['idle', 'that is not there', dead, /ECONNREFUSED: nobody listens there/],
    ['echo', 'that answers 200', http(200), /HTTP 200 instead of 101: it speaks HTTP, but no WebSocket on this path/],
    ['connect', 'that answers 404', http(404), /HTTP 404 instead of 101: there is no WebSocket on this path/],
    ['idle', 'that redirects', http(302), /HTTP 302 instead of 101: it redirects/],
    ['broadcast', 'that never answers', tcp(() => {}), /opening handshake: the server did not answer within 0\.1 s/],
    [
      'echo',
      'that hangs up',
      tcp((socket) => socket.end()),
      /without a Close: the server closed the connection before/,
    ],
    ['echo', 'that is no HTTP', tcp((socket) => socket.write('220 smtp\r\n\r\n')), /there is no WebSocket server/],
  ] as const)('(mode %s, %s) is named in the error, with the cause', async (mode, _, serve, says) => {
    const url = await serve();
    await using command = Command.run(
      'load',
      url,
      '--mode',
      mode,
      '-c',
      '2',
      '-d',
      '0.1',
      '--warmup',
      '0',
      '-t',
      says.source.includes('did not answer') ? '0.1' : '20', // the others are slow only on a busy machine
    );
    expect(await command.ended).toBe(1);
    expect(command.stdout).toBe('');
    expect(command.stderr).toMatch(/^wsloom: nothing was measured, no connection could be opened\n/);
    expect(command.stderr).toMatch(says);
  });

  it.each([
    ['broadcast', 'that echoes', ws(echo), /reached nobody within 1 s\. .* use --mode echo\n$/],
    ['echo', 'that does not answer', ws(() => {}), /no message came back within 1 s\. .* use --expect none\n$/],
    ['echo', 'that says something else', ws((socket) => socket.send('no')), /does not send messages back as they were/],
    ['echo', 'that closes', kicks, /1009: the message is longer than the server takes \(--size\)\n$/],
  ] as const)('(mode %s, %s) opens connections, and the error says what to do', async (mode, _, serve, says) => {
    const url = await serve();
    await using command = Command.run('load', url, '--mode', mode, '-c', '2', '-d', '5', '--warmup', '0', '-t', '1');
    expect(await command.ended).toBe(1);
    expect(command.stdout).toBe('');
    expect(command.stderr).toMatch(/^wsloom: nothing was measured\n/);
    expect(command.stderr).toMatch(says);
  });
});

it('an echo load on a server that sends each message to all suggests the mode broadcast', async () => {
  await using served = await serve({ handler: builtIn('broadcast') });
  await using command = Command.run('load', served.url, '-c', '3', '-d', '0.3', '--warmup', '0');
  expect(await command.ended).toBe(1);
  expect(command.stderr).toMatch(/unexpected: more messages than were sent: .* Then use --mode broadcast\n/);
  expect(command.stderr).not.toContain('-w');
});
