import type { BackplaneConnection, BackplaneEvents } from '../fleet/backplane.js';
import type { BackplaneError } from './backplane-error.js';
import type { RedisClient } from './redis-client.js';
import type { Secrets } from './secrets.js';
import { partitionOf, topicToken } from './topic-names.js';
import { UnconfirmedBytes } from './unconfirmed-bytes.js';

/** The connections for the topics of one partition. They are one and the same, except at a cluster. */
export interface RedisRoute {
  readonly publisher: RedisClient;
  readonly subscriber: RedisClient;
}

interface Parts {
  /** One for each partition. */
  readonly routes: readonly RedisRoute[];
  /** All that there are, also those that no partition needs. */
  readonly clients: readonly RedisClient[];
  /** Whether channels are those of sharded pub/sub, which a cluster has. */
  readonly isSharded: boolean;
  readonly prefix: string;
  readonly secrets: Secrets;
  readonly events: BackplaneEvents;
}

/** Redis takes more, but what it has to keep for a slow subscriber is limited to 8 MiB for a minute, by default. */
const MOST_MESSAGE_BYTES = 1024 * 1024;
/** How long what waits may take to be sent when the connection is closed. */
const CLOSE_MS = 2000;

/**
 * The connections to Redis, to the server reported as one. The channel of a topic is the prefix, the partition in braces, which makes it the
 * hash tag of a cluster, and the token of the topic: `wsloom:{17}:news`.
 */
export class RedisSession implements BackplaneConnection {
  readonly maxMessageBytes = MOST_MESSAGE_BYTES;
  readonly #routes: readonly RedisRoute[];
  readonly #clients: readonly RedisClient[];
  readonly #isSharded: boolean;
  readonly #prefix: string;
  readonly #secrets: Secrets;
  readonly #events: BackplaneEvents;
  readonly #unconfirmed: UnconfirmedBytes;
  readonly #command: string;
  /** The topics that are subscribed to, by their channels. */
  readonly #topics = new Map<string, string>();
  #isOver = false;

  constructor({ routes, clients, isSharded, prefix, secrets, events }: Parts) {
    this.#routes = routes;
    this.#clients = clients;
    this.#isSharded = isSharded;
    this.#prefix = prefix;
    this.#secrets = secrets;
    this.#events = events;
    this.#command = isSharded ? 'SPUBLISH' : 'PUBLISH';
    this.#unconfirmed = new UnconfirmedBytes(() => {
      if (!this.#isOver) events.drained();
    });
  }

  publish(topic: string, bytes: Uint8Array): boolean {
    if (this.#isOver) return true;
    const partition = partitionOf(topic);
    const { publisher } = this.#routes[partition] as RedisRoute;
    const cost = this.#unconfirmed.add(bytes.length);
    // The client writes later, and the caller may overwrite the bytes when this returns.
    const command = [this.#command, this.#channelOf(topic, partition), Buffer.from(bytes)];
    publisher.send(
      command,
      () => this.#unconfirmed.confirm(cost),
      (error) => this.#fail(publisher, error),
    );
    return !this.#unconfirmed.isFull;
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    if (this.#isOver) return;
    const groups = this.#groups(topics);
    for (const topic of topics) this.#topics.set(this.#channelOf(topic, partitionOf(topic)), topic);
    await this.#all(groups, (client, channels) => client.subscribe(channels, this.#isSharded, this.#received));
  }

  async unsubscribe(topics: readonly string[]): Promise<void> {
    if (this.#isOver) return;
    for (const topic of topics) this.#topics.delete(this.#channelOf(topic, partitionOf(topic)));
    await this.#all(this.#groups(topics), (client, channels) =>
      client.unsubscribe(channels, this.#isSharded, this.#received),
    );
  }

  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    // A server answers in order: when it answers this, it has done all that was sent before.
    const sent = Promise.allSettled([...new Set(this.#routes)].map(({ publisher }) => publisher.command(['PING'])));
    await Promise.race([sent, late]);
    clearTimeout(timer);
    this.#end();
  }

  /** One of the connections is lost, and with it all of them: the server subscribes to everything again. */
  lose(error: BackplaneError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end();
    this.#events.lost(error);
  }

  #end(): void {
    for (const client of this.#clients) client.close();
  }

  /** The server has refused a publication: not permitted, or the slot has moved. Whoever waits for messages would wait in vain. */
  #fail(client: RedisClient, error: unknown): void {
    if (!this.#isOver) client.lose(error);
  }

  readonly #received = (message: Buffer, channel: Buffer): void => {
    if (this.#isOver) return;
    const topic = this.#topics.get(channel.toString('latin1'));
    if (topic === undefined) return;
    try {
      this.#events.received(topic, message);
    } catch (error) {
      // An exception would break the client's parser.
      this.lose(this.#secrets.error('Redis', error));
    }
  };

  #channelOf(topic: string, partition: number): string {
    return `${this.#prefix}:{${partition}}:${topicToken(topic)}`;
  }

  /** What can be subscribed to by one command: at a cluster the channels of one slot. */
  #groups(topics: readonly string[]): Map<number, string[]> {
    const groups = new Map<number, string[]>();
    for (const topic of topics) {
      const partition = partitionOf(topic);
      const group = this.#isSharded ? partition : 0;
      const channel = this.#channelOf(topic, partition);
      const channels = groups.get(group);
      if (channels === undefined) groups.set(group, [channel]);
      else channels.push(channel);
    }
    return groups;
  }

  async #all(groups: ReadonlyMap<number, string[]>, act: (client: RedisClient, channels: string[]) => Promise<void>) {
    await Promise.all(
      [...groups].map(([group, channels]) => act((this.#routes[group] as RedisRoute).subscriber, channels)),
    );
  }
}
