import type { LimitIncident } from '../telemetry/limit-incident.js';

/** Why a client is refused before the application is asked. */
export interface EarlyRefusal {
  readonly status: 403 | 503;
  readonly body: string;
  readonly incident: LimitIncident;
}

/** The client's end of a connection. */
export interface Peer {
  /**
   * The IP address of the client; undefined for a client of a unix socket, or if the connection was lost before the address was
   * read. Such a client counts against no limit per address. To read the address from a socket is a system call.
   */
  readonly remoteAddress?: string | undefined;
}

/** Counts connections against the limits of the server, in any thread. */
export interface Places {
  /** How many more connections there may be, of whatever address. */
  readonly room: number;
  /** Why one more connection of this peer is above a limit; undefined if it is not. */
  refusalFor(peer: Peer): EarlyRefusal | undefined;
  /** The same for a connection that counts already, but not for the address of this peer: a proxy has passed it on. */
  refusalOfAddress(peer: Peer): EarlyRefusal | undefined;
  /**
   * A connection counts against the limit of its address until {@link leave}.
   * @param key the id of a WebSocket, or the socket of any other connection.
   */
  enter(key: unknown, peer: Peer): void;
  /** A connection does not count any more. Nothing happens if it did not. */
  leave(key: unknown): void;
}
