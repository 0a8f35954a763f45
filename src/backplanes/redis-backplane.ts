import type { Backplane, BackplaneConnection, BackplaneEvents } from '../fleet/backplane.js';
import { BackplaneError } from './backplane-error.js';
import { mastersOf } from './cluster-slots.js';
import { type EngineAddress, shownAddress } from './engine-options.js';
import { RedisClient, type RedisCredentials } from './redis-client.js';
import { type RedisRoute, RedisSession } from './redis-session.js';
import { Secrets } from './secrets.js';
import { PARTITIONS } from './topic-names.js';

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
    const open = async (address: EngineAddress) => {
      const client = await RedisClient.open(address, this.#settings, this.#secrets, signal, onLost);
      clients.push(client);
      return client;
    };
    // What waits for the answer of a server that is frozen rejects then.
    const onAbort = () => {
      for (const client of clients) client.close();
    };
    signal.addEventListener('abort', onAbort);
    try {
      const { client: seed, address } = await this.#seed(open, signal);
      const isCluster = await isOfCluster(seed);
      if (!isCluster && this.#settings.nodes.length > 1) {
        throw new BackplaneError(
          `${seed.what} is no node of a cluster, and there may be only one address of such a server`,
        );
      }
      const routes = isCluster ? await this.#clusterRoutes(seed, address, open) : plainRoutes(seed);
      if (failure !== undefined) throw failure;
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

  /** A connection to the first node that answers. */
  async #seed(open: (address: EngineAddress) => Promise<RedisClient>, signal: AbortSignal) {
    const failures: string[] = [];
    const given = this.#settings.nodes;
    const isGiven = (node: EngineAddress) => given.some((one) => shownAddress(one) === shownAddress(node));
    for (const address of [...given, ...this.#known.filter((node) => !isGiven(node))]) {
      if (signal.aborted) break;
      try {
        return { client: await open(address), address };
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    throw new BackplaneError(failures.length === 0 ? 'Redis: it took too long' : failures.join('; '));
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
    return masters.map((master) => routes.get(shownAddress(master)) as RedisRoute);
  }
}

function plainRoutes(client: RedisClient): RedisRoute[] {
  const route: RedisRoute = { publisher: client, subscriber: client };
  return Array.from({ length: PARTITIONS }, () => route);
}

/** `HELLO` without arguments tells what the server is, also to users who may do little else. */
async function isOfCluster(client: RedisClient): Promise<boolean> {
  const answer = await client.command(['HELLO']);
  const mode = answer instanceof Map ? answer.get('mode') : Reflect.get(Object(answer), 'mode');
  return String(mode) === 'cluster';
}
