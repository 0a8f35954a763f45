import { closeSync } from 'node:fs';
import type { Server as NetServer, Socket } from 'node:net';
import { descriptorOf } from '../system/descriptor.js';
import type { SystemCalls } from '../system/system-calls.js';
import { adoptSocket } from './upgrade-socket.js';

/** The most connections that are accepted in a row before other work is done. */
const MAX_ACCEPTED = 128;

export interface BacklogOptions {
  readonly server: NetServer;
  readonly calls: SystemCalls;
  /**
   * Called with each connection. Its descriptor belongs to the callee from then on. The address is undefined if the connection was
   * lost before its address was read.
   */
  readonly take: (fd: number, remoteAddress: string | undefined) => void;
  /**
   * Descriptors from this number on are for others than these connections. The system gives the lowest that is free, so a connection gets
   * one of them only when all others are in use. Left out if there are no such others.
   */
  readonly reservedFrom?: number | undefined;
  /** Called when a connection was closed because no descriptor was left for it. */
  readonly onOutOfDescriptors: () => void;
}

/** The part of a connection's handle in Node that is used here. */
interface ConnectionHandle {
  readonly fd?: unknown;
  getpeername?(out: { address?: string }): number;
  close(): void;
}

/** The part of a listening handle in Node that is used here. */
interface ListeningHandle {
  onconnection?: unknown;
}

/**
 * Accepts connections of a listening server as descriptors. Node accepts one connection and reports it; then all others that wait
 * in the kernel's backlog are accepted by system calls. Node would make a net.Socket of each, which costs more than everything
 * else that is done to accept it; so the handle of the connection is taken before that. Where Node's handles are not as expected,
 * the socket is taken instead.
 */
export class Backlog {
  readonly #options: BacklogOptions;
  /** The descriptor of the listening socket; -1 if connections cannot be accepted from it by system calls. */
  #listening = -1;
  #isUnix = false;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** Whether the connections come by a unix socket, where peers have no address. */
  get isUnix(): boolean {
    return this.#isUnix;
  }

  /** Starts to accept. Call it when the server listens. */
  start(): void {
    const { server, calls } = this.#options;
    const listening = descriptorOf(server);
    if (listening >= 0 && calls.prepareToAccept(listening)) this.#listening = listening;
    this.#isUnix = listening >= 0 && calls.unixPathOf(listening) !== undefined;
    const handle = Reflect.get(server, '_handle') as ListeningHandle | null;
    const report = handle?.onconnection;
    if (handle === null || typeof report !== 'function') return;
    handle.onconnection = (status: number, connection: ConnectionHandle | undefined) => {
      const isTaken = status === 0 && connection !== undefined && this.#takeHandle(connection);
      if (!isTaken) report.call(handle, status, connection);
    };
  }

  /** Takes a connection that Node has made a socket of. */
  takeSocket(socket: Socket): void {
    this.#takeOfSocket(socket);
    this.takeWaiting();
  }

  /** @returns false if that cannot be done: the handle is not as expected, or no descriptor is left. */
  #takeHandle(connection: ConnectionHandle): boolean {
    const fd = typeof connection.fd === 'number' ? this.#options.calls.duplicate(connection.fd) : -1;
    if (fd < 0) return false;
    const peer: { address?: string } = {};
    connection.getpeername?.(peer);
    connection.close();
    this.#give(fd, peer.address);
    this.takeWaiting();
    return true;
  }

  /** Takes all connections that wait in the kernel, or as many as may be taken in a row. */
  takeWaiting(): void {
    const { server, calls } = this.#options;
    if (this.#listening < 0) return;
    // When the server is closed, the number may be that of another descriptor.
    for (let i = 0; i < MAX_ACCEPTED && server.listening; i++) {
      const fd = calls.accept(this.#listening);
      if (fd < 0) return; // none waits, or no descriptor is left: Node handles that
      const { acceptedFrom } = calls;
      if (acceptedFrom !== undefined || calls.acceptedOnUnix) this.#give(fd, acceptedFrom);
      else this.#takeOfSocket(adoptSocket(fd)); // a socket of Node knows how a link-local address is written
    }
  }

  #takeOfSocket(socket: Socket): void {
    const { remoteAddress } = socket;
    const of = descriptorOf(socket);
    if (of < 0) return; // it is closed
    const fd = this.#options.calls.duplicate(of);
    socket.destroy(); // closes its own descriptor; the connection lives on in the duplicate
    if (fd < 0) this.#options.onOutOfDescriptors();
    else this.#give(fd, remoteAddress);
  }

  #give(fd: number, remoteAddress: string | undefined): void {
    const { reservedFrom = Number.POSITIVE_INFINITY, take, onOutOfDescriptors } = this.#options;
    if (fd < reservedFrom) {
      take(fd, remoteAddress);
      return;
    }
    closeSync(fd);
    onOutOfDescriptors();
  }
}
