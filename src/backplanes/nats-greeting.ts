import { connect } from 'node:net';
import { BackplaneError } from './backplane-error.js';
import type { EngineAddress } from './engine-options.js';
import { shownAddress } from './engine-options.js';
import type { Secrets } from './secrets.js';

/**
 * Finds a server of NATS that answers: one that says INFO, which a server does first. The official client cannot be stopped while it waits
 * for that, and leaves the socket behind. So a server that cannot be reached, or is frozen, is found out here, on a connection that is
 * ended at once.
 * @returns the first of the servers that answers.
 * @throws BackplaneError if none does.
 */
export async function greetingServer(
  servers: readonly EngineAddress[],
  signal: AbortSignal,
  secrets: Secrets,
): Promise<EngineAddress> {
  const failures: string[] = [];
  // Whoever starts at the same one each time would fill one server of a cluster, and leave the others idle.
  const first = Math.floor(Math.random() * servers.length);
  for (let i = 0; i < servers.length; i++) {
    const server = servers[(first + i) % servers.length] as EngineAddress;
    try {
      await greeting(server, signal);
      return server;
    } catch (error) {
      failures.push(secrets.error(shownAddress(server), error).message);
    }
    if (signal.aborted) break;
  }
  throw new BackplaneError(`no server of NATS can be reached: ${failures.join('; ')}`);
}

function greeting({ host, port }: EngineAddress, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new Error('it took too long'));
      return;
    }
    const socket = connect({ host, port });
    const end = (error?: Error) => {
      signal.removeEventListener('abort', onAbort);
      // An error that is still to come has no one to tell.
      socket.on('error', () => {}).destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const onAbort = () => end(new Error('it took too long'));
    signal.addEventListener('abort', onAbort);
    socket.once('data', (bytes) => {
      const isNats = bytes.toString('latin1').toUpperCase().startsWith('INFO');
      end(isNats ? undefined : new Error('what answers is no server of NATS'));
    });
    socket.once('error', end);
    socket.once('close', () => end(new Error('the connection was closed')));
  });
}
