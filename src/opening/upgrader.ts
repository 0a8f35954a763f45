import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describePeer } from '../host/describe-peer.js';
import { type HandshakeRequest, readHandshake } from '../protocol/opening/handshake.js';
import { excerpt, HandshakeError } from '../protocol/opening/handshake-error.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import type { Boundary } from './boundary.js';
import type { Clients } from './clients.js';
import type { Destination } from './destination.js';
import { type Encryption, MISDIRECTED } from './encryption.js';
import type { Gate } from './gate.js';
import type { HttpConnections } from './http-connections.js';
import type { LingeringSockets } from './lingering-sockets.js';
import type { PendingUpgrade } from './pending-upgrade.js';
import type { EarlyRefusal, Places } from './places.js';
import { PostponedHandshakes } from './postponed-handshakes.js';
import {
  UpgradeDecisions,
  type UpgradeDecisionsEnvironment,
  type UpgradeDecisionsOptions,
} from './upgrade-decisions.js';
import { UpgradeRefusals } from './upgrade-refusals.js';
import { ignoreError, StreamUpgradeSocket, type UpgradeSocket } from './upgrade-socket.js';

export interface UpgraderOptions extends UpgradeDecisionsOptions {
  /** The paths that WebSockets are accepted on; undefined for all. */
  readonly paths: ReadonlySet<string> | undefined;
  /** The most headers of a request; beyond it 431. */
  readonly maxHeaderCount: number;
}

export interface UpgraderEnvironment {
  readonly options: UpgraderOptions;
  readonly destination: Destination;
  /** The system calls of this thread; undefined on systems without koffi. */
  readonly calls: SystemCalls | undefined;
  readonly places: Places;
  /** The id of the next connection: unique in all threads. */
  readonly nextId: (socket: UpgradeSocket) => number;
  /** See {@link UpgradeDecisionsEnvironment.hookLimitMs}. */
  readonly hookLimitMs: UpgradeDecisionsEnvironment['hookLimitMs'];
  /** See {@link UpgradeDecisionsEnvironment.admit}. */
  readonly admit?: UpgradeDecisionsEnvironment['admit'];
  readonly gate: Gate;
  readonly clients: Clients;
  readonly encryption: Encryption;
  /** The connections of our HTTP servers that are not upgraded yet. */
  readonly connections: Pick<HttpConnections, 'isCounted' | 'release'>;
  /** Sockets of clients that are refused. */
  readonly lingering: LingeringSockets;
  readonly incidents: IncidentLog;
  readonly log: ThrottledLog;
  readonly boundary: Boundary;
}

/** A request for an upgrade on its way. */
interface Arrival {
  readonly request: HandshakeRequest;
  readonly socket: UpgradeSocket;
  /** See {@link PendingUpgrade.decided}. */
  readonly decided: unknown;
  /** When the request had been read, by `performance.now()`. */
  readonly sinceMs: number;
}

/**
 * Turns HTTP requests for an upgrade into connections (RFC 6455 section 4.2): judges the opening handshake, and gives a client that
 * may connect its place. {@link UpgradeDecisions} then asks the application. It works in every thread that has sockets.
 */
export class Upgrader {
  readonly #environment: UpgraderEnvironment;
  readonly #refusals: UpgradeRefusals;
  readonly #decisions: UpgradeDecisions;
  readonly #postponed = new PostponedHandshakes();

  constructor(environment: UpgraderEnvironment) {
    const { lingering, incidents } = environment;
    this.#environment = environment;
    this.#refusals = new UpgradeRefusals(lingering, incidents);
    this.#decisions = new UpgradeDecisions({ ...environment, refusals: this.#refusals });
  }

  /** How many upgrades wait now for a hook, or for the kernel to take a 101. */
  get load(): number {
    return this.#decisions.load;
  }

  /**
   * Handles a request for an upgrade: the 'upgrade' event of an HTTP server.
   * @param decided what the application has decided already. It is judged as the answer of the hook is, which is not asked then;
   * undefined if the hook is to be asked.
   */
  onUpgrade(request: IncomingMessage, stream: Duplex, head: Uint8Array, decided?: unknown): void {
    this.#onStream(request, stream, head, (read, socket) => this.#onArrival(read, socket, decided));
  }

