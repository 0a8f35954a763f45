import type { Socket } from 'node:net';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { networkOf } from './network.js';
import type { EarlyRefusal, Peer } from './places.js';
import { type PoolMember, SurplusPool } from './surplus-pool.js';
import { noteUnanswered } from './unanswered-refusal.js';

/**
 * The most connections above the limits that wait for their one answer, and the most of one network. A connection that has sent
 * no request gives way to a newcomer.
 */
const MAX_SURPLUS = 32;
const MAX_SURPLUS_OF_NETWORK = 8;
/** The same for a reserve beyond these, so that the health can be asked for even if one network takes all other places. */
const MAX_RESERVED = 8;
const MAX_RESERVED_OF_NETWORK = 2;
/** How long a connection above the limits may take for the head of its request, and then for the answer, in ms. */
const HEAD_MS = 1000;
const ANSWER_MS = 2000;

/** A connection above the limits. It is destroyed if its request or its answer takes too long. */
export class SurplusConnection implements PoolMember {
  readonly socket: Socket;
  /** Why the connection is above the limits. */
  readonly refusal: EarlyRefusal;
  readonly network: string;
  readonly #peer: Peer;
  hasRequest = false;
  #pool: SurplusPool<SurplusConnection> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, refusal: EarlyRefusal, peer: Peer) {
    this.socket = socket;
    this.refusal = refusal;
    this.#peer = peer;
    this.network = networkOf(peer.remoteAddress ?? '');
  }

  /** The address of the client; undefined if it is not known. */
  get remoteAddress(): string | undefined {
    return this.#peer.remoteAddress;
  }

  /** Takes a place in a pool. @returns false if there is none */
  enter(pool: SurplusPool<SurplusConnection>): boolean {
    if (!pool.enter(this)) return false;
    this.#pool = pool;
    this.#endAfter(HEAD_MS);
    return true;
  }

  /** Notes the request to which the one answer is sent. */
  beginAnswer(): void {
    this.hasRequest = true;
    this.#endAfter(ANSWER_MS);
  }

  /** Gives the place back, and has no time limit any more. */
  leave(): void {
    clearTimeout(this.#timer);
    this.#pool?.leave(this);
  }

  #endAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.socket.destroy(), ms).unref();
  }
}

export interface SurplusConnectionsOptions {
  readonly incidents: IncidentLog;
  /** Called with the socket of a connection that loses its place to a newcomer, before it is destroyed: it has to leave. */
  readonly onReplaced: (socket: Socket) => void;
}

/**
 * The connections above the limits of the server. Each gets one answer, so that a full server says that it is full, and can be
 * asked for its health. There are few places for them: when none is left, connections are destroyed without an answer.
 */
export class SurplusConnections {
  readonly #options: SurplusConnectionsOptions;
  readonly #pools = [
    new SurplusPool<SurplusConnection>(MAX_SURPLUS, MAX_SURPLUS_OF_NETWORK),
    new SurplusPool<SurplusConnection>(MAX_RESERVED, MAX_RESERVED_OF_NETWORK),
  ];

  constructor(options: SurplusConnectionsOptions) {
    this.#options = options;
  }

  /**
   * Takes a connection.
   * @param peer the client, if that is not whom the socket is connected with.
   * @returns undefined if the connection was destroyed, because there is no place for it
   */
  take(socket: Socket, refusal: EarlyRefusal, peer: Peer = socket): SurplusConnection | undefined {
    const connection = new SurplusConnection(socket, refusal, peer);
    if (this.#enter(connection)) return connection;
    this.#destroy(connection);
    return undefined;
  }

  #enter(connection: SurplusConnection): boolean {
    for (const pool of this.#pools) if (connection.enter(pool)) return true;
    for (const pool of this.#pools) {
      const silent = pool.candidateFor(connection.network);
      if (silent === undefined) continue;
      this.#options.onReplaced(silent.socket);
      this.#destroy(silent);
      return connection.enter(pool); // there is room now
    }
    return false;
  }

  #destroy({ socket, refusal, remoteAddress }: SurplusConnection): void {
    noteUnanswered(this.#options.incidents, refusal, remoteAddress);
    socket.destroy();
  }
}
