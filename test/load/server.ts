import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { acceptKey } from '../../dist/protocol/opening/accept-key.js';
import { sha1Base64 } from '../../dist/system/sha1.js';

/** What a server does with a message. */
export type Answer = (socket: WebSocket, bytes: Buffer, isBinary: boolean) => void;

export const echo: Answer = (socket, bytes, isBinary) => socket.send(bytes, { binary: isBinary });

/**
 * A server of `ws`, ended with the test. `count` is the number of messages that it has got.
 * @param perMessageDeflate how it compresses.
 */
export async function wsServer(
  answer: Answer,
  onConnection: (socket: WebSocket) => void = () => {},
  perMessageDeflate: boolean | object = false,
) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate });
  const served = { url: '', count: 0, server };
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (bytes: Buffer, isBinary) => {
      served.count++;
      answer(socket, bytes, isBinary);
    });
    onConnection(socket);
  });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  await once(server, 'listening');
  served.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return served;
}

/** Sends a message to all clients, with or without the sender. */
export const broadcastFrom =
  (server: () => WebSocketServer, isSenderIncluded: boolean): Answer =>
  (socket, bytes, isBinary) => {
    for (const client of server().clients) {
      if (client.readyState !== WebSocket.OPEN || (client === socket && !isSenderIncluded)) continue;
      client.send(bytes, { binary: isBinary });
    }
  };

/** A server of bare TCP that accepts the handshake and reads nothing more. @param onSocket may do more with the socket */
export async function deafServer(onSocket: (socket: Socket) => void = () => {}) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.once('data', (request) => {
      socket.pause();
      const [, key = ''] = /Sec-WebSocket-Key: (\S+)/.exec(String(request)) ?? [];
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key, sha1Base64)}\r\n\r\n`,
      );
      onSocket(socket);
    });
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Such a server which answers the first bytes behind the handshake with these bytes. */
export function rawServer(bytes: Uint8Array) {
  return deafServer((socket) => {
    socket.once('data', () => socket.write(bytes)).on('end', () => socket.end());
    socket.resume();
  });
}
