import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Clock } from '../connection/clock.js';
import { describePeer } from '../host/describe-peer.js';
import { descriptorOf } from '../system/descriptor.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import { networkOf } from './network.js';
import type { EarlyRefusal, Places } from './places.js';
import { type SurplusConnection, SurplusPool } from './surplus-pool.js';

/**
 * The most requests of one connection that wait for their answers. The answer to the last of them ends the connection. Only an
 * attacker sends more without reading, and a client may repeat requests that were not answered (RFC 9112 section 9.3.2).
 */
const MAX_UNANSWERED = 8;

/**
 * The most connections above the limits that wait for their one answer, and the most of one address. A connection that has sent
 * no request gives way to a newcomer.
 */
const MAX_SURPLUS = 32;
const MAX_SURPLUS_OF_ADDRESS = 8;
/** The same for a reserve beyond these, so that the health can be asked for even if one address takes all other places. */
const MAX_RESERVED = 8;
const MAX_RESERVED_OF_ADDRESS = 2;
/** How long a connection above the limits may take for the head of its request, and then for the answer, in ms. */
const SURPLUS_HEAD_MS = 1000;
const SURPLUS_ANSWER_MS = 2000;

const MIN_TICK_MS = 10;
const MAX_TICK_MS = 1000;

interface HttpConnection extends SurplusConnection {
  readonly socket: Socket;
  /** The pool in which a connection above the limits waits for its one answer; undefined for a connection within the limits. */
  pool: SurplusPool<HttpConnection> | undefined;
  /** Why the connection is above the limits; undefined if it is within them. */
  readonly refusal: EarlyRefusal | undefined;
  /** The network of a connection above the limits (see {@link networkOf}); '' for any other. */
  readonly network: string;
  hasRequest: boolean;
  /** Requests that were taken and are not answered, or that were answered in this turn of the event loop. */
  unanswered: number;
  /** Whether no more requests are taken. */
  isClosing: boolean;
  /** The action for when all answers are out. */
  afterAnswers: (() => void) | undefined;
  /** Ends a connection above the limits. */
  surplusTimer: NodeJS.Timeout | undefined;
  /** How many bytes the client has taken; undefined while no output waits for it. */
  acknowledgedBytes: number | undefined;
  acknowledgedAtMs: number;
}

export interface HttpConnectionsEnvironment {
  /** How long a client may take nothing of its answers, in ms; 0 for no limit. */
  readonly stallTimeoutMs: number;
  readonly places: Places;
  readonly incidents: IncidentLog;
  /** Undefined on systems without koffi. */
  readonly calls: SystemCalls | undefined;
}

/**
 * All TCP connections of the HTTP server, each from when it is accepted until it is closed, becomes a WebSocket, or lingers.
 * WebSockets and lingering sockets are counted elsewhere. This class bounds how many connections there are, how many requests of
 * each are under way, and how long a client may take nothing of its answers.
 */
export class HttpConnections {
  readonly #environment: HttpConnectionsEnvironment;
  readonly #connections = new Map<object, HttpConnection>();
  #counted = 0;
  readonly #surplus = new SurplusPool<HttpConnection>(MAX_SURPLUS, MAX_SURPLUS_OF_ADDRESS);
  readonly #reserved = new SurplusPool<HttpConnection>(MAX_RESERVED, MAX_RESERVED_OF_ADDRESS);
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | undefined;
  #tickedAtMs = 0;

  constructor(environment: HttpConnectionsEnvironment) {
    this.#environment = environment;
    this.#clock = new Clock(Math.min(Math.max(environment.stallTimeoutMs / 8, MIN_TICK_MS), MAX_TICK_MS));
  }

  /** How many connections are within the limits. */
  get load(): number {
    return this.#counted;
  }

  /** How many connections there are. */
  get size(): number {
    return this.#connections.size;
  }

  /**
   * Takes a connection that was accepted.
   * @returns false if the connection was destroyed, because there is no room even for an answer
   */
  add(socket: Socket): boolean {
    const { places } = this.#environment;
    const refusal = places.refusalFor(socket);
    const connection: HttpConnection = {
      socket,
      pool: undefined,
      refusal,
      network: refusal === undefined ? '' : networkOf(socket.remoteAddress ?? ''),
      hasRequest: false,
      unanswered: 0,
      isClosing: false,
      afterAnswers: undefined,
      surplusTimer: undefined,
      acknowledgedBytes: undefined,
      acknowledgedAtMs: this.#clock.nowMs,
    };
    if (refusal === undefined) {
      this.#counted++;
      places.enter(socket, socket);
    } else {
      if (!this.#enterSurplus(connection)) {
        this.#destroyUnanswered(connection);
        return false;
      }
      endAfter(connection, SURPLUS_HEAD_MS);
    }
    this.#connections.set(socket, connection);
    socket.once('close', () => this.release(socket));
    this.#watch();
    return true;
  }