  /**
   * Refuses a request for an upgrade, on a connection for which there was no room when it came. Room that there is by now does not
   * help it, because only another thread may open connections.
   */
  refuse(request: IncomingMessage, stream: Duplex, head: Uint8Array): void {
    this.#onStream(request, stream, head, (read, socket) => {
      const pending = this.#judge({ request: read, socket, decided: undefined, sinceMs: performance.now() }, 0);
      if (pending !== undefined) this.#refusals.refuseUnavailable(socket, NO_ROOM);
    });
  }

  #onStream(
    request: IncomingMessage,
    stream: Duplex,
    head: Uint8Array,
    handle: (request: HandshakeRequest, socket: UpgradeSocket) => void,
  ): void {
    stream.on('error', ignoreError); // 'close' follows; Node has removed its own listener
    const { method = '', url = '', httpVersion, rawHeaders } = request;
    this.#environment.boundary.guard(stream, () => {
      const client = this.#environment.clients.addressFor(rawHeaders, request.socket);
      const socket = new StreamUpgradeSocket(stream, client, head, this.#environment.encryption.of(stream));
      handle({ method, target: url, httpVersion, rawHeaders }, socket);
    });
  }

  /** Handles a request for an upgrade, however it was read. */
  onRequest(request: HandshakeRequest, socket: UpgradeSocket): void {
    this.#onArrival(request, socket, undefined);
  }

  #onArrival(request: HandshakeRequest, socket: UpgradeSocket, decided: unknown): void {
    this.#decideAbout({ request, socket, decided, sinceMs: performance.now() }, this.#postponed.tries);
  }

  /** @param triesLeft how often the request may be judged again */
  #decideAbout(arrival: Arrival, triesLeft: number): void {
    const pending = this.#judge(arrival, triesLeft);
    if (pending !== undefined) this.#decisions.decide(pending);
  }

  #judgeLater(arrival: Arrival, triesLeft: number): void {
    const { socket } = arrival;
    this.#postponed.postpone(() => {
      if (socket.isLost) return; // a place that it took now would never be given back
      this.#environment.boundary.guard({ destroy: () => socket.drop() }, () => {
        this.#decideAbout(arrival, triesLeft);
      });
    });
  }

  /** Judges a handshake. @returns undefined if it was refused, or will be judged again */
  #judge(arrival: Arrival, triesLeft: number): PendingUpgrade | undefined {
    const { request, socket } = arrival;
    const { options, destination, gate, encryption, incidents } = this.#environment;
    const { unavailable } = destination;
    if (unavailable !== undefined) {
      this.#refusals.refuseUnavailable(socket, unavailable);
      return undefined;
    }
    const { remoteAddress } = socket;
    const { rawHeaders } = request;
    const { paths, maxHeaderCount } = options;
    if (rawHeaders.length > 2 * maxHeaderCount) {
      const who = describePeer(remoteAddress);
      incidents.add(LimitIncident.REFUSED_HANDSHAKES, who, `${rawHeaders.length / 2} headers (maxHeaderCount)`);
      this.#refusals.refuse(socket, 431, `a request may have at most ${maxHeaderCount} headers\n`);
      return undefined;
    }
    try {
      const handshake = readHandshake(request);
      const { host, origin } = handshake;
      const foreign = gate.refusalFor(host, origin);
      if (foreign !== undefined) {
        incidents.add(foreign.incident, describePeer(remoteAddress), asked(host, origin));
        this.#refusals.refuse(socket, foreign.status, foreign.body);
        return undefined;
      }
      const full = this.#refusalFor(socket);
      if (full !== undefined) {
        if (triesLeft > 0) {
          this.#judgeLater(arrival, triesLeft - 1);
          return undefined;
        }
        incidents.add(full.incident, describePeer(remoteAddress));
        this.#refusals.refuseForNow(socket, full.body);
        return undefined;
      }
      const { httpSocket } = socket;
      if (httpSocket !== undefined && !encryption.covers(httpSocket, host)) {
        incidents.add(LimitIncident.REFUSED_TLS, describePeer(remoteAddress), asked(host, origin));
        this.#refusals.refuse(socket, MISDIRECTED.status, MISDIRECTED.body);
        return undefined;
      }
      if (paths !== undefined && !paths.has(handshake.path)) {
        this.#refusals.refuse(socket, 404, 'there is no WebSocket on this path\n');
        return undefined;
      }
      return this.#enter(handshake, arrival);
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error;
      incidents.add(LimitIncident.REFUSED_HANDSHAKES, describePeer(remoteAddress), error.message);
      this.#refusals.refuse(socket, error.status, `${error.message}\n`, error.headers);
      return undefined;
    }
  }

  /** Why a client is above a limit; undefined if it is not. */
  #refusalFor(socket: UpgradeSocket): EarlyRefusal | undefined {
    const { places, connections, clients } = this.#environment;
    const { httpSocket } = socket;
    if (httpSocket === undefined || !connections.isCounted(httpSocket)) return places.refusalFor(socket);
    // A connection of our HTTP server has its place already, but that of a proxy does not count for the client.
    return clients.isProxy(httpSocket) ? places.refusalOfAddress(socket) : undefined;
  }

  /** From now on the connection counts as a WebSocket. */
  #enter(handshake: PendingUpgrade['handshake'], { socket, decided, sinceMs }: Arrival): PendingUpgrade {
    const { places, connections, nextId } = this.#environment;
    const { httpSocket } = socket;
    const id = nextId(socket);
    if (httpSocket !== undefined) connections.release(httpSocket);
    places.enter(id, socket);
    socket.whenLost(() => places.leave(id));
    return { id, socket, handshake, decided, sinceMs };
  }

  /** Refuses all upgrades that still wait, because the server is going away. */
  close(): void {
    this.#decisions.close();
    this.#postponed.judgeAll();
  }
}

const NO_ROOM = 'there was no room for this connection when it came';

/** For the log: the Host and the Origin that are not allowed. */
function asked(host: string, origin: string | undefined): string {
  return `Host ${excerpt(host)}${origin === undefined ? '' : `, Origin ${excerpt(origin)}`}`;
}
