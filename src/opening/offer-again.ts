import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/**
 * Gives a request for an upgrade to another protocol than WebSocket back to its HTTP server, as a request that asks for no upgrade
 * (RFC 9110 section 7.8). HTTP clients offer h2c, and expect an ordinary answer. Node lets no such request through once there is an
 * 'upgrade' listener.
 */
export function offerAgain(http: Server, request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
  // Newer versions of Node have begun to read the body. In older ones it stands in `head`.
  if (!request.complete || request.readableLength > 0) answerAsLast(http, request);
  else readAgain(http, request, socket, head);
}

/** Gives the connection to the server anew, with the request in front and without its header Upgrade. */
function readAgain(http: Server, request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
  const { method, url, httpVersion, rawHeaders } = request;
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== 'upgrade') text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]));
  http.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket);
}

/** Has the request answered as it is. Node reads no more requests from the connection, so it is closed after the answer. */
function answerAsLast(http: Server, request: IncomingMessage): void {
  const { socket } = request;
  delete request.headers.upgrade;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.on('finish', () => socket.destroySoon());
  socket.on('drain', () => {
    if (response.writableNeedDrain) response.emit('drain');
  });
  http.emit('request', request, response);
}
