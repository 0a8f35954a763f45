import { IncomingMessage } from 'node:http';
import type { HttpConnections } from './http-connections.js';

/**
 * The class of requests that Node's HTTP server makes. Node parses all of a read, 64 KiB, at once, and makes two objects of each
 * request in it, whatever becomes of the first: 400 clients that pipeline 1500 each took 550 MB and 11 s. What can stop it is an upgrade:
 * what follows the head of such a request is not HTTP. So the first request that is not taken any more passes itself off as one, and
 * comes to the 'upgrade' listener.
 *
 * So does a request with a body, which no route reads, and which would be parsed to its end: 40 clients with chunks of one byte kept all
 * others waiting for 7 s. Its answer is the connection's last.
 */
export function stoppableRequest(connections: Pick<HttpConnections, 'isStopped'>): typeof IncomingMessage {
  return class StoppableRequest extends IncomingMessage {
    /** Node's own property, and set by its constructor already: no field may shadow it. */
    declare isUpgrade: boolean | null;

    get upgrade(): boolean | null {
      return connections.isStopped(this.socket) || announcesBody(this) || this.isUpgrade;
    }

    set upgrade(isUpgrade: boolean | null) {
      this.isUpgrade = isUpgrade;
    }
  };
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
