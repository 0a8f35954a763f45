import type { EventEmitter } from 'node:events';
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { readUpgradeRequest } from '../protocol/opening/request-head.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { Boundary } from './boundary.js';
import type { Clients } from './clients.js';
import { adoptSocket, DescriptorUpgradeSocket } from './upgrade-socket.js';
import type { Upgrader } from './upgrader.js';

export interface UnreadConnectionsEnvironment {
  /** The HTTP server that gets every connection that is not upgraded here. It need not listen. */
  readonly http: EventEmitter;
  readonly calls: SystemCalls;
  readonly upgrader: Pick<Upgrader, 'onRequest'>;
  readonly clients: Clients;
  readonly boundary: Boundary;
  /** The longest head of a request that is read here, in bytes. The HTTP server refuses a longer one. */
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
}

/** A connection that was accepted, and of which nothing was read. */
export interface UnreadConnection {
  readonly fd: number;
  /** Undefined if it is not known. Then the HTTP server finds it out, unless it is a unix socket. */
  readonly remoteAddress: string | undefined;
  /** Whether it came by a unix socket, and has no address. */
  readonly isUnix: boolean;
  /** See {@link KnownPeer}. */
  readonly isClient?: boolean;
}

/**
 * The way from an accepted connection to its opening handshake. A client that has sent an ordinary request for an upgrade is
 * upgraded from its descriptor. Every other connection is given to the HTTP server, unread, as if the server had accepted it. So
 * the HTTP server remains the judge of everything else that is HTTP.
 */
export class UnreadConnections {
  readonly #environment: UnreadConnectionsEnvironment;
  readonly #request: Buffer;
  #isGiving = false;

  constructor(environment: UnreadConnectionsEnvironment) {
    this.#environment = environment;
    this.#request = Buffer.allocUnsafeSlow(environment.maxHeaderBytes);
  }

  /** Whether a connection is being given to the HTTP server: its event 'connection' is of that. */
  get isGiving(): boolean {
    return this.#isGiving;
  }

  /** Takes a connection. From now on the descriptor belongs to this class, whatever happens. */
  take(connection: UnreadConnection): void {
    if (!this.#upgrade(connection)) this.#give(connection);
  }

  /**
   * Upgrades a connection that has sent an ordinary request.
   * @returns false if the HTTP server has to answer; then nothing was read.
   */
  #upgrade({ fd, remoteAddress, isUnix, isClient }: UnreadConnection): boolean {
    const { calls, upgrader, clients, boundary, maxHeaderCount } = this.#environment;
    if (remoteAddress === undefined && (!isUnix || clients.hasProxies)) return false;
    const bytes = this.#request;
    const received = calls.peek(fd, bytes);
    const end = received > 0 ? bytes.subarray(0, received).indexOf(END_OF_HEAD) : -1;
    if (end < 0) return false;
    const length = end + END_OF_HEAD.length;
    const request = readUpgradeRequest(bytes.toString('latin1', 0, length), maxHeaderCount);
    if (request === undefined) return false;
    if (calls.consume(fd, bytes, length) !== length) {
      closeSync(fd); // urgent data (RFC 9293 section 3.8.5) stands within the request: no WebSocket client sends any
      return true;
    }
    const peer = { remoteAddress, isClient: isClient === true };
    const client = remoteAddress === undefined ? undefined : clients.addressFor(request.rawHeaders, peer);
    const socket = new DescriptorUpgradeSocket(fd, client);
    boundary.guard({ destroy: () => socket.drop() }, () => upgrader.onRequest(request, socket));
    return true;
  }

  #give({ fd }: UnreadConnection): void {
    const { http, boundary } = this.#environment;
    let socket: Socket | undefined;
    const destroy = () => (socket === undefined ? closeSync(fd) : socket.destroy());
    this.#isGiving = true;
    boundary.guard({ destroy }, () => {
      socket = adoptSocket(fd);
      http.emit('connection', socket);
    });
    this.#isGiving = false;
  }
}

const END_OF_HEAD = Buffer.from('\r\n\r\n');
