import { createServer, type Server } from 'node:http';
import type { HttpConnections } from './http-connections.js';
import { stoppableRequest } from './stoppable-request.js';

/** The limits that Node's HTTP server keeps by itself. */
export interface HttpServerOptions {
  /** For the head of a request, and for the request; beyond it 408. In ms. */
  readonly handshakeTimeoutMs: number;
  /** Of a request; beyond it 431. */
  readonly maxHeaderBytes: number;
  /** Of a request; beyond it 431. */
  readonly maxHeaderCount: number;
}

/**
 * Makes an HTTP server that answers nothing yet: see {@link wireHttpServer}.
 * @param connections of this server, and of the others of its thread.
 */
export function createHttpServer(
  { handshakeTimeoutMs, maxHeaderBytes, maxHeaderCount }: HttpServerOptions,
  connections: HttpConnections,
): Server {
  const http = createServer({
    IncomingMessage: stoppableRequest(connections),
    noDelay: true,
    requireHostHeader: false, // judged when it is wired, and refused as everything else is
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: handshakeTimeoutMs,
    requestTimeout: handshakeTimeoutMs,
    connectionsCheckingInterval: Math.max(10, Math.floor(handshakeTimeoutMs / 4)),
  });
  http.maxHeadersCount = maxHeaderCount + 1; // Node drops what is beyond: one more shows that there was more
  return http;
}
