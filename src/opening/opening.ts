import type { Server } from 'node:http';
import type { SystemCalls } from '../system/system-calls.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import { BacklogAcceptor } from './backlog-acceptor.js';
import { Boundary } from './boundary.js';
import { Clients, type ClientsOptions } from './clients.js';
import type { Destination } from './destination.js';
import { Gate, type GateLists } from './gate.js';
import { HttpConnections } from './http-connections.js';
import { type OrdinaryRoutes, wireHttpServer } from './http-front.js';
import { createHttpServer, type HttpServerOptions } from './http-server.js';
import { LingeringSockets } from './lingering-sockets.js';
import type { Places } from './places.js';
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
  /** The id of the next connection: unique in all threads. */
  readonly nextId: () => number;
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
  readonly #clients: Clients;
  readonly #boundary: Boundary;
  readonly #lingering: LingeringSockets;

  constructor(environment: OpeningEnvironment) {
    this.#environment = environment;
    const { options, calls, places, incidents, log } = environment;
    const { stallTimeoutMs } = options;
    const clients = new Clients(options);
    const connections = new HttpConnections({ stallTimeoutMs, places, clients, incidents, calls });
    const lingering = new LingeringSockets((socket) => connections.release(socket));
    const gate = new Gate(options);
    const boundary = new Boundary(log);
    this.gate = gate;
    this.#clients = clients;
    this.#boundary = boundary;
    this.connections = connections;
    this.#lingering = lingering;
    this.upgrader = new Upgrader({ ...environment, gate, clients, connections, lingering, boundary });
  }

  /** Makes an HTTP server whose upgrades become connections. It does not listen yet. */
  createHttpServer(): Server {
    const http = createHttpServer(this.#environment.options, this.connections);
    this.wire(http);
    return http;
  }

  /** Turns the upgrades of an HTTP server into connections, and answers everything else that comes to the server. */
  wire(http: Server): void {
    const { options, incidents, routes } = this.#environment;
    const { gate, connections, upgrader } = this;
    const { maxHeaderCount } = options;
    const lingering = this.#lingering;
    const clients = this.#clients;
    const boundary = this.#boundary;
    const parts = { gate, clients, connections, lingering, upgrader, routes, boundary };
    wireHttpServer(http, { maxHeaderCount, incidents, ...parts });
  }

  /**
   * Helps an HTTP server of this opening to accept many connections at once, see {@link BacklogAcceptor}. Call it when the server
   * listens.
   */
  acceptBacklogOf(http: Server): void {
    const { options, calls } = this.#environment;
    if (calls === undefined) return;
    const { upgrader } = this;
    const { maxHeaderBytes, maxHeaderCount } = options;
    const clients = this.#clients;
    const boundary = this.#boundary;
    new BacklogAcceptor({ http, calls, upgrader, clients, boundary, maxHeaderBytes, maxHeaderCount }).start();
  }

  /** Destroys all sockets that were not given to the destination. */
  destroyAll(): void {
    this.#lingering.destroyAll();
    this.connections.destroyAll();
  }
}
