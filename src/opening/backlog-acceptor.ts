import { closeSync } from 'node:fs';
import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import { readUpgradeRequest } from '../protocol/opening/request-head.js';
import { descriptorOf } from '../system/descriptor.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { Boundary } from './boundary.js';
import type { Clients } from './clients.js';
import { adoptSocket, DescriptorUpgradeSocket } from './upgrade-socket.js';
import type { Upgrader } from './upgrader.js';

/** The most connections that are accepted in a row before other work is done. */
const MAX_ACCEPTED = 128;

export interface BacklogAcceptorEnvironment {
  /** The HTTP server whose backlog is accepted from. It gets every connection that is not upgraded here. */
  readonly http: HttpServer;
  readonly calls: SystemCalls;
  readonly upgrader: Pick<Upgrader, 'onRequest'>;
  readonly clients: Clients;
  readonly boundary: Boundary;
  /** The longest head of a request that is read here, in bytes. The HTTP server refuses a longer one. */
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
}

/** A connection that waits for its request to be looked at. */
interface Accepted {
  readonly fd: number;
  readonly remoteAddress: string | undefined;
}

/**
 * Accepts connections quickly when many clients come at once. Node's HTTP server accepts connections one by one, and makes a
 * net.Socket and a parser for each. Whenever it has accepted one, this class takes all others that wait in the kernel's backlog,
 * by system calls. A client that has sent an ordinary request for an upgrade by then is upgraded from its descriptor. That opens
 * 2.5 times as many connections a second, with one worker on the same core. Every other connection is given to the HTTP server,
 * unread, as if the server had accepted it. So the HTTP server remains the judge of everything else that is HTTP.
 */
export class BacklogAcceptor {
  readonly #http: HttpServer;
  readonly #calls: SystemCalls;
  readonly #upgrader: Pick<Upgrader, 'onRequest'>;
  readonly #clients: Clients;
  readonly #boundary: Boundary;
  readonly #maxHeaders: number;
  readonly #request: Buffer;
  readonly #accepted: Accepted[] = [];
  #isScheduled = false;
  /** Whether a connection that was accepted here is being given to the HTTP server. */
  #isGiving = false;

  constructor({
    http,
    calls,
    upgrader,
    clients,
    boundary,
    maxHeaderBytes,
    maxHeaderCount,
  }: BacklogAcceptorEnvironment) {
    this.#http = http;
    this.#calls = calls;
    this.#upgrader = upgrader;
    this.#clients = clients;
    this.#boundary = boundary;
    this.#maxHeaders = maxHeaderCount;
    this.#request = Buffer.allocUnsafeSlow(maxHeaderBytes);
  }

  /** Starts to accept. Call it when the HTTP server listens. It does nothing where connections cannot be accepted by system calls. */
  start(): void {
    const listening = descriptorOf(this.#http);
    if (listening < 0 || !this.#calls.prepareToAccept(listening)) return;
    this.#http.on('connection', () => {
      if (!this.#isGiving) this.#accept(listening);
    });
  }

  /** Accepts all connections that wait. Their requests are read a moment later, because they may still be on their way. */
  #accept(listening: number): void {
    const calls = this.#calls;
    for (let i = 0; i < MAX_ACCEPTED; i++) {
      const fd = calls.accept(listening);
      if (fd < 0) return; // none waits, or no descriptor is left: the HTTP server handles that
      this.#accepted.push({ fd, remoteAddress: calls.acceptedFrom });
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
      if (!this.#http.listening) closeSync(one.fd);
      else if (!this.#upgrade(one)) this.#give(one);
    }
  }

  /**
   * Upgrades a connection that has sent an ordinary request.
   * @returns false if the HTTP server has to answer; then nothing was read.
   */
  #upgrade({ fd, remoteAddress }: Accepted): boolean {
    if (remoteAddress === undefined) return false;
    const calls = this.#calls;
    const bytes = this.#request;
    const received = calls.peek(fd, bytes);
    const end = received > 0 ? bytes.subarray(0, received).indexOf(END_OF_HEAD) : -1;
    if (end < 0) return false;
    const length = end + END_OF_HEAD.length;
    const request = readUpgradeRequest(bytes.toString('latin1', 0, length), this.#maxHeaders);
    if (request === undefined) return false;
    if (calls.consume(fd, bytes, length) !== length) {
      closeSync(fd); // urgent data (RFC 9293 section 3.8.5) stands within the request: no WebSocket client sends any
      return true;
    }
    const client = this.#clients.addressFor(request.rawHeaders, { remoteAddress });
    const socket = new DescriptorUpgradeSocket(fd, client);
    this.#boundary.guard({ destroy: () => socket.drop() }, () => this.#upgrader.onRequest(request, socket));
    return true;
  }

  #give({ fd }: Accepted): void {
    let socket: Socket | undefined;
    const destroy = () => (socket === undefined ? closeSync(fd) : socket.destroy());
    this.#isGiving = true;
    this.#boundary.guard({ destroy }, () => {
      socket = adoptSocket(fd);
      this.#http.emit('connection', socket);
    });
    this.#isGiving = false;
  }
}

const END_OF_HEAD = Buffer.from('\r\n\r\n');
