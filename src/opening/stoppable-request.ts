import { IncomingMessage } from 'node:http';
import type { HttpConnections } from './http-connections.js';

/**
 * Makes the class of the requests of Node's HTTP server. Its requests can stop the parser. Node parses a whole read of 64 KiB at
 * once, and makes two objects for each request in it, even if the answer to the first ends the connection: 400 clients that
 * pipelined 1500 requests each took 550 MB and 11 s. Only an upgrade stops the parser, because the bytes behind its head are not
 * HTTP. So the first request that is not taken any more pretends to be an upgrade, and comes to the 'upgrade' listener.
 *
 * A request with a body does the same. No route reads bodies, and Node would parse them to their end: 40 clients that sent chunks
 * of one byte kept all others waiting for 7 s. The answer to such a request is the last one of its connection.
 */
export function stoppableRequest(connections: Pick<HttpConnections, 'isStopped'>): typeof IncomingMessage {
  return class StoppableRequest extends IncomingMessage {
    /**
     * The value of `upgrade` that Node has set. Node's constructor sets it by the setter below, so a field with a value of its
     * own would overwrite it.
     */
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
