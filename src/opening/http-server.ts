import { createServer, type Server } from 'node:http';
import type { HttpConnections } from './http-connections.js';
import { stoppableRequest } from './stoppable-request.js';

/** The limits that Node's HTTP server keeps by itself. */
export interface HttpServerOptions {
  /** The time for the head of a request, and for the whole request, in ms; beyond it 408. */
  readonly handshakeTimeoutMs: number;
  /** The longest head of a request, in bytes; beyond it 431. */
  readonly maxHeaderBytes: number;
  /** The most headers of a request; beyond it 431. */
  readonly maxHeaderCount: number;
}

/**
 * Makes an HTTP server that answers nothing yet: see {@link wireHttpServer}.
 * @param connections the connections of this server, and of the other HTTP servers of its thread.
 */
export function createHttpServer(
  { handshakeTimeoutMs, maxHeaderBytes, maxHeaderCount }: HttpServerOptions,
  connections: HttpConnections,
): Server {
  const http = createServer({
    IncomingMessage: stoppableRequest(connections),
    noDelay: true,
    requireHostHeader: false, // Host is judged by `wireHttpServer`, and refused as everything else is
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: handshakeTimeoutMs,
    requestTimeout: handshakeTimeoutMs,
    connectionsCheckingInterval: Math.max(10, Math.floor(handshakeTimeoutMs / 4)),
  });
  http.maxHeadersCount = maxHeaderCount + 1; // Node drops further headers: one above the limit shows that there were more
  return http;
}
