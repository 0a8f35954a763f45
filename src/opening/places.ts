import type { LimitIncident } from '../telemetry/limit-incident.js';

/** Why a client is refused before the application is asked. */
export interface EarlyRefusal {
  readonly status: 403 | 503;
  readonly body: string;
  readonly incident: LimitIncident;
}

/** The client's end of a connection. */
export interface Peer {
  /** Undefined if the connection was lost before its address could be asked for. To ask a socket is a system call. */
  readonly remoteAddress?: string | undefined;
}

/** Counts connections against the limits of the server, in whatever thread that is done. */
export interface Places {
  /** Why one more connection of this peer is above a limit; undefined if it is not. */
  refusalFor(peer: Peer): EarlyRefusal | undefined;
  /**
   * A connection counts against the limit of its address until {@link leave}.
   * @param key the id of a WebSocket, or the socket of any other connection.
   */
  enter(key: unknown, peer: Peer): void;
  /** Nothing happens if the connection does not count. */
  leave(key: unknown): void;
}