  /** Finds a place for a connection above the limits in a pool whose connections get an answer. @returns false if there is none */
  #enterSurplus(connection: HttpConnection): boolean {
    const pools = [this.#surplus, this.#reserved];
    for (const pool of pools) {
      if (pool.enter(connection)) {
        connection.pool = pool;
        return true;
      }
    }
    for (const pool of pools) {
      const candidate = pool.candidateFor(connection.network);
      if (candidate === undefined) continue;
      this.release(candidate.socket);
      this.#destroyUnanswered(candidate);
      pool.enter(connection); // there is room now
      connection.pool = pool;
      return true;
    }
    return false;
  }

  #destroyUnanswered({ socket, refusal }: HttpConnection): void {
    const { incidents } = this.#environment;
    const who = describePeer(socket.remoteAddress);
    if (refusal !== undefined) incidents.add(refusal.incident, who);
    incidents.add(LimitIncident.REFUSED_UNANSWERED, who);
    socket.destroy();
  }

  /** Whether a socket is a connection of this server that is within the limits. */
  isCounted(socket: object): boolean {
    const connection = this.#connections.get(socket);
    return connection !== undefined && connection.pool === undefined;
  }

  /** Forgets a connection: it is closed, or it counts elsewhere from now on. */
  release(socket: object): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    this.#connections.delete(socket);
    clearTimeout(connection.surplusTimer);
    if (connection.pool !== undefined) connection.pool.leave(connection);
    else {
      this.#counted--;
      this.#environment.places.leave(socket);
    }
    this.#answered(connection); // the action that waits for answers runs now, since none will come
  }

  /**
   * Counts a request that `response` is to answer.
   * @returns false if the request must not be answered, because an earlier answer is the last one of its connection.
   */
  take(socket: object, response: ServerResponse): boolean {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return true;
    if (connection.isClosing) return false;
    connection.unanswered++;
    connection.hasRequest = true;
    const isSurplus = connection.pool !== undefined;
    if (isSurplus) endAfter(connection, SURPLUS_ANSWER_MS);
    if (isSurplus || connection.unanswered === MAX_UNANSWERED) {
      connection.isClosing = true;
      response.shouldKeepAlive = false;
      // Ended here even if the headers of the response say something else.
      response.once('finish', () => connection.socket.destroySoon());
    } else if (!response.shouldKeepAlive) {
      connection.isClosing = true; // the client has asked for that
    }
    // Counted later: otherwise each of thousands of requests in one chunk could be answered before Node reads the next one.
    response.once('close', () => setImmediate(() => this.#noteAnswer(connection)));
    return true;
  }

  #noteAnswer(connection: HttpConnection): void {
    connection.unanswered--;
    if (connection.unanswered === 0) this.#answered(connection);
  }

  /** Takes no more requests of a connection. @returns whether this was the first such call */
  stopOnce(socket: object): boolean {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return true;
    const isFirst = !connection.isClosing;
    connection.isClosing = true;
    connection.hasRequest = true;
    return isFirst;
  }

  /** Whether no more requests of a connection are taken. */
  isStopped(socket: object): boolean {
    return this.#connections.get(socket)?.isClosing === true;
  }

  /**
   * Runs an action when all requests that were taken are answered, or when the connection is lost; at once if none waits. Call it
   * once for each connection.
   */
  afterAnswers(socket: object, action: () => void): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || connection.unanswered === 0) action();
    else connection.afterAnswers = action;
  }

  destroyAll(): void {
    for (const { socket } of this.#connections.values()) socket.destroy();
  }

  #answered(connection: HttpConnection): void {
    const action = connection.afterAnswers;
    connection.afterAnswers = undefined;
    action?.();
  }

  /** Starts the timer that serves all connections, and runs only while there are any. */
  #watch(): void {
    if (this.#timer !== undefined || this.#environment.stallTimeoutMs === 0) return;
    this.#tickedAtMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), this.#clock.tickMs).unref();
  }

  #tick(): void {
    if (this.#connections.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    this.#clock.tick(now - this.#tickedAtMs);
    this.#tickedAtMs = now;
    for (const connection of this.#connections.values()) this.#checkStall(connection);
  }

  /** Destroys a connection whose client has taken nothing of its answers for too long. Node has no timer for that. */
  #checkStall(connection: HttpConnection): void {
    const { socket } = connection;
    const { nowMs } = this.#clock;
    const acknowledged = socket.writableLength === 0 ? undefined : this.#acknowledgedBytes(socket);
    if (acknowledged === undefined || acknowledged !== connection.acknowledgedBytes) {
      connection.acknowledgedBytes = acknowledged;
      connection.acknowledgedAtMs = nowMs;
      return;
    }
    if (nowMs - connection.acknowledgedAtMs <= this.#environment.stallTimeoutMs) return;
    this.#environment.incidents.add(LimitIncident.STALLS, describePeer(socket.remoteAddress), 'an HTTP client');
    socket.destroy();
  }

  #acknowledgedBytes(socket: Socket): number {
    const fd = descriptorOf(socket);
    const unacknowledged = fd < 0 ? 0 : (this.#environment.calls?.unacknowledgedBytes(fd) ?? 0);
    return socket.bytesWritten - socket.writableLength - unacknowledged;
  }
}

function endAfter(connection: HttpConnection, ms: number): void {
  clearTimeout(connection.surplusTimer);
  connection.surplusTimer = setTimeout(() => connection.socket.destroy(), ms).unref();
}
