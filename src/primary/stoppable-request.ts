import { IncomingMessage } from 'node:http';
import type { HttpConnections } from './http-connections.js';

/**
 * The class of requests that Node's HTTP server makes. Node parses all of a read, 64 KiB, at once, and makes two objects of each
 * request in it, whatever becomes of the first: 400 clients that pipeline 1500 each took 550 MB and 11 s. What can stop it is an upgrade:
 * what follows the head of such a request is not HTTP. So the first request that is not taken any more passes itself off as one, and
 * comes to the 'upgrade' listener.
 *
 * It is the same with the body of the last request that is taken: nobody wants it.
 */
export function stoppableRequest(connections: Pick<HttpConnections, 'isStopped'>): typeof IncomingMessage {
  return class StoppableRequest extends IncomingMessage {
    /** Node's own property, and set by its constructor already: no field may shadow it. */
    declare isUpgrade: boolean | null;

    get upgrade(): boolean | null {
      return connections.isStopped(this.socket) || this.isUpgrade;
    }

    set upgrade(isUpgrade: boolean | null) {
      this.isUpgrade = isUpgrade;
    }

    /** Of the body of a last request nothing is kept: 64 KiB of chunks of one byte would be 10 000 objects. @returns false: read no more */
    override push(chunk: unknown, encoding?: BufferEncoding): boolean {
      if (chunk !== null && connections.isStopped(this.socket)) return false;
      return super.push(chunk, encoding);
    }
  };
}
