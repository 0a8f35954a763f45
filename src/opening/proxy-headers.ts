import { closeSync } from 'node:fs';
import { describePeer } from '../host/describe-peer.js';
import type { Proxied } from '../host/hand-off.js';
import { MAX_PROXY_HEADER_BYTES, readProxyHeader } from '../protocol/opening/proxy-header.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { Clients } from './clients.js';
import type { Places } from './places.js';

/**
 * How long it takes until the connections that wait are looked at again, in ms. Proxies send their header at once, so it is short
 * as long as one has come a moment ago.
 */
const LOOK_SOON_MS = 1;
const LOOK_LATER_MS = 10;
const MOMENT_MS = 50;
/** With many connections it takes 1 ms longer for each so many, because a look at each of them costs about 200 ns. */
const CONNECTIONS_PER_MS = 200;

/** The most connections that wait for their header while the server is full: each is told so when its client is known. */
const MAX_WAITING_WHEN_FULL = 32;

export interface ProxyHeadersEnvironment {
  readonly calls: SystemCalls;
  readonly clients: Pick<Clients, 'trusts'>;
  readonly places: Pick<Places, 'refusalFor'>;
  /** The longest time that a header may take, in ms. */
  readonly limitMs: number;
  readonly incidents: IncidentLog;
  /** Called with each connection of which the header was read, and nothing behind it. Its descriptor belongs to the callee. */
  readonly onRead: (fd: number, remoteAddress: string | undefined, proxied: Proxied) => void;
}

/** A connection whose header is not whole yet. */
interface Waiting {
  readonly fd: number;
  /** The address of the proxy; undefined on a unix socket. */
  readonly proxy: string | undefined;
  /** When the connection came, by `performance.now()`. */
  readonly sinceMs: number;
}

/**
 * Reads the header of the PROXY protocol that each connection has to begin with, from its descriptor and exactly to its end. A
 * connection of a peer that is no trusted proxy is closed unread. One timer serves all connections whose header is not whole, and
 * runs only while there are any.
 *
 * What has come is looked at in the socket, and is not taken out before it is whole, so a connection that waits costs no memory
 * here but its entry.
 */
export class ProxyHeaders {
  readonly #environment: ProxyHeadersEnvironment;
  /** By their descriptors, in the order in which they came. */
  readonly #waiting = new Map<number, Waiting>();
  readonly #bytes = Buffer.allocUnsafeSlow(MAX_PROXY_HEADER_BYTES);
  #timer: NodeJS.Timeout | undefined;
  /** When the last connection began to wait, by `performance.now()`. */
  #lastCameMs = Number.NEGATIVE_INFINITY;

  constructor(environment: ProxyHeadersEnvironment) {
    this.#environment = environment;
  }

  /** How many connections wait for their header. */
  get load(): number {
    return this.#waiting.size;
  }

  /**
   * Takes a connection that was accepted. From now on the descriptor belongs to this class.
   * @param peer the address of the peer; undefined on a unix socket, and for a connection that is lost already.
   */
  take(fd: number, peer: string | undefined): void {
    const { clients, calls } = this.#environment;
    if (peer === undefined && calls.unixPathOf(fd) === undefined) {
      closeSync(fd); // it is lost, and nobody knows whose it was
    } else if (clients.trusts(peer)) {
      const connection = { fd, proxy: peer, sinceMs: performance.now() };
      if (!this.#read(connection)) this.#wait(connection);
    } else {
      this.#refuse(fd, peer, 'the peer is no trusted proxy (trustProxy)');
    }
  }

  /** Closes all connections that wait. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const fd of this.#waiting.keys()) closeSync(fd);
    this.#waiting.clear();
  }

  #wait(connection: Waiting): void {
    const { places, incidents } = this.#environment;
    const { fd, proxy, sinceMs } = connection;
    const full = this.#waiting.size < MAX_WAITING_WHEN_FULL ? undefined : places.refusalFor({});
    if (full !== undefined) {
      closeSync(fd);
      incidents.add(full.incident, describePeer(proxy));
      incidents.add(LimitIncident.REFUSED_UNANSWERED, describePeer(proxy));
      return;
    }
    this.#waiting.set(fd, connection);
    this.#lastCameMs = sinceMs;
    this.#watch();
  }

  #watch(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return;
    const isBusy = performance.now() - this.#lastCameMs < MOMENT_MS;
    const afterMs = (isBusy ? LOOK_SOON_MS : LOOK_LATER_MS) + this.#waiting.size / CONNECTIONS_PER_MS;
    this.#timer = setTimeout(() => this.#look(), afterMs).unref();
  }

  #look(): void {
    this.#timer = undefined;
    const { calls } = this.#environment;
    const fds = [...this.#waiting.keys()];
    const partial: number[] = [];
    for (const i of calls.readable(fds)) {
      const connection = this.#waiting.get(fds[i] as number);
      if (connection !== undefined && !this.#read(connection)) partial.push(connection.fd);
    }
    for (const i of calls.endedPeers(partial)) this.#end(partial[i] as number);
    this.#expire();
    this.#watch();
  }

  /** Reads a header. @returns false if more of it has to come; then nothing was taken out of the socket */
  #read({ fd, proxy, sinceMs }: Waiting): boolean {
    const { calls, onRead } = this.#environment;
    const bytes = this.#bytes;
    const received = calls.peek(fd, bytes);
    if (received < 0) return false; // nothing has come; or it is lost, and then its peer has ended
    if (received === 0) {
      this.#end(fd);
      return true;
    }
    const header = readProxyHeader(bytes.subarray(0, received));
    if ('needs' in header) return false;
    if ('problem' in header) {
      this.#refuse(fd, proxy, header.problem);
      return true;
    }
    if (calls.consume(fd, bytes, header.length) !== header.length) {
      this.#refuse(fd, proxy, 'urgent data stands within it'); // RFC 9293 section 3.8.5
      return true;
    }
    this.#waiting.delete(fd);
    const { source } = header;
    const waitedMs = performance.now() - sinceMs;
    onRead(fd, source === undefined ? proxy : source.address, { isTold: source !== undefined, waitedMs });
    return true;
  }

  /** Ends the connections whose time is over. They are the oldest ones, because all have the same time. */
  #expire(): void {
    const { limitMs } = this.#environment;
    const now = performance.now();
    for (const { fd, proxy, sinceMs } of this.#waiting.values()) {
      if (now - sinceMs < limitMs) return;
      this.#refuse(fd, proxy, 'it was not whole in time (handshakeTimeoutMs)');
    }
  }

  /** Closes a connection whose peer has left: that is no incident, because some health checks do nothing else than connect. */
  #end(fd: number): void {
    this.#waiting.delete(fd);
    closeSync(fd);
  }

  #refuse(fd: number, peer: string | undefined, why: string): void {
    this.#end(fd);
    this.#environment.incidents.add(LimitIncident.REFUSED_PROXIES, describePeer(peer), why);
  }
}
