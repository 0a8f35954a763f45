import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import { describePeer } from '../host/describe-peer.js';
import { excerpt } from '../options/shown.js';
import { renderRefusal } from '../protocol/opening/handshake-response.js';
import { equalsIgnoringCase } from '../protocol/opening/header-grammar.js';
import { readOrdinaryRequest } from '../protocol/opening/ordinary-request.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import { answer as send } from './answer.js';
import type { Boundary } from './boundary.js';
import type { Clients } from './clients.js';
import { type Encryption, MISDIRECTED } from './encryption.js';
import { FOREIGN_HOST, type Gate } from './gate.js';
import type { HttpConnections } from './http-connections.js';
import type { LingeringSockets } from './lingering-sockets.js';
import { describeNoRequest } from './no-request.js';
import { ignoreError } from './upgrade-socket.js';
import type { Upgrader } from './upgrader.js';

/** Answers ordinary requests. */
export interface OrdinaryRoutes {
  /** Whether there is something on this path: the page, the health, or the metrics. */
  has(path: string): boolean;
  /** Answers a request that {@link readOrdinaryRequest} has accepted, in the turn in which the request came. */
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** The objects that an HTTP server is wired to. */
export interface HttpFrontEnvironment {
  /** The most headers of a request; beyond it 431. */
  readonly maxHeaderCount: number;
  readonly gate: Gate;
  readonly encryption: Encryption;
  readonly clients: Clients;
  readonly incidents: IncidentLog;
  readonly connections: HttpConnections;
  readonly lingering: LingeringSockets;
  readonly upgrader: Pick<Upgrader, 'onUpgrade'>;
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
export function wireHttpServer(http: Server | HttpsServer, environment: HttpFrontEnvironment): void {
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
  // Over TLS a connection is one of HTTP when its handshake is over.
  const accepted = http instanceof TlsServer ? 'secureConnection' : 'connection';
  http.on(accepted, (socket: Socket) => boundary.guard(socket, () => void connections.add(socket)));
  http.on('request', onRequest);
  http.on('checkContinue', onRequest);
  http.on('checkExpectation', onRequest);
  http.on('clientError', (error, socket) => {
    boundary.guard(socket, () => {
      // Over TLS this comes also for a handshake that has failed: there is nothing that could be answered.
      if (accepted === 'connection' || connections.has(socket)) answerClientError(environment, error, socket);
      else socket.destroy();
    });
  });
  http.on('upgrade', onUpgrade);
  http.on('connect', onUpgrade);
}

type JudgeEnvironment = Pick<HttpFrontEnvironment, 'maxHeaderCount' | 'incidents' | 'gate' | 'encryption' | 'clients'>;

/** Answers an ordinary request. @returns false if it was refused, and the answer is the last one of its connection */
export function answerOrdinary(
  environment: JudgeEnvironment & Pick<HttpFrontEnvironment, 'routes'>,
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
  { maxHeaderCount, incidents, gate, encryption, clients }: JudgeEnvironment,
  { rawHeaders, headers, httpVersion, url = '', socket }: IncomingMessage,
): HttpRefusal | undefined {
  const who = describePeer(clients.addressFor(rawHeaders, socket));
  if (rawHeaders.length > 2 * maxHeaderCount) {
    incidents.add(LimitIncident.REFUSED_HANDSHAKES, who, `${rawHeaders.length / 2} headers (maxHeaderCount)`);
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
  if (!encryption.covers(socket, read.host ?? '')) {
    incidents.add(LimitIncident.REFUSED_TLS, who, `Host ${excerpt(read.host ?? '')}`);
    return MISDIRECTED;
  }
  const { expect } = headers;
  if (expect === undefined || equalsIgnoringCase(expect, '100-continue')) return undefined;
  return { status: 417, body: 'of expectations only 100-continue is met\n' };
}

/** The answers to errors of Node's HTTP server that are not about syntax, by their codes, and what the log says of each. */
const LIMITS_OF_NODE: Readonly<Record<string, { readonly status: number; readonly detail: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'the head of the request is too long (maxHeaderBytes)' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: 'the extensions of a chunk are too long' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'the request was not whole in time (handshakeTimeoutMs)' },
};

/**
 * Answers bytes that are no HTTP request, or a request that was not whole in time. The answer comes behind those to all earlier
 * requests.
 */
function answerClientError(
  { incidents, clients, connections, lingering, boundary }: HttpFrontEnvironment,
  error: NodeJS.ErrnoException,
  socket: Duplex,
): void {
  const { code } = error;
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  if (!connections.stopOnce(socket)) return; // everything behind the first error is an error again
  const found = describeNoRequest((error as { readonly rawPacket?: Uint8Array }).rawPacket);
  const { status, detail } = LIMITS_OF_NODE[code ?? ''] ?? { status: 400, detail: found };
  incidents.add(LimitIncident.REFUSED_HANDSHAKES, clients.describe(socket as Socket), detail); // a socket of our HTTP server
  const last = renderRefusal(status, { body: `${found}\n` });
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
  response.assignSocket(socket as Socket); // a socket of our HTTP server
  response.on('finish', () => socket.end());
  answer(request, response);
}
