import type { Duplex } from 'node:stream';

/**
 * Takes a connection out of the count of the server that has accepted it, so that `close()` of that server does not wait for its
 * end. Node has no public way to do that. What it does when a connection ends is done here earlier; a version of Node that does
 * something else keeps the connection in the count.
 * @param stream an accepted socket, or the TLS socket around one.
 */
export function leaveServer(stream: Duplex): void {
  for (const socket of [stream, Reflect.get(stream, '_parent') as unknown]) {
    if (typeof socket !== 'object' || socket === null) continue;
    const server = Reflect.get(socket, '_server') as CountingServer | null | undefined;
    if (typeof server?._connections !== 'number') continue;
    Reflect.set(socket, '_server', null);
    server._connections--;
    server._emitCloseIfDrained?.();
  }
}

/** What a server of node:net has beside its public properties. */
interface CountingServer {
  _connections?: number;
  _emitCloseIfDrained?(): void;
}
