import type { SendData } from '../connection/connection.js';
import { Turn } from '../connection/turn.js';
import type { Exchange } from './exchange.js';
import type { Host } from './host.js';

/**
 * The hosts of this thread, by the exchange that they publish through: one in a worker; in the primary those of each server
 * that hosts connections there, which are several while it reloads.
 */
const hosts = new Map<Exchange, number>();

/** Makes a host reachable for {@link publish}, until the returned function is called. */
export function registerHost({ exchange }: Host): () => void {
  hosts.set(exchange, (hosts.get(exchange) ?? 0) + 1);
  return () => {
    const left = (hosts.get(exchange) ?? 1) - 1;
    if (left === 0) hosts.delete(exchange);
    else hosts.set(exchange, left);
  };
}

/**
 * For handler modules: sends a message to every connection that is subscribed to a topic, in all threads of the server.
 * Goes out at the end of the thread's turn, with everything else that is published in it.
 *
 * @returns false if a thread with subscribers of the topic has too much to take already: see {@link Connection.publish}.
 * @throws Error where no server hosts connections in this thread, or several do and none of their hooks is running: use
 * `connection.publish` or `server.publish` then.
 */
export function publish(topic: string, data: SendData): boolean {
  return currentExchange().publish(topic, data);
}

/**
 * For handler modules: resolves when no thread of the server has too much to take of what is published: for code that no connection can
 * be held back for, as timers, and what comes after an `await`.
 * @throws as {@link publish}.
 */
export function roomToPublish(): Promise<void> {
  return currentExchange().bus.room();
}

function currentExchange(): Exchange {
  for (const exchange of hosts.keys()) if (hosts.size === 1 || exchange.turn === Turn.running) return exchange;
  throw new Error(
    hosts.size === 0
      ? 'publish() works in a handler module, in a thread that hosts connections; elsewhere use server.publish()'
      : 'publish() cannot know which of the servers in this thread is meant: use server.publish()',
  );
}
