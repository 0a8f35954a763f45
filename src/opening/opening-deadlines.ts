import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { Clients } from './clients.js';
import { plainSocketOf } from './tls-handshakes.js';

export interface OpeningDeadlinesEnvironment {
  /** The time for TLS, the first request and its hook together, in ms. */
  readonly limitMs: number;
  readonly clients: Clients;
  readonly incidents: IncidentLog;
}

/** When the opening handshake of a connection has to be done. */
interface Deadline {
  /** By `performance.now()`. */
  readonly atMs: number;
  /** Ends the connection then; undefined as long as nothing is awaited of the client. */
  timer: NodeJS.Timeout | undefined;
}

/**
 * The one deadline that each connection has for TLS, its request and the hook `upgrade` together. It begins when the connection is
 * taken. A connection without a deadline gives its hook the whole time. It is one that was not begun here, or whose client has sent
 * an ordinary request: a client may use a connection for such requests for long, and upgrade it then. Node's own timers bound its
 * later requests.
 */
export class OpeningDeadlines {
  readonly #environment: OpeningDeadlinesEnvironment;
  /** By the sockets of TCP, then by those of TLS; by what stands for the connection if no HTTP server reads it. */
  readonly #deadlines = new WeakMap<object, Deadline>();
  /** One function for all sockets, because each of them keeps its listener for as long as it lives. */
  readonly #onClose: (this: object) => void;

  constructor(environment: OpeningDeadlinesEnvironment) {
    this.#environment = environment;
    const deadlines = this;
    this.#onClose = function () {
      deadlines.#stop(this);
    };
  }

  /** Follows the connections of an HTTP server, which need not listen. */
  watch(http: EventEmitter): void {
    http.prependListener('secureConnection', (socket: TLSSocket) => this.#onSecure(http, socket));
    for (const event of ['request', 'checkContinue', 'checkExpectation']) {
      http.prependListener(event, ({ socket }: IncomingMessage) => this.#onOrdinary(socket));
    }
    for (const event of ['upgrade', 'connect']) {
      http.prependListener(event, ({ socket }: IncomingMessage) => this.#stop(socket));
    }
    http.prependListener('clientError', (_error: Error, socket: object) => this.#stop(socket)); // it has its last answer
  }

  /**
   * Begins the time of a connection whose request is there.
   * @param connection the socket, or what stands for it.
   * @param usedMs how much of its time is over already, in ms.
   */
  begin(connection: object, usedMs = 0): void {
    const atMs = performance.now() + this.#environment.limitMs - usedMs;
    this.#deadlines.set(connection, { atMs, timer: undefined });
  }

  /** Begins the time of a connection that has to speak TLS first. @param usedMs see {@link begin} */
  beginTls(socket: Socket, usedMs?: number): void {
    this.begin(socket, usedMs);
    this.#expect(socket, () => {
      const { clients, incidents } = this.#environment;
      const what = 'no handshake in time (handshakeTimeoutMs)';
      incidents.add(LimitIncident.REFUSED_TLS, clients.describe(socket), what);
      socket.destroy();
    });
  }

  /**
   * Begins the time of a connection that an HTTP server reads.
   * @param http answers a client that is late.
   * @param usedMs see {@link begin}.
   */
  beginRequest(http: EventEmitter, socket: Socket, usedMs?: number): void {
    this.begin(socket, usedMs);
    this.#expectRequest(http, socket);
  }

  /** Whether the time of a connection was begun, and its client has not sent an ordinary request. */
  isRunning(connection: object): boolean {
    return this.#deadlines.has(connection);
  }

  /** How much time a connection has left for its hook, in ms; 0 if it is over. */
  leftMs(connection: object): number {
    const { limitMs } = this.#environment;
    const atMs = this.#deadlines.get(connection)?.atMs;
    return atMs === undefined ? limitMs : Math.max(0, atMs - performance.now());
  }

  #onSecure(http: EventEmitter, socket: TLSSocket): void {
    const plain = plainSocketOf(socket);
    if (plain === undefined) return;
    const deadline = this.#deadlines.get(plain);
    if (deadline === undefined) return;
    clearTimeout(deadline.timer);
    this.#deadlines.delete(plain);
    this.#deadlines.set(socket, deadline);
    this.#expectRequest(http, socket);
  }

  #expectRequest(http: EventEmitter, socket: Socket): void {
    this.#expect(socket, () => {
      // As Node reports it for a server that listens.
      const error = Object.assign(new Error('no request in time'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
      http.emit('clientError', error, socket);
    });
  }

  #expect(socket: Socket, onLate: () => void): void {
    const deadline = this.#deadlines.get(socket);
    if (deadline === undefined) return;
    deadline.timer = setTimeout(onLate, this.leftMs(socket)).unref();
    socket.on('close', this.#onClose);
  }

  #onOrdinary(socket: object): void {
    this.#stop(socket);
    this.#deadlines.delete(socket);
  }

  /** Ends the wait for a request: it has come, or never will. */
  #stop(socket: object): void {
    const deadline = this.#deadlines.get(socket);
    if (deadline === undefined) return;
    clearTimeout(deadline.timer);
    deadline.timer = undefined;
  }
}
