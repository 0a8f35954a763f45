import type { Backplane, BackplaneConnection, BackplaneEvents } from '../../dist/index.js';

/** An engine in memory, for servers of one process. */
export class MemoryHub {
  /** The most that the engine takes at once, in bytes. */
  maxMessageBytes = 1024 * 1024;
  /** Whether nobody can connect. */
  isAway = false;
  /** Whether it asks publishers to wait. */
  isFull = false;
  /** How many messages it has been given. */
  published = 0;
  /** Every subscribing and unsubscribing, in their order: `+ topic`, `- topic`. */
  readonly asked: string[] = [];
  readonly #connections = new Set<HubConnection>();

  /** Makes what a server connects by. */
  backplane(name = 'memory'): Backplane {
    return {
      name,
      connect: async (events, signal) => {
        if (this.isAway) throw new Error('nobody there');
        await new Promise((resolve) => setImmediate(resolve));
        if (signal.aborted) throw new Error('given up');
        const connection = new HubConnection(this, events);
        this.#connections.add(connection);
        return connection;
      },
    };
  }

  /** The number of connections. */
  get size(): number {
    return this.#connections.size;
  }

  /** How many connections are subscribed to a topic. */
  subscribers(topic: string): number {
    return [...this.#connections].filter(({ topics }) => topics.has(topic)).length;
  }

  /** Gives a message to all who are subscribed to its topic, whoever sends it. */
  send(topic: string, bytes: Uint8Array): void {
    const copy = Uint8Array.from(bytes);
    for (const connection of this.#connections) {
      if (!connection.topics.has(topic)) continue;
      setImmediate(() => {
        if (this.#connections.has(connection)) connection.events.received(topic, copy);
      });
    }
  }

  /** All connections are lost, and nobody can connect until {@link comeBack}. */
  goAway(): void {
    this.isAway = true;
    for (const connection of this.#connections) {
      this.#connections.delete(connection);
      connection.events.lost(new Error('the hub has gone'));
    }
  }

  comeBack(): void {
    this.isAway = false;
  }

  /** It does not ask publishers to wait any more. */
  drain(): void {
    this.isFull = false;
    for (const { events } of this.#connections) events.drained();
  }

  remove(connection: HubConnection): void {
    this.#connections.delete(connection);
  }
}

class HubConnection implements BackplaneConnection {
  readonly topics = new Set<string>();
  readonly events: BackplaneEvents;
  readonly #hub: MemoryHub;

  constructor(hub: MemoryHub, events: BackplaneEvents) {
    this.#hub = hub;
    this.events = events;
  }

  get maxMessageBytes(): number {
    return this.#hub.maxMessageBytes;
  }

  publish(topic: string, bytes: Uint8Array): boolean {
    if (bytes.length > this.maxMessageBytes) throw new Error(`${bytes.length} bytes are too many`);
    this.#hub.published++;
    this.#hub.send(topic, bytes);
    return !this.#hub.isFull;
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      this.topics.add(topic);
      this.#hub.asked.push(`+ ${topic}`);
    }
  }

  async unsubscribe(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      this.topics.delete(topic);
      this.#hub.asked.push(`- ${topic}`);
    }
  }

  async close(): Promise<void> {
    this.#hub.remove(this);
  }
}
