import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createSecureServer, type Server as HttpsServer } from 'node:https';
import type { TlsServerOptions } from '../tls/thread-tls.js';
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
export function createHttpServer(options: HttpServerOptions, connections: HttpConnections): Server {
  return limited(createServer(nodeOptions(options, connections)), options);
}

/** The longest time of a timer. Whoever gives the server a socket bounds its TLS handshake, with the time that it has waited. */
const NEVER_MS = 2 ** 31 - 1;

/** The same for HTTP over TLS. @param tls with what Node speaks TLS */
export function createHttpsServer(
  options: HttpServerOptions,
  connections: HttpConnections,
  tls: TlsServerOptions,
): HttpsServer {
  const handshakeTimeout = NEVER_MS;
  return limited(createSecureServer({ ...nodeOptions(options, connections), ...tls, handshakeTimeout }), options);
}

function nodeOptions(
  { handshakeTimeoutMs, maxHeaderBytes }: HttpServerOptions,
  connections: HttpConnections,
): ServerOptions {
  return {
    IncomingMessage: stoppableRequest(connections),
    noDelay: true,
    requireHostHeader: false, // Host is judged by `wireHttpServer`, and refused as everything else is
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: handshakeTimeoutMs,
    requestTimeout: handshakeTimeoutMs,
    connectionsCheckingInterval: Math.max(10, Math.floor(handshakeTimeoutMs / 4)),
  };
}

function limited<Limited extends Server | HttpsServer>(http: Limited, { maxHeaderCount }: HttpServerOptions): Limited {
  http.maxHeadersCount = maxHeaderCount + 1; // Node drops further headers: one above the limit shows that there were more
  return http;
}
