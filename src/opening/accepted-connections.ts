import { closeSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { setTimeout as pass } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import type { AcceptedInfo, OpenedHandOff, StreamHandOff, UntouchedHandOff } from '../host/hand-off.js';
import type { Upgrade } from '../host/upgrade-hook.js';
import type { HandshakeRequest } from '../protocol/opening/handshake.js';
import type { ThreadLedger } from '../pubsub/thread-ledger.js';
import type { SystemCalls } from '../system/system-calls.js';
import { Counter, type Counters } from '../telemetry/counters.js';
import { IncidentLog } from '../telemetry/incident-log.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import { ThreadTls } from '../tls/thread-tls.js';
import { TlsContexts } from '../tls/tls-contexts.js';
import type { TlsMaterial } from '../tls/tls-material.js';
import { Boundary } from './boundary.js';
import type { KnownPeer } from './clients.js';
import type { Destination } from './destination.js';
import type { OrdinaryRoutes } from './http-front.js';
import { Opening, type OpeningOptions } from './opening.js';
import { loopbackHosts } from './origin.js';
import type { EarlyRefusal, Places } from './places.js';
import { plainSocketOf, type TlsHandshakes } from './tls-handshakes.js';
import type { UnreadConnections } from './unread-connections.js';
import { adoptUnreadSocket, type DescriptorUpgradeSocket, type UpgradeSocket } from './upgrade-socket.js';

/** The interval at which it is checked whether opening handshakes are over, in ms. */
const CHECK_MS = 20;

/** What a thread needs to speak TLS. It can be posted to other threads. */
export interface OpeningTls {
  readonly material: TlsMaterial;
  /** The most TLS handshakes at a time. */
  readonly maxTlsHandshakes: number;
}

export interface AcceptedConnectionsEnvironment {
  readonly options: OpeningOptions;
  /** The hook `upgrade` of the handler module, which runs in this thread; undefined if there is none. */
  readonly upgrade: Upgrade | undefined;
  /** Hosts connections in this thread. */
  readonly host: {
    adopt(handOff: OpenedHandOff): void;
    adoptStream(handOff: StreamHandOff): void;
  };
  /**
   * Asks why one more connection of this address is above the limit of its address, and counts it if it is not. Called for the clients
   * of proxies only, if addresses are limited: whoever has accepted the connection did not know its client.
   */
  readonly admit: (id: number, remoteAddress: string) => Promise<EarlyRefusal | undefined>;
  readonly calls: SystemCalls;
  readonly counters: Counters;
  /** The figures of this thread that publishing threads read. */
  readonly ledger: ThreadLedger;
  readonly log: ThrottledLog;
  /** Answers ordinary requests. */
  readonly routes: OrdinaryRoutes;
  /** Called with the id of each connection that has ended without becoming a WebSocket. */
  readonly onEnded: (id: number) => void;
  /** Undefined if connections are not encrypted. */
  readonly tls: OpeningTls | undefined;
}

/** A connection that was accepted, until it is a WebSocket or over. */
interface Arrival {
  /** What reports the end of the connection; undefined if nothing does. */
  socket: object | undefined;
  /** The peer that the PROXY protocol has told; undefined without it. */
  readonly peer: KnownPeer | undefined;
  /** Whether the connection does not count for an address yet, because its request is to tell the client. */
  readonly isOfProxy: boolean;
}

/**
 * The opening handshake of connections that were accepted elsewhere and handed over untouched: this thread speaks TLS, reads the
 * request, asks the hook, sends the 101, and hosts the connection. Whoever has accepted a connection has counted it, so no limit of
 * their number is judged here, but for the clients of proxies: see {@link AcceptedConnectionsEnvironment.admit}.
 *
 * The HTTP server of this class never listens. Each connection has one deadline from when it was taken, see {@link OpeningDeadlines}.
 * The time that it has waited for a header of the PROXY protocol is part of that.
 */
export class AcceptedConnections implements Destination, Places {
  readonly #environment: AcceptedConnectionsEnvironment;
  readonly #opening: Opening;
  readonly #http: Server | HttpsServer;
  readonly #boundary: Boundary;
  readonly #unread: UnreadConnections;
  /** Undefined without TLS. */
  readonly #secure:
    | { readonly tls: ThreadTls; readonly server: HttpsServer; readonly handshakes: TlsHandshakes }
    | undefined;
  readonly #arrivals = new Map<number, Arrival>();
  /** The ids of connections by their sockets: of those of TCP, and over TLS also of those of TLS. */
  readonly #ids = new WeakMap<object, number>();
  /** One function for all sockets, because each of them keeps its listener for as long as it lives. */
  readonly #onClose: (this: object) => void;
  /** Whether the gauges of this thread will be set at the end of the turn. */
  #isSetting = false;
  /** The connection that is being taken. */
  #taken: AcceptedInfo = NONE;
  #isDraining = false;

  constructor(environment: AcceptedConnectionsEnvironment) {
    this.#environment = environment;
    const accepted = this;
    this.#onClose = function () {
      accepted.#end(accepted.#ids.get(this) ?? -1);
    };
    const { options, calls, routes, counters, log, tls } = environment;
    const incidents = new IncidentLog(counters, log);
    this.#boundary = new Boundary(log);
    const opening = new Opening({
      options,
      destination: this,
      calls,
      places: this,
      nextId: ({ httpSocket }) => (httpSocket === undefined ? this.#taken.id : this.#idOf(httpSocket)),
      admit: (id, remoteAddress) => this.#admit(id, remoteAddress),
      routes,
      incidents,
      log,
    });
    this.#opening = opening;
    if (tls === undefined) {
      const server = opening.createHttpServer();
      server.prependListener('connection', (socket) => {
        const { id, proxied } = this.#taken;
        this.#note(socket, id);
        opening.deadlines.beginRequest(server, socket, proxied?.waitedMs);
      });
      this.#http = server;
    } else {
      const thread = new ThreadTls(new TlsContexts(tls.material));
      const { server, handshakes } = opening.createTlsServer(thread, tls.maxTlsHandshakes);
      server.prependListener('secureConnection', (socket) => this.#noteSecure(socket));
      this.#secure = { tls: thread, server, handshakes };
      this.#http = server;
    }
    opening.deadlines.watch(this.#http);
    // Node checks the times of requests only from this event on. A server that does not listen has to be told.
    this.#http.emit('listening');
    this.#unread = opening.unreadConnections(this.#http, calls, {
      onRequest: (request, socket) => this.#onRequest(request, socket),
    });
  }

  /** Sets the names that the server answers to if its options name none. @param host the address that the server listens on. */
  listensOn(host: string): void {
    this.#opening.gate.defaultHosts = loopbackHosts(host);
  }

  /** Exchanges certificates, keys and rules. Connections stay as they are. */
  useTls(material: TlsMaterial): void {
    const secure = this.#secure;
    secure?.tls.exchange(new TlsContexts(material), secure.server);
  }

  /** Takes a connection. From now on the descriptor belongs to this class, whatever happens. When this returns, it cannot leak. */
  take({ fd, info }: UntouchedHandOff): void {
    const { id, remoteAddress, proxied } = info;
    const isClient = proxied?.isTold === false;
    const peer = proxied === undefined ? undefined : { remoteAddress, isClient };
    const arrival: Arrival = { socket: undefined, peer, isOfProxy: !isClient && this.#isProxy(remoteAddress) };
    this.#arrivals.set(id, arrival);
    this.#setGaugesSoon();
    this.#taken = info;
    if (this.#secure === undefined)
      this.#unread.take({ fd, remoteAddress, isUnix: false, isClient }); // without an address, the HTTP server gets it
    else this.#takeSecure(fd, info, this.#secure.handshakes);
    this.#taken = NONE;
    if (arrival.socket === undefined) this.#end(id); // nothing happens if it was placed
  }

  /** @param address that of a peer; undefined for one of a unix socket, or of a connection that is lost already. */
  #isProxy(address: string | undefined): boolean {
    const { clients } = this.#opening;
    return address === undefined ? clients.trusts(undefined) : clients.isProxy({ remoteAddress: address });
  }

  /** See {@link OpeningEnvironment.admit}. */
  #admit(id: number, remoteAddress: string | undefined): Promise<EarlyRefusal | undefined> | undefined {
    const { options, admit } = this.#environment;
    if (options.maxConnectionsPerIp === 0 || remoteAddress === undefined) return undefined;
    return this.#arrivals.get(id)?.isOfProxy === true ? admit(id, remoteAddress) : undefined;
  }

  #takeSecure(fd: number, { id, proxied }: AcceptedInfo, handshakes: TlsHandshakes): void {
    let socket: Socket | undefined;
    const destroy = () => (socket === undefined ? closeSync(fd) : socket.destroy());
    this.#boundary.guard({ destroy }, () => {
      socket = adoptUnreadSocket(fd);
      this.#note(socket, id);
      this.#opening.deadlines.beginTls(socket, proxied?.waitedMs);
      handshakes.add(socket);
    });
  }

  /** Notes a connection whose TLS handshake is over. */
  #noteSecure(socket: TLSSocket): void {
    const plain = plainSocketOf(socket);
    const id = plain === undefined ? undefined : this.#ids.get(plain);
    if (id === undefined) {
      socket.destroy(); // without its number it would not be counted
      return;
    }
    this.#note(socket, id);
  }

  #idOf(httpSocket: object): number {
    return this.#ids.get(httpSocket) as number; // `#note` has noted it
  }

  /** Handles the request of a connection that is upgraded from its descriptor. */
  #onRequest(request: HandshakeRequest, socket: UpgradeSocket): void {
    const { id, proxied } = this.#taken;
    this.#opening.deadlines.begin(socket, proxied?.waitedMs);
    try {
      this.#opening.upgrader.onRequest(request, socket);
    } finally {
      const arrival = this.#arrivals.get(id);
      // If it was neither placed nor closed, it waits for the hook or is being refused, and has a stream.
      if (arrival !== undefined && !(socket as DescriptorUpgradeSocket).isGiven) {
        arrival.socket = socket;
        socket.stream.once('close', () => this.#end(id));
        if (socket.stream.writableEnded) this.#end(id); // it is refused, and does not count any more
      }
    }
  }

  /** Notes a socket of a connection, whose end is that of the connection. */
  #note(socket: Socket, id: number): void {
    const arrival = this.#arrivals.get(id);
    if (arrival === undefined) return; // it was lost in this turn
    arrival.socket = socket;
    this.#ids.set(socket, id);
    // The client that the PROXY protocol has told.
    if (arrival.peer !== undefined) this.#opening.clients.note(socket, arrival.peer);
    socket.on('close', this.#onClose);
  }

  #end(id: number): void {
    if (!this.#arrivals.delete(id)) return;
    this.#setGaugesSoon();
    this.#environment.counters.add(Counter.UNOPENED, 1);
    this.#environment.onEnded(id);
  }

  #setGaugesSoon(): void {
    if (this.#isSetting) return;
    this.#isSetting = true;
    setImmediate(() => this.#setGauges());
  }

  #setGauges(): void {
    this.#isSetting = false;
    const { counters } = this.#environment;
    const handshakes = this.#secure?.handshakes.size ?? 0;
    counters.set(Counter.HTTP_CONNECTIONS, this.#opening.connections.size + handshakes);
    counters.set(Counter.PENDING_UPGRADES, this.#opening.upgrader.load);
  }

  /** From now on no handshake succeeds: those that wait for their hook are refused with 503, and so are all that come. */
  drain(): void {
    this.#isDraining = true;
    this.#opening.upgrader.close();
  }

  /**
   * Resolves when each opening handshake that is under way has its answer, at the latest after `limitMs`. Clients that have had an
   * answer to an ordinary request are not waited for.
   */
  async settled(limitMs: number): Promise<void> {
    const endMs = performance.now() + limitMs;
    for (let leftMs = limitMs; leftMs > 0 && this.#isOpening(); leftMs = endMs - performance.now())
      await pass(Math.min(CHECK_MS, leftMs));
  }

  #isOpening(): boolean {
    const { deadlines } = this.#opening;
    for (const { socket } of this.#arrivals.values()) {
      if (socket !== undefined && deadlines.isRunning(socket)) return true;
    }
    return false;
  }

  /** Destroys all connections that have not become WebSockets. Those that wait for their hook are not here: {@link drain} refuses them. */
  destroyAll(): void {
    this.#opening.destroyAll();
    this.#http.closeAllConnections();
    this.#secure?.handshakes.destroyAll();
    this.#http.close(() => {}); // an error: it does not listen; but its timer is stopped
    this.#setGauges();
  }

  // As a destination.

  get unavailable(): string | undefined {
    return this.#isDraining ? 'the server is going away' : undefined;
  }

  get upgrade(): Upgrade | undefined {
    return this.#environment.upgrade;
  }

  expectOne(): () => void {
    const { ledger } = this.#environment;
    ledger.addAwaited101(1);
    return () => ledger.addAwaited101(-1);
  }

  place(handOff: OpenedHandOff): void {
    this.#arrivals.delete(handOff.info.id);
    this.#setGaugesSoon();
    this.#environment.host.adopt(handOff);
  }

  prepareStream(): void {}

  placeStream(handOff: StreamHandOff): void {
    this.#arrivals.delete(handOff.info.id);
    this.#setGaugesSoon();
    this.#environment.host.adoptStream(handOff);
  }

  // As places: the connection was judged when it was accepted.

  get room(): number {
    return Number.POSITIVE_INFINITY;
  }

  refusalFor(): EarlyRefusal | undefined {
    return undefined;
  }

  refusalOfAddress(): EarlyRefusal | undefined {
    return undefined;
  }

  enter(): void {
    this.#setGaugesSoon();
  }

  /**
   * @param key the id of a connection that is lost or refused before it was placed, or the socket of one that leaves the HTTP server:
   * it is closed, has a request that is being judged, or has its last answer.
   */
  leave(key: unknown): void {
    this.#setGaugesSoon();
    if (typeof key === 'number') this.#end(key);
    else if ((key as Socket).writableEnded) this.#end(this.#ids.get(key as Socket) ?? -1);
  }
}

/** Stands for no connection. */
const NONE: AcceptedInfo = { id: -1, remoteAddress: undefined };
