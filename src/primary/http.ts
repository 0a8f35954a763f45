import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { LimitIncident } from '../telemetry/limit-incident.js';
import { describePeer } from '../host/describe-peer.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { answer as send, type Health, Routes } from '../monitor/routes.js';
import { renderRefusal } from '../protocol/handshake-response.js';
import { excerpt } from '../options/shown.js';
import { equalsIgnoringCase } from '../protocol/header-grammar.js';
import { readOrdinaryRequest } from '../protocol/ordinary-request.js';
import { type Admission, FOREIGN_HOST } from './admission.js';
import { Boundary } from './boundary.js';
import type { HttpConnections } from './http-connections.js';
import type { Lingering } from './lingering.js';
import { describeNoRequest } from './no-request.js';
import type { ResolvedOptions } from './options.js';
import { stoppableRequest } from './stoppable-request.js';
import type { Upgrader } from './upgrade.js';

/** What the HTTP side of a server needs of the rest. */
export interface HttpContext {
  readonly options: ResolvedOptions;
  readonly admission: Admission;
  readonly incidents: IncidentLog;
  readonly connections: HttpConnections;
  readonly lingering: Lingering;
  /** For `/healthz`. */
  readonly health: () => Health;
  /** Who upgrades; undefined before the server has started, when nothing comes. */
  readonly upgrader: () => Upgrader | undefined;
}

/** What a request is refused with. */
interface HttpRefusal {
  readonly status: number;
  readonly body: string;
}

/**
 * Makes the HTTP server of the primary: ordinary requests, those for an upgrade, and what is no request at all. Whatever comes
 * pipelined on one connection is answered or closed, in its order.
 */
export function createHttp(context: HttpContext): Server {
  const { options, connections, lingering, health, upgrader } = context;
  const { handshakeTimeoutMs, maxHeaderBytes, maxHeaderCount } = options;
  const http = createServer({
    IncomingMessage: stoppableRequest(connections),
    noDelay: true,
    requireHostHeader: false, // judged here, and refused as everything else is
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: handshakeTimeoutMs,
    requestTimeout: handshakeTimeoutMs,
    connectionsCheckingInterval: Math.max(10, Math.floor(handshakeTimeoutMs / 4)),
  });
  http.maxHeadersCount = maxHeaderCount + 1; // Node drops what is beyond: one more shows that there was more
  const boundary = new Boundary(options.log);
  const routes = new Routes(health, options);
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const refusal = judgeRequest(context, request);
    if (refusal === undefined) {
      routes.handle(request, response);
      return;
    }
    connections.stopOnce(request.socket);
    send(request, response, refusal.status, 'text/plain', refusal.body, { Connection: 'close' });
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    boundary.guard(request.socket, () => {
      if (connections.take(request.socket, response)) answer(request, response);
    });
  };
  /** Node has given the socket up. Nothing is answered before what came before it. */
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    boundary.guard(socket, () => {
      socket.on('error', () => {}); // 'close' follows
      if (!connections.stopOnce(request.socket)) {
        socket.resume(); // behind an answer that is the connection's last
        return;
      }
      connections.afterAnswers(request.socket, () => {
        boundary.guard(socket, () => {
          if (socket.destroyed) return;
          // The answer to an earlier request has set it, for idle connections.
          if (socket instanceof Socket) socket.setTimeout(0);
          if (request.method !== 'CONNECT' && namesWebSocket(request.headers.upgrade)) {
            upgrader()?.onUpgrade(request, socket, head);
          } else {
            lingering.add(socket);
            answerWithoutUpgrade(request, socket, answer);
          }
        });
      });
    });
  };
  http.on('connection', (socket: Socket) => boundary.guard(socket, () => void connections.add(socket)));
  http.on('request', onRequest);
  http.on('checkContinue', onRequest);
  http.on('checkExpectation', onRequest);
  http.on('clientError', (error, socket) => {
    boundary.guard(socket, () => answerClientError(context, boundary, error, socket));
  });
  http.on('upgrade', onUpgrade);
  http.on('connect', onUpgrade);
  return http;
}

/** Why an ordinary request is refused; undefined if it is not. */
function judgeRequest(
  { options, incidents, admission }: HttpContext,
  { rawHeaders, headers, httpVersion, url = '', socket }: IncomingMessage,
): HttpRefusal | undefined {
  const { maxHeaderCount } = options;
  const who = describePeer(socket.remoteAddress);
  if (rawHeaders.length > 2 * maxHeaderCount) {
    incidents.add(LimitIncident.REFUSED_HANDSHAKES, who);
    return { status: 431, body: `a request may have at most ${maxHeaderCount} headers\n` };
  }
  const read = readOrdinaryRequest({ target: url, httpVersion, rawHeaders });
  if ('problem' in read) {
    incidents.add(LimitIncident.REFUSED_HANDSHAKES, who, read.problem);
    return { status: 400, body: `${read.problem}\n` };
  }
  // Every browser sends Host. The guard against foreign names that point to this server concerns browsers only.
  if (read.host !== undefined && !admission.allowsHost(read.host)) {
    incidents.add(FOREIGN_HOST.incident, who, `Host ${excerpt(read.host)}`);
    return FOREIGN_HOST;
  }
  const { expect } = headers;
  if (expect === undefined || equalsIgnoringCase(expect, '100-continue')) return undefined;
  return { status: 417, body: 'of expectations only 100-continue is met\n' };
}

/** What Node finds wrong with a request, but for its syntax. */
const STATUS_OF_CLIENT_ERROR: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Something came that is no HTTP request, or not whole in time: behind those that were. */
function answerClientError(
  { incidents, connections, lingering }: HttpContext,
  boundary: Boundary,
  error: NodeJS.ErrnoException,
  socket: Duplex,
): void {
  const { code } = error;
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  if (!connections.stopOnce(socket)) return; // whatever comes behind it is an error again
  const { remoteAddress } = socket as Socket; // of an HTTP server of ours, which listens on TCP
  incidents.add(LimitIncident.REFUSED_HANDSHAKES, describePeer(remoteAddress));
  const body = `${describeNoRequest((error as { readonly rawPacket?: Uint8Array }).rawPacket)}\n`;
  const last = renderRefusal(STATUS_OF_CLIENT_ERROR[code ?? ''] ?? 400, { body });
  connections.afterAnswers(socket, () => boundary.guard(socket, () => lingering.end(socket, last)));
}

function namesWebSocket(upgrade: string | undefined): boolean {
  return upgrade !== undefined && /\bwebsocket\b/i.test(upgrade);
}

/**
 * A server may ignore an Upgrade to what it does not speak (RFC 9110 section 7.8): HTTP clients offer h2c, and expect an
 * ordinary answer. Node has given the socket up; after the answer it is closed.
 */
function answerWithoutUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket); // of an HTTP server of ours, which listens on TCP
  response.on('finish', () => socket.end());
  answer(request, response);
}
