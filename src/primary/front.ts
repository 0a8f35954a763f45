import type { Server as HttpServer } from 'node:http';
import type { Server as NetServer } from 'node:net';
import type { Opening } from '../opening/opening.js';
import type { TlsMaterial } from '../tls/tls-material.js';

/** What a server listens with, and what it does with the connections that it accepts. */
export interface Front {
  readonly server: NetServer;
  /** How many connections are neither refused nor handed over, and are counted by nobody else. */
  readonly load: number;
  /** Call this when the server listens. */
  start(): void;
  /** Exchanges certificates, keys and rules. Connections stay as they are. */
  useTls(material: TlsMaterial): void;
  /** Ends the connections that have not become WebSockets. The server itself is closed by its owner. */
  close(): void;
}

/** Accepts connections and does the opening handshake in this thread. */
export class HttpFront implements Front {
  readonly server: HttpServer;
  readonly load = 0;
  readonly #opening: Opening;
  readonly #reservedFrom: number | undefined;

  /** @param reservedFrom see {@link Backlog}. */
  constructor(opening: Opening, reservedFrom?: number) {
    this.#opening = opening;
    this.#reservedFrom = reservedFrom;
    this.server = opening.createHttpServer();
  }

  start(): void {
    this.#opening.acceptBacklogOf(this.server, this.#reservedFrom);
  }

  useTls(): void {} // connections are not encrypted

  close(): void {
    this.server.closeAllConnections();
  }
}
