import type { Server as HttpsServer } from 'node:https';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { OpeningTls } from '../opening/accepted-connections.js';
import type { Opening } from '../opening/opening.js';
import type { Places } from '../opening/places.js';
import { PostponedHandshakes } from '../opening/postponed-handshakes.js';
import { plainSocketOf, type TlsHandshakes } from '../opening/tls-handshakes.js';
import { noteUnanswered } from '../opening/unanswered-refusal.js';
import { OUT_OF_DESCRIPTORS } from '../opening/upgrade-acceptances.js';
import { ignoreError } from '../opening/upgrade-socket.js';
import { descriptorOf } from '../system/descriptor.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import { ThreadTls } from '../tls/thread-tls.js';
import { TlsContexts } from '../tls/tls-contexts.js';
import type { TlsMaterial } from '../tls/tls-material.js';
import type { Front } from './front.js';

export interface SecureFrontEnvironment {
  readonly opening: Opening;
  readonly tls: OpeningTls;
  readonly places: Places;
  /** See {@link Backlog}. */
  readonly reservedFrom?: number | undefined;
  readonly incidents: IncidentLog;
  readonly log: ThrottledLog;
}

/**
 * Accepts connections, speaks TLS and does the opening handshake in this thread. A connection counts from when it is accepted. One
 * above the limits is closed without an answer, which would cost a handshake.
 */
export class SecureFront implements Front {
  readonly server: NetServer;
  readonly #environment: SecureFrontEnvironment;
  readonly #tls: ThreadTls;
  /** Answers requests. It never listens. */
  readonly #https: HttpsServer;
  readonly #handshakes: TlsHandshakes;
  readonly #postponed = new PostponedHandshakes();
  #isClosed = false;

  constructor(environment: SecureFrontEnvironment) {
    this.#environment = environment;
    const { opening, tls } = environment;
    this.#tls = new ThreadTls(new TlsContexts(tls.material));
    const { server, handshakes } = opening.createTlsServer(this.#tls, tls.maxTlsHandshakes);
    this.#https = server;
    this.#handshakes = handshakes;
    // Before HTTP counts the connection.
    server.prependListener('secureConnection', (socket) => {
      const plain = plainSocketOf(socket);
      if (plain !== undefined) environment.places.leave(plain);
    });
    opening.deadlines.watch(server);
    server.emit('listening'); // Node checks the times of requests only from this event on
    const options = { pauseOnConnect: true, allowHalfOpen: true, noDelay: true };
    this.server = createServer(options, (socket) => {
      socket.on('error', ignoreError); // 'close' follows
      if (this.#hasOwnDescriptor(socket)) this.#take(socket);
    });
  }

  start(): void {}

  /** How many connections are in their TLS handshake. */
  get load(): number {
    return this.#handshakes.size;
  }

  useTls(material: TlsMaterial): void {
    this.#tls.exchange(new TlsContexts(material), this.#https);
  }

  close(): void {
    this.#isClosed = true;
    this.#postponed.judgeAll();
    this.#handshakes.destroyAll();
    this.#https.closeAllConnections();
    this.#https.close(() => {}); // an error: it does not listen; but its timer is stopped
  }

  /** Whether the descriptor of a connection is none of those reserved for others. If not, the connection is closed. */
  #hasOwnDescriptor(socket: Socket): boolean {
    const { reservedFrom = Number.POSITIVE_INFINITY, log } = this.#environment;
    if (descriptorOf(socket) < reservedFrom) return true;
    socket.destroy();
    log.throttled('error', OUT_OF_DESCRIPTORS, OUT_OF_DESCRIPTORS);
    return false;
  }

  /** @param triesLeft how often the connection may be judged again, if it is above a limit */
  #take(socket: Socket, triesLeft = this.#postponed.tries): void {
    const { opening, places, incidents } = this.#environment;
    if (socket.destroyed || this.#isClosed) {
      socket.destroy();
      return;
    }
    const peer = opening.clients.isProxy(socket) ? {} : socket; // a proxy does not count for its own address
    const refusal = places.refusalFor(peer);
    if (refusal !== undefined && triesLeft > 0) {
      this.#postponed.postpone(() => this.#take(socket, triesLeft - 1));
      return;
    }
    if (refusal !== undefined) {
      noteUnanswered(incidents, refusal, socket.remoteAddress);
      socket.destroy();
      return;
    }
    places.enter(socket, peer);
    socket.once('close', () => places.leave(socket));
    opening.deadlines.beginTls(socket);
    this.#handshakes.add(socket);
  }
}
