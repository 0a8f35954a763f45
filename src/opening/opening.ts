import type { EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isPromise } from '../connection/is-promise.js';
import { describePeer } from '../host/describe-peer.js';
import { readTarget } from '../protocol/opening/request-target.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import type { ThreadTls } from '../tls/thread-tls.js';
import { BacklogAcceptor } from './backlog-acceptor.js';
import { Boundary } from './boundary.js';
import { Clients, type ClientsOptions } from './clients.js';
import type { Destination } from './destination.js';
import { EarlierAnswers } from './earlier-answers.js';
import { Encryption } from './encryption.js';
import { Gate, type GateLists } from './gate.js';
import { HttpConnections } from './http-connections.js';
import { answerOrdinary, type OrdinaryRoutes, wireHttpServer } from './http-front.js';
import { createHttpServer, createHttpsServer, type HttpServerOptions } from './http-server.js';
import { LingeringSockets } from './lingering-sockets.js';
import { OpeningDeadlines } from './opening-deadlines.js';
import type { Places } from './places.js';
import { TlsHandshakes } from './tls-handshakes.js';
import { UnreadConnections } from './unread-connections.js';
import { OUT_OF_DESCRIPTORS } from './upgrade-acceptances.js';
import type { UpgradeDecisionsEnvironment } from './upgrade-decisions.js';
import { ignoreError, type UpgradeSocket } from './upgrade-socket.js';
import { Upgrader, type UpgraderOptions } from './upgrader.js';

/** The options of the opening handshake. They can be sent to other threads. */
export interface OpeningOptions extends HttpServerOptions, UpgraderOptions, GateLists, ClientsOptions {
  /** How long an HTTP client may take nothing of its answers, in ms; 0 for no limit. */
  readonly stallTimeoutMs: number;
}

/** What the opening handshake needs of its thread. */
export interface OpeningEnvironment {
  readonly options: OpeningOptions;
  /** Where accepted connections go. */
  readonly destination: Destination;
  /** Undefined on systems without koffi: then all connections go as streams. */
  readonly calls: SystemCalls | undefined;
  /** Where connections are counted. */
  readonly places: Places;
  /** The id of the next connection, which is that of this socket: unique in all threads. */
  readonly nextId: (socket: UpgradeSocket) => number;
  /** See {@link UpgradeDecisionsEnvironment.admit}. */
  readonly admit?: UpgradeDecisionsEnvironment['admit'];
  /** Answers ordinary requests. */
  readonly routes: OrdinaryRoutes;
  readonly incidents: IncidentLog;
  readonly log: ThrottledLog;
}

/**
 * The opening handshake in one thread. It begins with sockets that have sent nothing yet, or with upgrades of another HTTP
 * server. It ends with connections that are given to their destination. Any thread that has sockets may have one.
 */
export class Opening {
  readonly #environment: OpeningEnvironment;
  readonly gate: Gate;
  readonly connections: HttpConnections;
  readonly upgrader: Upgrader;
  readonly clients: Clients;
  /** Those of the connections that are begun here by their owner. All others have a limit for each step. */
  readonly deadlines: OpeningDeadlines;
  readonly #encryption = new Encryption();
  readonly #boundary: Boundary;
  readonly #lingering: LingeringSockets;
  readonly #earlierAnswers: EarlierAnswers;

  constructor(environment: OpeningEnvironment) {
    this.#environment = environment;
    const { options, calls, places, incidents, log } = environment;
    const { stallTimeoutMs, handshakeTimeoutMs } = options;
    const clients = new Clients(options);
    const connections = new HttpConnections({ stallTimeoutMs, places, clients, incidents, calls });
    const lingering = new LingeringSockets((socket) => connections.release(socket));
    const gate = new Gate(options);
    const boundary = new Boundary(log);
    const deadlines = new OpeningDeadlines({ limitMs: handshakeTimeoutMs, clients, incidents });
    this.gate = gate;
    this.clients = clients;
    this.deadlines = deadlines;
    this.#boundary = boundary;
    this.connections = connections;
    this.#lingering = lingering;
    this.#earlierAnswers = new EarlierAnswers(handshakeTimeoutMs);
    const encryption = this.#encryption;
    const hookLimitMs = (socket: UpgradeSocket) => deadlines.leftMs(socket.httpSocket ?? socket);
    const parts = { gate, clients, encryption, connections, lingering, boundary, hookLimitMs };
    this.upgrader = new Upgrader({ ...environment, ...parts });
  }

