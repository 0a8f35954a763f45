import type { Server as HttpServer } from 'node:http';
import { descriptorOf } from '../system/descriptor.js';
import { Backlog } from './backlog.js';
import { FirstBytes } from './first-bytes.js';
import { UnreadConnections, type UnreadConnectionsEnvironment } from './unread-connections.js';

export interface BacklogAcceptorEnvironment extends UnreadConnectionsEnvironment {
  readonly http: HttpServer;
  /** See {@link FirstBytes}. */
  readonly room: () => number;
  /** See {@link Backlog}. */
  readonly reservedFrom?: number | undefined;
  readonly onOutOfDescriptors: () => void;
}

/**
 * Accepts the connections of an HTTP server by their descriptors. Node would make a net.Socket and a parser for each. They are
 * upgraded from their descriptors, see {@link UnreadConnections}. That opens three times as many connections a second, with one
 * worker on the same core.
 */
export class BacklogAcceptor {
  readonly #environment: BacklogAcceptorEnvironment;

  /** @param environment its HTTP server is the one whose connections are accepted. */
  constructor(environment: BacklogAcceptorEnvironment) {
    this.#environment = environment;
  }

  /** Starts to accept. Call it when the HTTP server listens. It does nothing where connections cannot be accepted by system calls. */
  start(): void {
    const { http, calls, room, reservedFrom, onOutOfDescriptors } = this.#environment;
    const listening = descriptorOf(http);
    if (listening < 0 || !calls.prepareToAccept(listening)) return;
    const unread = new UnreadConnections(this.#environment);
    const first = new FirstBytes({
      calls,
      isListening: () => http.listening,
      room,
      take: (fd, remoteAddress) => unread.take({ fd, remoteAddress, isUnix: backlog.isUnix }),
    });
    const take = (fd: number, remoteAddress: string | undefined) => first.add(fd, remoteAddress);
    const backlog = new Backlog({ server: http, calls, take, reservedFrom, onOutOfDescriptors });
    backlog.start();
    // Node makes a socket where its handles are not as expected, or no descriptor is left for a duplicate. Others may wait behind it.
    http.on('connection', () => {
      if (!unread.isGiving) backlog.takeWaiting();
    });
  }
}
