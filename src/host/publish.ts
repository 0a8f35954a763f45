import type { SendData } from '../connection/connection.js';
import { Turn } from '../connection/turn.js';
import type { Exchange } from './exchange.js';
import type { Host } from './host.js';

/**
 * What publishes in this thread: one in a worker; in the primary that of each server that hosts connections there, which
 * are several while it reloads.
 *
 * It is one for all copies of this package: the server may be one of a global installation, and the handler import a local
 * one, or have one inside of its bundle. So it is on `globalThis`, and each entry says by `version` which shape it has.
 */
type Publishers = Map<object, Publisher>;

/** The shape below. A copy with another number is told apart, and named in an error. `version` and `from` never change. */
const VERSION = 1;

interface Publisher {
  readonly version: number;
  /** Where the copy of the package lies. */
  readonly from: string;
  /** Hosts that are registered. */
  hosts: number;
  readonly publish: Exchange['publish'];
  /** Resolves when there is room to publish. */
  room(): Promise<void>;
  /** Whether one of its hooks is running: asked of the copy whose hooks they are. */
  isRunning(): boolean;
}

const KEY = Symbol.for('wsloom.publishers');

function publishers(): Publishers {
  const known = Reflect.get(globalThis, KEY) as Publishers | undefined;
  if (known !== undefined) return known;
  const made: Publishers = new Map();
  Reflect.set(globalThis, KEY, made);
  return made;
}

/** Undefined in a bundle of CommonJS. */
const FROM: string = (import.meta.url as string | undefined) ?? 'a bundle';

/** Makes a host reachable for {@link publish}, until the returned function is called. */
export function registerHost({ exchange }: Host): () => void {
  const all = publishers();
  const publisher = all.get(exchange) ?? {
    version: VERSION,
    from: FROM,
    hosts: 0,
    publish: (topic: string, data: SendData) => exchange.publish(topic, data),
    room: () => exchange.bus.room(),
    isRunning: () => exchange.turn === Turn.running,
  };
  publisher.hosts++;
  all.set(exchange, publisher);
  return () => {
    publisher.hosts--;
    if (publisher.hosts === 0) all.delete(exchange);
  };
}

/**
 * For handler modules: sends a message to every connection that is subscribed to a topic, in all threads of the server.
 * Goes out at the end of the thread's turn, with everything else that is published in it. The handler may import another
 * copy of this package than the server.
 *
 * @returns false if a thread with subscribers of the topic has too much to take already: see {@link Connection.publish}.
 * @throws Error where no server hosts connections in this thread, or several do and none of their hooks is running: use
 * `connection.publish` or `server.publish` then. Also if the server is of another copy of this package whose version does
 * not fit.
 */
export function publish(topic: string, data: SendData): boolean {
  return currentPublisher().publish(topic, data);
}

/**
 * For handler modules: resolves when no thread of the server has too much to take of what is published: for code that no connection can
 * be held back for, as timers, and what comes after an `await`.
 * @throws as {@link publish}.
 */
export function roomToPublish(): Promise<void> {
  return currentPublisher().room();
}

function currentPublisher(): Publisher {
  const all = [...publishers().values()];
  const found = all.length === 1 ? all[0] : all.find((one) => one.version === VERSION && one.isRunning());
  if (found?.version === VERSION) return found;
  const foreign = all.find(({ version }) => version !== VERSION);
  if (foreign !== undefined) {
    throw new Error(
      `publish() is that of ${FROM}, and the server is of another copy of wsloom, ${foreign.from}, whose version does not fit: use one version for both`,
    );
  }
  throw new Error(
    all.length === 0
      ? 'publish() works in a handler module, in a thread that hosts connections; elsewhere use server.publish()'
      : 'publish() cannot know which of the servers in this thread is meant: use server.publish()',
  );
}
