import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { describePeer } from '../host/describe-peer.js';
import { excerpt } from '../options/shown.js';
import { renderRefusal } from '../protocol/opening/handshake-response.js';
import { equalsIgnoringCase } from '../protocol/opening/header-grammar.js';
import { readOrdinaryRequest } from '../protocol/opening/ordinary-request.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import { answer as send } from './answer.js';
import type { Boundary } from './boundary.js';
import { FOREIGN_HOST, type Gate } from './gate.js';
import type { HttpConnections } from './http-connections.js';
import type { LingeringSockets } from './lingering-sockets.js';
import { describeNoRequest } from './no-request.js';
import { ignoreError } from './upgrade-socket.js';
import type { Upgrader } from './upgrader.js';

/** Answers ordinary requests. */
export interface OrdinaryRoutes {
  /** Whether there is something on this path: the page, or the health. */
  has(path: string): boolean;
  /** Answers a request that {@link readOrdinaryRequest} has accepted, in the turn in which the request came. */
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** The objects that an HTTP server is wired to. */
export interface HttpFrontEnvironment {
  /** The most headers of a request; beyond it 431. */
  readonly maxHeaderCount: number;
  readonly gate: Gate;
  readonly incidents: IncidentLog;
  readonly connections: HttpConnections;
  readonly lingering: LingeringSockets;
  readonly upgrader: Upgrader;
  readonly routes: OrdinaryRoutes;
  readonly boundary: Boundary;
}

/** The answer to a request that is refused. */
interface HttpRefusal {
  readonly status: number;
  readonly body: string;
}

/**
 * Connects the events of an HTTP server to the opening handshake: ordinary requests, requests for an upgrade, and bytes that are
 * no request. Pipelined requests of one connection are answered in their order, or the connection is closed.
 * @param http the result of {@link createHttpServer}, or a similar server.
 */
export function wireHttpServer(http: Server, environment: HttpFrontEnvironment): void {
  const { connections, lingering, upgrader, boundary } = environment;
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (!answerOrdinary(environment, request, response)) connections.stopOnce(request.socket);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    boundary.guard(request.socket, () => {
      if (connections.take(request.socket, response)) answer(request, response);
    });
  };
  /** Handles a request for an upgrade, whose socket Node has left to us. It is answered after all earlier requests. */
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    boundary.guard(socket, () => {
      socket.on('error', ignoreError); // 'close' follows
      if (!connections.stopOnce(request.socket)) {
        socket.resume(); // an earlier answer is the last one of the connection
        return;
      }
      connections.afterAnswers(request.socket, () => {
        boundary.guard(socket, () => {
          if (socket.destroyed) return;
          // Node has set a timeout after an earlier answer, for idle connections.
          if (socket instanceof Socket) socket.setTimeout(0);
          if (request.method !== 'CONNECT' && namesWebSocket(request.headers.upgrade)) {
            upgrader.onUpgrade(request, socket, head);
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
    boundary.guard(socket, () => answerClientError(environment, error, socket));
  });
  http.on('upgrade', onUpgrade);
  http.on('connect', onUpgrade);
}

/** Answers an ordinary request. @returns false if it was refused, and the answer is the last one of its connection */
export function answerOrdinary(
  environment: Pick<HttpFrontEnvironment, 'maxHeaderCount' | 'incidents' | 'gate' | 'routes'>,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const refusal = judgeRequest(environment, request);
  if (refusal === undefined) {
    environment.routes.handle(request, response);
    return true;
  }
  send(request, response, refusal.status, 'text/plain', refusal.body, { Connection: 'close' });
  return false;
}

/** Why an ordinary request is refused; undefined if it is not. */
function judgeRequest(
  { maxHeaderCount, incidents, gate }: Pick<HttpFrontEnvironment, 'maxHeaderCount' | 'incidents' | 'gate'>,
  { rawHeaders, headers, httpVersion, url = '', socket }: IncomingMessage,
): HttpRefusal | undefined {
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
  // A request without Host comes from no browser. Only browsers need the guard against foreign names that point to this server.
  if (read.host !== undefined && !gate.allowsHost(read.host)) {
    incidents.add(FOREIGN_HOST.incident, who, `Host ${excerpt(read.host)}`);
    return FOREIGN_HOST;
  }
  const { expect } = headers;
  if (expect === undefined || equalsIgnoringCase(expect, '100-continue')) return undefined;
  return { status: 417, body: 'of expectations only 100-continue is met\n' };
}

/** The statuses for errors of Node's parser that are not about syntax, by their codes. */
const STATUS_OF_CLIENT_ERROR: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * Answers bytes that are no HTTP request, or a request that was not whole in time. The answer comes behind those to all earlier
 * requests.
 */
function answerClientError(
  { incidents, connections, lingering, boundary }: HttpFrontEnvironment,
  error: NodeJS.ErrnoException,
  socket: Duplex,
): void {
  const { code } = error;
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  if (!connections.stopOnce(socket)) return; // everything behind the first error is an error again
  const { remoteAddress } = socket as Socket; // a socket of our HTTP server, which listens on TCP
  incidents.add(LimitIncident.REFUSED_HANDSHAKES, describePeer(remoteAddress));
  const body = `${describeNoRequest((error as { readonly rawPacket?: Uint8Array }).rawPacket)}\n`;
  const last = renderRefusal(STATUS_OF_CLIENT_ERROR[code ?? ''] ?? 400, { body });
  connections.afterAnswers(socket, () => boundary.guard(socket, () => lingering.end(socket, last)));
}

/** Whether a header Upgrade names the protocol that is spoken here, among others maybe. */
export function namesWebSocket(upgrade: string | undefined): boolean {
  return upgrade !== undefined && /\bwebsocket\b/i.test(upgrade);
}

/**
 * Answers a request for another protocol than WebSocket as if it asked for no upgrade (RFC 9110 section 7.8). HTTP clients offer
 * h2c, and expect an ordinary answer. Node has left the socket to us, so it is closed after the answer.
 */
function answerWithoutUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket); // a socket of our HTTP server, which listens on TCP
  response.on('finish', () => socket.end());
  answer(request, response);
}
