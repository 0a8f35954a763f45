import type { BackplaneConnection, BackplaneEvents } from '../fleet/backplane.js';
import { partitionOf } from '../pubsub/topic-spread.js';
import { BackplaneError } from './backplane-error.js';
import type { RedisClient } from './redis-client.js';
import type { Secrets } from './secrets.js';
import { topicToken } from './topic-names.js';
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
    const channel = this.#channelOf(topic, partition);
    publisher.send(
      [this.#command, channel, Buffer.from(bytes)],
      () => this.#unconfirmed.confirm(cost),
      (error) => this.#failToPublish(publisher, error, channel, cost),
    );
    return !this.#unconfirmed.isFull;
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    if (this.#isOver) return;
    const groups = this.#groups(topics);
    for (const topic of topics) this.#topics.set(this.#channelOf(topic, partitionOf(topic)), topic);
    await this.#all(groups, (client, channels) => this.#subscribe(client, channels));
  }

  async unsubscribe(topics: readonly string[]): Promise<void> {
    if (this.#isOver) return;
    // Without those that the server has refused.
    const subscribed = topics.filter((topic) => this.#topics.delete(this.#channelOf(topic, partitionOf(topic))));
    await this.#all(this.#groups(subscribed), (client, channels) =>
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

  /** If one of several channels is not permitted, the server refuses all of them, and does not say which: it is found by halves. */
  async #subscribe(client: RedisClient, channels: readonly string[]): Promise<void> {
    try {
      await client.subscribe(channels, this.#isSharded, this.#received);
    } catch (error) {
      if (this.#isOver || !isChannelRefused(error)) throw error;
      const half = channels.length >> 1;
      if (half > 0) {
        const halves = [channels.slice(0, half), channels.slice(half)];
        await Promise.all(halves.map((one) => this.#subscribe(client, one)));
        return;
      }
      for (const channel of channels) {
        this.#topics.delete(channel);
        this.#events.refused(naming(channel, error));
      }
    }
  }

  /** If the topic is not permitted, the others go on. If it is that a slot has moved, whoever waits for messages would wait in vain. */
  #failToPublish(client: RedisClient, error: unknown, channel: string, cost: number): void {
    if (this.#isOver) return;
    const told = this.#secrets.error(client.what, error);
    if (!isChannelRefused(told)) {
      client.lose(error);
      return;
    }
    this.#unconfirmed.confirm(cost);
    this.#events.refused(naming(channel, told));
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

/** The server does not say which channel it has refused. */
function naming(channel: string, error: BackplaneError): BackplaneError {
  return new BackplaneError(`${error.message}: ${channel}`);
}

/** Whether the server has refused a channel, by its rules on channels. To have no permission for a command at all is another thing. */
function isChannelRefused(error: unknown): error is BackplaneError {
  return error instanceof BackplaneError && /\bNOPERM\b.*\bchannels?\b/i.test(error.message);
}
