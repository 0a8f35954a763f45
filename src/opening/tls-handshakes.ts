import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describePeer } from '../host/describe-peer.js';
import { renderRefusal } from '../protocol/opening/handshake-response.js';
import { descriptorOf } from '../system/descriptor.js';
import type { SystemCalls } from '../system/system-calls.js';
import { Counter, Distribution } from '../telemetry/counters.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ThreadTls } from '../tls/thread-tls.js';
import type { Clients } from './clients.js';
import type { Encryption } from './encryption.js';

export interface TlsHandshakesEnvironment {
  /** It need not listen. */
  readonly server: HttpsServer;
  /** What the server was created with. */
  readonly tls: ThreadTls;
  readonly encryption: Encryption;
  /** The most handshakes at a time. */
  readonly maxTlsHandshakes: number;
  readonly calls: SystemCalls | undefined;
  readonly clients: Clients;
  readonly incidents: IncidentLog;
}

/** The answer to HTTP in the clear. It has no use for more than its beginning. */
const SPEAKS_TLS = Buffer.from(
  renderRefusal(400, { body: 'this port speaks TLS: connect with https: or wss:\n' }),
  'latin1',
);

/**
 * The TLS handshakes of one thread (RFC 8446 section 4). A connection above {@link TlsHandshakesEnvironment.maxTlsHandshakes} waits
 * unread until another handshake is over: a handshake costs about a thousand times as much as a message. How long a connection may
 * take is for others to say; they destroy its socket.
 */
export class TlsHandshakes {
  readonly #environment: TlsHandshakesEnvironment;
  /** The sockets whose handshake is under way, and since when, by `performance.now()`. */
  readonly #active = new Map<Socket, number>();
  /** The sockets that wait, in their order. */
  readonly #waiting = new Set<Socket>();
  /** One function for all sockets, because each of them keeps its listener for as long as it lives. */
  readonly #onClose: (this: Socket) => void;

  constructor(environment: TlsHandshakesEnvironment) {
    this.#environment = environment;
    const handshakes = this;
    this.#onClose = function () {
      handshakes.#release(this);
    };
    const { server } = environment;
    server.prependListener('secureConnection', (socket) => this.#onSecure(socket));
    // Before Node's own listener, which destroys the socket.
    server.prependListener('tlsClientError', (error, socket) => this.#onFailed(error, socket));
  }

  /** How many handshakes are under way, or wait. */
  get size(): number {
    return this.#active.size + this.#waiting.size;
  }

  /** Begins the handshake of a connection of which nothing was read, now or when there is room. */
  add(socket: Socket): void {
    socket.on('close', this.#onClose);
    if (this.#active.size < this.#environment.maxTlsHandshakes) this.#begin(socket);
    else this.#waiting.add(socket);
  }

  /** Ends all handshakes. */
  destroyAll(): void {
    for (const socket of [...this.#waiting, ...this.#active.keys()]) socket.destroy();
  }

  #begin(socket: Socket): void {
    this.#active.set(socket, performance.now());
    // The socket of TLS takes it over. A client that ends the connection in the middle of its handshake will never finish it, and
    // without this nobody would notice.
    socket.allowHalfOpen = false;
    this.#environment.server.emit('connection', socket);
  }

  #release(socket: Socket): void {
    this.#waiting.delete(socket);
    if (!this.#active.delete(socket)) return;
    for (const next of this.#waiting) {
      if (this.#active.size >= this.#environment.maxTlsHandshakes) return;
      this.#waiting.delete(next);
      if (!next.destroyed) this.#begin(next);
    }
  }

  /** Judges the client before the HTTP server sees its first byte. */
  #onSecure(socket: TLSSocket): void {
    const { tls, encryption, clients, incidents } = this.#environment;
    const plain = plainSocketOf(socket);
    const since = plain && this.#active.get(plain);
    if (since !== undefined) this.#count(socket, since);
    if (plain !== undefined) this.#release(plain);
    socket.allowHalfOpen = true; // as for TCP: a client that sends nothing more still gets its answers
    const verdict = tls.judge(socket);
    const { isAdmitted, reason } = verdict;
    encryption.note(socket, verdict);
    if (isAdmitted) return;
    incidents.add(LimitIncident.REFUSED_TLS, clients.describe(socket), `client certificate: ${reason}`);
    socket.destroy();
  }

  /** Counts a handshake that is over. @param since by `performance.now()` */
  #count(socket: TLSSocket, since: number): void {
    const { counters } = this.#environment.incidents;
    counters.observe(Distribution.TLS_HANDSHAKE_SECONDS, (performance.now() - since) / 1000);
    if (socket.isSessionReused()) counters.add(Counter.TLS_RESUMED, 1);
  }

  #onFailed(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    const { incidents, clients, calls } = this.#environment;
    const plain = plainSocketOf(socket);
    if (plain === undefined) return;
    const { remoteAddress } = clients.peerOf(plain);
    // A client that leaves in the middle is no more an incident than one that leaves in the middle of its request. A connection that
    // was destroyed has been reported.
    if (error.code !== 'ECONNRESET' && remoteAddress !== undefined && !plain.destroyed) {
      incidents.add(LimitIncident.REFUSED_TLS, describePeer(remoteAddress), String(error.code ?? error.message));
    }
    if (error.code === 'ERR_SSL_HTTP_REQUEST') {
      const fd = descriptorOf(plain);
      if (fd >= 0) calls?.send(fd, SPEAKS_TLS, 0, SPEAKS_TLS.length);
    }
    this.#release(plain);
    plain.destroy();
  }
}

/** The TCP socket under a TLS socket that a server has made. Node does not document where it is. The same in Node 20, 22, 24 and 26. */
export function plainSocketOf(socket: TLSSocket): Socket | undefined {
  return Reflect.get(socket, '_parent') as Socket | undefined;
}
