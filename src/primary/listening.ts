import type { ListenOptions, Server as NetServer } from 'node:net';
import { ServerStateError } from './server-state-error.js';

/**
 * How many connections may wait in the kernel until they are accepted. Node asks for 511; of more that come at once the kernel drops the
 * beginning, and clients try again after 1 s, and 3 s. Linux lowers it to `net.core.somaxconn`, which is 4096 by default.
 */
const BACKLOG = 4096;

/**
 * Resolves when an HTTP server listens.
 * @throws the error of the system; ServerStateError if the server is closed meanwhile.
 */
export function listening(http: NetServer, options: ListenOptions | { readonly fd: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    // A `close()` while the host is looked up emits 'close' and no error.
    const closed = () => reject(new ServerStateError('the server was closed while it was starting'));
    http.once('error', reject);
    http.once('close', closed);
    http.listen({ ...options, backlog: BACKLOG }, () => {
      http.off('error', reject);
      http.off('close', closed);
      resolve();
    });
  });
}
