import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Server as NetServer } from 'node:net';
import type { OpeningTls } from '../opening/accepted-connections.js';
import type { Opening } from '../opening/opening.js';
import { ThreadTls } from '../tls/thread-tls.js';
import { TlsContexts } from '../tls/tls-contexts.js';
import type { TlsMaterial } from '../tls/tls-material.js';

/** What a server listens with, and what it does with the connections that it accepts. */
export interface Front {
  readonly server: NetServer;
  /** Call this when the server listens. */
  start(): void;
  /** Exchanges certificates, keys and rules. Connections stay as they are. */
  useTls(material: TlsMaterial): void;
  /** Ends the connections that have not become WebSockets. The server itself is closed by its owner. */
  close(): void;
}

/** Accepts connections and does the opening handshake in this thread. */
export class HttpFront implements Front {
  readonly server: HttpServer | HttpsServer;
  readonly #opening: Opening;
  /** Undefined without TLS. */
  readonly #secure: { readonly tls: ThreadTls; readonly server: HttpsServer } | undefined;

  /** @param tls undefined if connections are not encrypted. */
  constructor(opening: Opening, tls: OpeningTls | undefined) {
    this.#opening = opening;
    if (tls === undefined) {
      this.server = opening.createHttpServer();
      return;
    }
    const thread = new ThreadTls(new TlsContexts(tls.material));
    const { server } = opening.createTlsServer(thread, tls.maxTlsHandshakes);
    this.server = server;
    this.#secure = { tls: thread, server };
  }

  start(): void {
    if (this.#secure === undefined) this.#opening.acceptBacklogOf(this.server as HttpServer);
  }

  useTls(material: TlsMaterial): void {
    const secure = this.#secure;
    secure?.tls.exchange(new TlsContexts(material), secure.server);
  }

  close(): void {
    this.server.closeAllConnections();
  }
}
