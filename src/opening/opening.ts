import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isPromise } from '../connection/is-promise.js';
import { describePeer } from '../host/describe-peer.js';
import { readTarget } from '../protocol/opening/request-target.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import { Boundary } from './boundary.js';
import type { Destination } from './destination.js';
import { EarlierAnswers } from './earlier-answers.js';
import { Gate, type GateLists } from './gate.js';
import { HttpConnections } from './http-connections.js';
import { answerOrdinary, type OrdinaryRoutes, wireHttpServer } from './http-front.js';
import { createHttpServer, type HttpServerOptions } from './http-server.js';
import { LingeringSockets } from './lingering-sockets.js';
import type { Places } from './places.js';
import { ignoreError } from './upgrade-socket.js';
import { Upgrader, type UpgraderOptions } from './upgrader.js';

/** The options of the opening handshake. They can be sent to other threads. */
export interface OpeningOptions extends HttpServerOptions, UpgraderOptions, GateLists {
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
  readonly boundary: Boundary;
  readonly #lingering: LingeringSockets;
  readonly #earlierAnswers: EarlierAnswers;

  constructor(environment: OpeningEnvironment) {
    this.#environment = environment;
    const { options, calls, places, incidents, log } = environment;
    const connections = new HttpConnections({ stallTimeoutMs: options.stallTimeoutMs, places, incidents, calls });
    const lingering = new LingeringSockets((socket) => connections.release(socket));
    this.gate = new Gate(options);
    this.boundary = new Boundary(log);
    this.connections = connections;
    this.#lingering = lingering;
    const { gate, boundary } = this;
    this.#earlierAnswers = new EarlierAnswers({
      timeoutMs: options.handshakeTimeoutMs,
      onGivenUp: (socket) => {
        const who = describePeer((socket as Socket).remoteAddress);
        incidents.add(LimitIncident.REFUSED_HANDSHAKES, who, 'an upgrade behind a request that is not answered');
      },
    });
    this.upgrader = new Upgrader({ ...environment, gate, connections, lingering, boundary });
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
    const { gate, connections, upgrader, boundary } = this;
    const { maxHeaderCount } = options;
    const lingering = this.#lingering;
    wireHttpServer(http, { maxHeaderCount, gate, incidents, connections, lingering, upgrader, routes, boundary });
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
    this.boundary.guard(socket, () => {
      // If it rejects before it is looked at, or is never looked at because the client is refused, that is no error of the process.
      if (isPromise(decided)) decided.then(undefined, () => {});
      // Newer versions of Node put a stream of their own around the socket if the request has a body.
      if (socket !== request.socket) socket.on('error', ignoreError);
      this.#earlierAnswers.after(request.socket, () => {
        this.boundary.guard(socket, () => {
          if (socket instanceof Socket) socket.setNoDelay(true); // as those of our own HTTP server
          this.upgrader.onUpgrade(request, socket, head, decided);
        });
      });
    });
  }

  /**
   * Answers an ordinary request of an HTTP server of the application, if it is one for the page or the health.
   * @returns false if it is not, and nothing was done.
   */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const { options, incidents, routes } = this.#environment;
    const path = readTarget(request.url ?? '')?.path;
    if (path === undefined || !routes.has(path)) return false;
    const { gate } = this;
    this.boundary.guard(response, () => {
      answerOrdinary({ maxHeaderCount: options.maxHeaderCount, gate, incidents, routes }, request, response);
    });
    return true;
  }

  /** Destroys all sockets that were not given to the destination. */
  destroyAll(): void {
    this.#lingering.destroyAll();
    this.connections.destroyAll();
  }
}
