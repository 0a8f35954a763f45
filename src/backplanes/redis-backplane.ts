import type { Backplane, BackplaneConnection, BackplaneEvents } from '../fleet/backplane.js';
import { PARTITIONS } from '../pubsub/topic-spread.js';
import { BackplaneError } from './backplane-error.js';
import { mastersOf } from './cluster-slots.js';
import { type EngineAddress, shownAddress } from './engine-options.js';
import { type FirstAnswer, firstAnswer } from './first-answer.js';
import { RedisClient, type RedisCredentials } from './redis-client.js';
import { type RedisRoute, RedisSession } from './redis-session.js';
import { Secrets } from './secrets.js';

/** The options of Redis when all are checked. */
export interface RedisSettings extends RedisCredentials {
  readonly nodes: readonly EngineAddress[];
  readonly prefix: string;
}

/**
 * Redis, or a cluster of it, by the package `redis`. Its own connecting again is switched off: the session of the server does that. Its
 * client for clusters is not used, because it hides on which connection what is sent: order, back-pressure and losses could not be
 * told from outside.
 *
 * A cluster has sharded pub/sub: a channel belongs to the node of its slot. All topics of a partition have the same slot.
 */
export class RedisBackplane implements Backplane {
  readonly name = 'redis';
  readonly #settings: RedisSettings;
  readonly #secrets: Secrets;
  /** The nodes of the cluster when there was a connection last: those in the options may be gone. */
  #known: readonly EngineAddress[] = [];

  constructor(settings: RedisSettings) {
    this.#settings = settings;
    this.#secrets = new Secrets([settings.password]);
  }

  async connect(events: BackplaneEvents, signal: AbortSignal): Promise<BackplaneConnection> {
    const clients: RedisClient[] = [];
    let session: RedisSession | undefined;
    let failure: BackplaneError | undefined;
    const onLost = (error: BackplaneError) => {
      failure ??= error;
      session?.lose(error);
    };
    const open = async (address: EngineAddress, giveUp = signal) => {
      const client = await RedisClient.open(address, this.#settings, this.#secrets, giveUp, onLost);
      clients.push(client);
      return client;
    };
    // What waits for the answer of a server that is frozen rejects then.
    const onAbort = () => {
      for (const client of clients) client.close();
    };
    signal.addEventListener('abort', onAbort);
    try {
      const { answer: seed, address } = await this.#seed(open, signal);
      const { mode, role } = await kindOf(seed);
      const isCluster = mode === 'cluster';
      if (!isCluster) this.#checkAlone(seed, role);
      const routes = isCluster ? await this.#clusterRoutes(seed, address, open) : plainRoutes(seed);
      if (failure !== undefined) throw failure;
      for (const { publisher } of new Set(routes)) publisher.watch();
      const { prefix } = this.#settings;
      session = new RedisSession({ routes, clients, isSharded: isCluster, prefix, secrets: this.#secrets, events });
      return session;
    } catch (error) {
      for (const client of clients) client.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Refuses what would be two engines that know nothing of each other. */
  #checkAlone({ what }: RedisClient, role: string): void {
    if (this.#settings.nodes.length > 1) {
      throw new BackplaneError(`${what} is no node of a cluster, and there may be only one address of such a server`);
    }
    // What is published at a replica reaches only those who have subscribed there.
    if (role !== 'master') throw new BackplaneError(`${what} is a ${role}: the address must be that of the master`);
  }

  /** A connection to a node that answers. */
  async #seed(
    open: (address: EngineAddress, giveUp: AbortSignal) => Promise<RedisClient>,
    signal: AbortSignal,
  ): Promise<FirstAnswer<RedisClient>> {
    const nodes = new Map([...this.#settings.nodes, ...this.#known].map((node) => [shownAddress(node), node]));
    try {
      return await firstAnswer([...nodes.values()], signal, open, (late) => late.close());
    } catch (error) {
      throw new BackplaneError((error as Error).message);
    }
  }

  /**
   * A node has two connections. What the client takes for the answer to a command may be the news that a slot has moved: on the connection
   * that publishes there must be no such news.
   */
  async #clusterRoutes(
    seed: RedisClient,
    address: EngineAddress,
    open: (address: EngineAddress) => Promise<RedisClient>,
  ): Promise<RedisRoute[]> {
    const masters = mastersOf(await seed.command(['CLUSTER', 'SLOTS']), address);
    const nodes = new Map(masters.map((master) => [shownAddress(master), master]));
    this.#known = [...nodes.values()];
    const opened = await Promise.allSettled(
      [...nodes].map(async ([name, node]) => {
        const isSeed = name === shownAddress(address);
        const publisher = isSeed ? seed : await open(node);
        return [name, { publisher, subscriber: await open(node) }] as const;
      }),
    );
    const routes = new Map(
      opened.map((one) => {
        if (one.status === 'rejected') throw one.reason;
        return one.value;
      }),
    );
    // A replica, or a node under another name than the cluster has for it: it is not needed any more, and may end.
    if ([...routes.values()].every(({ publisher }) => publisher !== seed)) seed.close();
    return masters.map((master) => routes.get(shownAddress(master)) as RedisRoute);
  }
}

function plainRoutes(client: RedisClient): RedisRoute[] {
  const route: RedisRoute = { publisher: client, subscriber: client };
  return Array.from({ length: PARTITIONS }, () => route);
}

/** What a server is. `HELLO` without arguments tells it, also to users who may do little else. */
async function kindOf(client: RedisClient): Promise<{ readonly mode: string; readonly role: string }> {
  const answer = await client.command(['HELLO']);
  const member = (name: string) => {
    return String(answer instanceof Map ? answer.get(name) : Reflect.get(Object(answer), name));
  };
  return { mode: member('mode'), role: member('role') };
}