  /** Makes an HTTP server whose upgrades become connections. It does not listen yet. */
  createHttpServer(): Server {
    const http = createHttpServer(this.#environment.options, this.connections);
    this.wire(http);
    return http;
  }

  /** Makes an HTTP server that speaks TLS, and what watches over its handshakes. It does not listen yet. */
  createTlsServer(
    tls: ThreadTls,
    maxTlsHandshakes: number,
  ): { readonly server: HttpsServer; readonly handshakes: TlsHandshakes } {
    const { options, calls, incidents } = this.#environment;
    const server = createHttpsServer(options, this.connections, tls.serverOptions);
    const encryption = this.#encryption;
    encryption.tls = tls;
    this.wire(server);
    const { clients } = this;
    const parts = { server, tls, encryption, clients, maxTlsHandshakes, calls, incidents };
    return { server, handshakes: new TlsHandshakes(parts) };
  }

  /** Makes an HTTP server for connections for which there is no room: it answers requests, and refuses upgrades. */
  createRefusingServer(): Server {
    const http = createHttpServer(this.#environment.options, this.connections);
    this.wire(http, { onUpgrade: (request, stream, head) => this.upgrader.refuse(request, stream, head) });
    return http;
  }

  /**
   * Turns the upgrades of an HTTP server into connections, and answers everything else that comes to the server.
   * @param upgrader gets the upgrades.
   */
  wire(http: Server | HttpsServer, upgrader: Pick<Upgrader, 'onUpgrade'> = this.upgrader): void {
    const { options, incidents, routes } = this.#environment;
    const { gate, connections } = this;
    const { maxHeaderCount } = options;
    const lingering = this.#lingering;
    const clients = this.clients;
    const boundary = this.#boundary;
    const parts = { gate, encryption: this.#encryption, clients, connections, lingering, upgrader, routes, boundary };
    wireHttpServer(http, { maxHeaderCount, incidents, ...parts });
  }

  /**
   * Helps an HTTP server of this opening to accept many connections at once, see {@link BacklogAcceptor}. Call it when the server
   * listens.
   * @param reservedFrom see {@link Backlog}.
   */
  acceptBacklogOf(http: Server, reservedFrom: number | undefined): void {
    const { calls, places, log } = this.#environment;
    if (calls === undefined) return;
    const onOutOfDescriptors = () => log.throttled('error', OUT_OF_DESCRIPTORS, OUT_OF_DESCRIPTORS);
    const environment = this.#unreadEnvironment(calls);
    const room = () => places.room;
    new BacklogAcceptor({
      ...environment,
      ...{ http, upgrader: this.upgrader, room, reservedFrom, onOutOfDescriptors },
    }).start();
  }

  /**
   * Makes what takes connections that another thread has accepted.
   * @param http gets every connection that is not upgraded from its descriptor.
   * @param upgrader is asked for the others.
   */
  unreadConnections(http: EventEmitter, calls: SystemCalls, upgrader: Pick<Upgrader, 'onRequest'>): UnreadConnections {
    return new UnreadConnections({ ...this.#unreadEnvironment(calls), http, upgrader });
  }

  #unreadEnvironment(calls: SystemCalls) {
    return { ...this.#environment.options, calls, clients: this.clients, boundary: this.#boundary };
  }

  /** How many upgrades wait now: for earlier answers, for the hook, or for the kernel to take the 101. */
  get pendingUpgrades(): number {
    return this.#earlierAnswers.size + this.upgrader.load;
  }

  /**
   * Takes an upgrade from an HTTP server of the application. It is judged when all earlier requests of its socket are answered.
   * @param decided see {@link Upgrader.onUpgrade}.
   */
  takeUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array, decided?: unknown): void {
    const boundary = this.#boundary;
    boundary.guard(socket, () => {
      // If it rejects before it is looked at, or is never looked at because the client is refused, that is no error of the process.
      if (isPromise(decided)) decided.then(undefined, () => {});
      // Newer versions of Node put a stream of their own around the socket if the request has a body.
      if (socket !== request.socket) socket.on('error', ignoreError);
      const proceed = () => {
        boundary.guard(socket, () => {
          if (socket instanceof Socket) socket.setNoDelay(true); // as those of our own HTTP server
          this.upgrader.onUpgrade(request, socket, head, decided);
        });
      };
      this.#earlierAnswers.after(request.socket, proceed, () => {
        const who = describePeer(this.clients.addressFor(request.rawHeaders, request.socket));
        const what = 'an upgrade behind a request that is not answered';
        this.#environment.incidents.add(LimitIncident.REFUSED_HANDSHAKES, who, what);
      });
    });
  }

  /**
   * Answers an ordinary request of an HTTP server of the application, if it is one for the page, the health or the metrics.
   * @returns false if it is not, and nothing was done.
   */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const { options, incidents, routes } = this.#environment;
    const path = readTarget(request.url ?? '')?.path;
    if (path === undefined || !routes.has(path)) return false;
    const { gate, clients } = this;
    const { maxHeaderCount } = options;
    this.#boundary.guard(response, () => {
      answerOrdinary(
        { encryption: this.#encryption, maxHeaderCount, gate, clients, incidents, routes },
        request,
        response,
      );
    });
    return true;
  }

  /** Destroys all sockets that were not given to the destination. */
  destroyAll(): void {
    this.#lingering.destroyAll();
    this.connections.destroyAll();
  }
}
