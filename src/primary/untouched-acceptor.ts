import { closeSync } from 'node:fs';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { AcceptedInfo, Proxied, UntouchedHandOff } from '../host/hand-off.js';
import { Backlog } from '../opening/backlog.js';
import { Boundary } from '../opening/boundary.js';
import { FirstBytes } from '../opening/first-bytes.js';
import type { Opening } from '../opening/opening.js';
import type { Places } from '../opening/places.js';
import { PostponedHandshakes } from '../opening/postponed-handshakes.js';
import { ProxyHeaders } from '../opening/proxy-headers.js';
import { noteUnanswered } from '../opening/unanswered-refusal.js';
import { OUT_OF_DESCRIPTORS } from '../opening/upgrade-acceptances.js';
import { adoptSocket } from '../opening/upgrade-socket.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import { nextConnectionId } from './connection-ids.js';
import type { Front } from './front.js';

/** Why a connection is refused that no worker can take. */
const UNAVAILABLE = { incident: LimitIncident.REFUSED_UNAVAILABLE, body: 'the server is not available' };

export interface UntouchedAcceptorEnvironment {
  readonly calls: SystemCalls;
  readonly places: Places;
  /** Where accepted connections go. */
  readonly destination: {
    /** Why no connection can be handed over now; undefined if connections can be. */
    readonly unavailable: string | undefined;
    place(handOff: UntouchedHandOff): void;
  };
  /** The opening handshake of the primary, which refuses the connections above the limits. */
  readonly opening: Opening;
  /** Whether connections are encrypted. Then nobody is told why it is refused: that would cost a handshake. */
  readonly isEncrypted: boolean;
  /** How long a header of the PROXY protocol may take; undefined if connections do not begin with one. */
  readonly proxyProtocol: { readonly limitMs: number } | undefined;
  /** See {@link Backlog}. */
  readonly reservedFrom?: number | undefined;
  readonly incidents: IncidentLog;
  readonly log: ThrottledLog;
}

/** Whose connection it is. */
type AcceptedFrom = Omit<AcceptedInfo, 'id'>;

/**
 * Accepts connections and hands them over to workers, which do the opening handshake. Nothing is read of a connection but its
 * header of the PROXY protocol, if it has to begin with one: only then it is known whose connection it is. Only the limits of the
 * number of connections are judged. A connection above them, or one that no worker can take now, is refused in this thread: with an
 * answer, or, if connections are encrypted, without one.
 */
export class UntouchedAcceptor implements Front {
  readonly server: NetServer;
  readonly #environment: UntouchedAcceptorEnvironment;
  /** Answers connections that are refused. It never listens. */
  readonly #http: ReturnType<Opening['createRefusingServer']>;
  readonly #backlog: Backlog;
  readonly #boundary: Boundary;
  readonly #postponed = new PostponedHandshakes();
  /** Undefined without the PROXY protocol. */
  readonly #headers: ProxyHeaders | undefined;

  constructor(environment: UntouchedAcceptorEnvironment) {
    this.#environment = environment;
    this.#boundary = new Boundary(environment.log);
    this.#http = environment.opening.createRefusingServer();
    this.#http.emit('listening'); // Node checks the times of requests only from this event on
    const options = { pauseOnConnect: true, allowHalfOpen: true, noDelay: true };
    this.server = createServer(options, (socket) => this.#backlog.takeSocket(socket));
    const { calls, opening, places, incidents, proxyProtocol } = environment;
    const { clients } = opening;
    const onRead = (fd: number, remoteAddress: string | undefined, proxied: Proxied) =>
      this.#take(fd, { remoteAddress, proxied });
    const headers = proxyProtocol && new ProxyHeaders({ ...proxyProtocol, calls, clients, places, incidents, onRead });
    this.#headers = headers;
    const first = new FirstBytes({
      calls,
      isListening: () => this.server.listening,
      room: () => places.room,
      take: (fd, remoteAddress) => this.#take(fd, { remoteAddress }),
    });
    this.#backlog = new Backlog({
      server: this.server,
      calls,
      reservedFrom: environment.reservedFrom,
      take: (fd, remoteAddress) =>
        headers === undefined ? first.add(fd, remoteAddress) : headers.take(fd, remoteAddress),
      onOutOfDescriptors: () => environment.log.throttled('error', OUT_OF_DESCRIPTORS, OUT_OF_DESCRIPTORS),
    });
  }

  get load(): number {
    return this.#headers?.load ?? 0;
  }

  /** Call this when the server listens. */
  start(): void {
    this.#backlog.start();
  }

  useTls(): void {} // the threads speak it

  /** Ends the connections that are being refused. */
  close(): void {
    this.#headers?.close();
    this.#postponed.judgeAll(); // then none waits, because the server is closed
    this.#http.closeAllConnections();
    this.#http.close(() => {}); // an error: it does not listen; but its timer is stopped
  }

  /** @param triesLeft how often the connection may be judged again, if it is above a limit */
  #take(fd: number, from: AcceptedFrom, triesLeft = this.#postponed.tries): void {
    const { places, destination, isEncrypted } = this.#environment;
    const { remoteAddress, proxied } = from;
    const isClient = proxied?.isTold === false;
    const isProxy =
      remoteAddress !== undefined && this.#environment.opening.clients.isProxy({ remoteAddress, isClient });
    const peer = isProxy ? {} : { remoteAddress }; // a proxy does not count for its own address
    const refusal = places.refusalFor(peer);
    const isAvailable = destination.unavailable === undefined;
    if (isAvailable && refusal === undefined) {
      const id = nextConnectionId();
      places.enter(id, peer);
      destination.place({ fd, info: { id, ...from } });
    } else if (isAvailable && triesLeft > 0) {
      this.#postponed.postpone(() => this.#take(fd, from, triesLeft - 1));
    } else if (isEncrypted) {
      closeSync(fd);
      noteUnanswered(this.#environment.incidents, refusal ?? UNAVAILABLE, remoteAddress);
    } else {
      this.#refuse(fd, from);
    }
  }

  #refuse(fd: number, { remoteAddress, proxied }: AcceptedFrom): void {
    let socket: Socket | undefined;
    const destroy = () => (socket === undefined ? closeSync(fd) : socket.destroy());
    this.#boundary.guard({ destroy }, () => {
      socket = adoptSocket(fd);
      if (proxied !== undefined) {
        this.#environment.opening.clients.note(socket, { remoteAddress, isClient: !proxied.isTold });
      }
      this.#http.emit('connection', socket);
    });
  }
}
