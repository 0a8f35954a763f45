import type { ListenOptions, Server as NetServer } from 'node:net';
import { ServerStateError } from './server-state-error.js';

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
    http.listen(options, () => {
      http.off('error', reject);
      http.off('close', closed);
      resolve();
    });
  });
}
