import type { SendData } from '../connection/connection.js';
import { Turn } from '../connection/turn.js';
import type { Host } from './host.js';

/** The hosts of this thread: one in a worker; in the primary one for each server that hosts connections there. */
const hosts = new Set<Host>();

/** Makes a host reachable for {@link publish}, until the returned function is called. */
export function registerHost(host: Host): () => void {
  hosts.add(host);
  return () => hosts.delete(host);
}

/**
 * For handler modules: sends a message to every connection that is subscribed to a topic, in all threads of the server.
 * Goes out at the end of the thread's turn, with everything else that is published in it.
 *
 * @throws Error where no server hosts connections in this thread, or several do and none of their hooks is running: use
 * `connection.publish` or `server.publish` then.
 */
export function publish(topic: string, data: SendData): void {
  currentHost().exchange.publish(topic, data);
}

function currentHost(): Host {
  for (const host of hosts) if (hosts.size === 1 || host.exchange.turn === Turn.running) return host;
  throw new Error(
    hosts.size === 0
      ? 'publish() works in a handler module, in a thread that hosts connections; elsewhere use server.publish()'
      : 'publish() cannot know which of the servers in this thread is meant: use server.publish()',
  );
}
