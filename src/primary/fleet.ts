import type { BackplaneState } from '../connection/handler.js';
import type { Backplane } from '../fleet/backplane.js';
import { BackplaneSession } from '../fleet/backplane-session.js';
import { FleetIdentity } from '../fleet/fleet-message.js';
import { WantedTopics } from '../fleet/wanted-topics.js';
import type { ThreadPublishing } from '../host/thread-publishing.js';
import type { BackplaneHealth } from '../monitor/routes.js';
import type { Uplink } from '../pubsub/fleet-outlet.js';
import type { PublicationRun } from '../pubsub/publication-run.js';
import { hashTopic } from '../pubsub/topic-hash.js';
import type { TopicWatcher } from '../pubsub/topic-watcher.js';
import { Counter, type Counters } from '../telemetry/counters.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';

export interface FleetOptions {
  /** The engines, or their URLs. The hash of a topic says which of them carries it. */
  readonly engines: readonly (string | Backplane)[];
  readonly onBackplane: ((state: BackplaneState) => unknown) | undefined;
  readonly maxBackplaneBytes: number;
  readonly backplaneStallMs: number;
  readonly backplaneTimeoutMs: number;
  readonly maxPayloadBytes: number;
}

export interface FleetEnvironment {
  readonly options: FleetOptions;
  readonly counters: Counters;
  readonly log: ThrottledLog;
  /** Tells the handler modules of all threads. */
  readonly report: (state: BackplaneState) => void;
}

/** One engine. */
interface Shard {
  readonly name: string;
  readonly session: BackplaneSession;
  /** Undefined until it is known. */
  state: 'connected' | 'lost' | undefined;
  /** Since when it is in this state, by `performance.now()`. */
  since: number;
  isSlow: boolean;
}

/**
 * What this server and others have in common: the publications of all threads go out by engines, each topic by one of them, and what others
 * have published goes to the threads. Only topics with subscribers in this process are subscribed to.
 *
 * All threads post their publications to the primary, whose ledger says that it wants all. While an engine does not take them, that ledger
 * says that publishers should wait.
 */
export class Fleet implements Uplink, TopicWatcher {
  readonly #environment: FleetEnvironment;
  readonly #shards: Shard[] = [];
  readonly #wanted: WantedTopics;
  /** Undefined before the start. */
  #publishing: ThreadPublishing | undefined;
  /** What handlers were told last. */
  #told: BackplaneState = 'back';
  #waiting: (() => void)[] = [];
  #isClosed = false;
  isOpen = false;
  isSlow = false;

  constructor(environment: FleetEnvironment) {
    this.#environment = environment;
    this.#wanted = new WantedTopics({ onChange: (added, removed) => this.#subscribe(added, removed) });
  }

  /**
   * Connects to the engines, and resolves when each of them is connected or could not be in time. From then on they are tried again.
   * @param publishing of the primary.
   * @throws ConfigError if a URL is not that of an engine; or an error that says which package is missing.
   */
  async start(publishing: ThreadPublishing): Promise<void> {
    const engines = await Promise.all(this.#environment.options.engines.map(engineOf));
    if (this.#isClosed) return;
    const identity = new FleetIdentity();
    for (const [i, engine] of engines.entries()) {
      const name = engines.length === 1 ? engine.name : `${engine.name} ${i + 1}`;
      this.#shards.push(this.#shardOf(engine, name, identity));
    }
    this.#publishing = publishing;
    publishing.topics.watchBy(this);
    publishing.bus.ledger.listenToAll();
    this.isOpen = true;
    await Promise.all(this.#shards.map(({ session }) => session.start()));
  }

  #shardOf(backplane: Backplane, name: string, identity: FleetIdentity): Shard {
    const { options, counters } = this.#environment;
    const session = new BackplaneSession(
      {
        backplane,
        identity,
        timeoutMs: options.backplaneTimeoutMs,
        maxKeptBytes: options.maxBackplaneBytes,
        stallMs: options.backplaneStallMs,
        maxPayloadBytes: options.maxPayloadBytes,
      },
      {
        onFrames: (topic, frames, messages, lagMs, mayCompress) => {
          counters.add(Counter.BACKPLANE_RECEIVED, messages);
          counters.add(Counter.BACKPLANE_LAG_MS, messages * lagMs);
          this.#publishing?.relay(topic, frames, messages, mayCompress);
        },
        onReceived: (bytes) => counters.add(Counter.BACKPLANE_BYTES_IN, bytes),
        onPublished: (messages, bytes) => {
          counters.add(Counter.BACKPLANE_PUBLISHED, messages);
          counters.add(Counter.BACKPLANE_BYTES_OUT, bytes);
        },
        onRefused: (messages, why) => this.#noteRefused(shard, messages, why),
        onDropped: (messages) => this.#noteDropped(shard, messages),
        onReconnect: () => counters.add(Counter.BACKPLANE_RECONNECTS, 1),
        onState: (state, why) => this.#noteState(shard, state, why),
        onPressure: (isSlow) => this.#notePressure(shard, isSlow),
      },
    );
    const shard: Shard = { name, session, state: undefined, since: performance.now(), isSlow: false };
    return shard;
  }

  /** Sends what waits, and ends the connections. @param limitMs how long that may take; then they end without this. */
  async close(limitMs: number): Promise<void> {
    this.#isClosed = true;
    this.isOpen = false;
    this.#wanted.close();
    const ended = this.#shards.map(({ session }) => session.close());
    for (const shard of this.#shards) this.#notePressure(shard, false);
    let timer: NodeJS.Timeout | undefined;
    const isLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([Promise.all(ended), isLate]);
    clearTimeout(timer);
  }

  // Publishing.

  publish({ topic, chunk, start, end, messages, mayCompress }: PublicationRun): void {
    this.#shardFor(topic).session.publish(topic, chunk.bytes.subarray(start, end), messages, mayCompress);
  }

  room(): Promise<void> {
    if (!this.isSlow) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #notePressure(shard: Shard, isSlow: boolean): void {
    shard.isSlow = isSlow;
    this.isSlow = this.#shards.some((one) => one.isSlow);
    this.#publishing?.bus.ledger.press(this.isSlow);
    if (!this.isSlow) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #noteDropped({ state, name }: Shard, messages: number): void {
    const { counters, log } = this.#environment;
    counters.add(Counter.BACKPLANE_DROPPED, messages);
    if (state !== 'connected') return; // the line about that has said it
    const { what } = LimitIncident.BACKPLANE_DROPPED;
    log.throttled('warn', `${name} ${what}`, `backplane ${name}: ${what}`);
  }

  #noteRefused({ name }: Shard, messages: number, why: string): void {
    const { counters, log } = this.#environment;
    counters.add(Counter.BACKPLANE_REFUSED, messages);
    const { what } = LimitIncident.BACKPLANE_REFUSED;
    log.throttled('warn', `${name} ${what}`, `backplane ${name}: ${what}: ${why}`);
  }

  // Subscribing.

  /** The primary has its first subscriber of a topic. */
  join(topic: string): void {
    this.#wanted.join(this, topic);
  }

  /** The primary has no subscriber of a topic any more. */
  leave(topic: string): void {
    this.#wanted.leave(this, topic);
  }

  /** A worker has its first subscribers of some topics, and none any more of others. @param thread what stands for it. */
  noteTopics(thread: object, joined: readonly string[], left: readonly string[]): void {
    for (const topic of joined) this.#wanted.join(thread, topic);
    for (const topic of left) this.#wanted.leave(thread, topic);
  }

  /** A worker is gone. */
  forgetThread(thread: object): void {
    this.#wanted.forgetThread(thread);
  }

  #subscribe(added: readonly string[], removed: readonly string[]): void {
    if (this.#shards.length === 1) this.#shards[0]?.session.want(added, removed);
    else {
      const [addedBy, removedBy] = [this.#byShard(added), this.#byShard(removed)];
      for (const shard of this.#shards) {
        const [its, formerly] = [addedBy.get(shard) ?? [], removedBy.get(shard) ?? []];
        if (its.length > 0 || formerly.length > 0) shard.session.want(its, formerly);
      }
    }
  }

  #byShard(topics: readonly string[]): ReadonlyMap<Shard, string[]> {
    const byShard = new Map<Shard, string[]>();
    for (const topic of topics) {
      const shard = this.#shardFor(topic);
      const others = byShard.get(shard);
      if (others === undefined) byShard.set(shard, [topic]);
      else others.push(topic);
    }
    return byShard;
  }

  #shardFor(topic: string): Shard {
    const { length } = this.#shards;
    if (length === 1) return this.#shards[0] as Shard; // there is one
    const hash = hashTopic(topic);
    // The low bits of the hash alone are alike for topics that differ in their last characters.
    return this.#shards[((hash ^ (hash >>> 15)) >>> 0) % length] as Shard; // below the length
  }

  /** Brings up to date the figures that are not counted as they change. */
  sample(): void {
    const subscriptions = this.#shards.reduce((sum, { session }) => sum + session.subscriptions, 0);
    this.#environment.counters.set(Counter.BACKPLANE_SUBSCRIPTIONS, subscriptions);
  }

  // The state of the engines.

  /** What handlers were told last. A thread that starts while it is `lost` has to be told. */
  get isLost(): boolean {
    return this.#told === 'lost';
  }

  get health(): readonly BackplaneHealth[] {
    const now = performance.now();
    return this.#shards.map(({ name, state, since }) => ({
      name,
      state: state ?? 'lost',
      seconds: Math.round((now - since) / 1000),
    }));
  }

  /** Whether one of the engines is lost. */
  get isDegraded(): boolean {
    return this.#shards.some(({ state }) => state !== 'connected');
  }

  #noteState(shard: Shard, state: 'connected' | 'lost', why: string | undefined): void {
    const before = shard.state;
    if (this.#isClosed || before === state) return;
    const { log } = this.#environment;
    const seconds = Math.round((performance.now() - shard.since) / 1000);
    shard.state = state;
    shard.since = performance.now();
    const line = `backplane ${shard.name}`;
    if (state === 'lost') {
      const what = before === undefined ? 'cannot be reached' : 'lost';
      const meanwhile = 'publications stay in this process until it is there';
      log.warn(`${line}: ${what}${why === undefined ? '' : `: ${why}`}; ${meanwhile}, and it is tried again`);
    } else if (before === undefined) {
      log.info(`${line}: connected`);
    } else {
      log.info(`${line}: connected again after ${seconds} s`);
    }
    const isLost = this.#shards.some((one) => one.state === 'lost');
    this.#tell(isLost ? 'lost' : 'back');
  }

  #tell(state: BackplaneState): void {
    if (this.#told === state) return;
    this.#told = state;
    const { options, log, report } = this.#environment;
    report(state);
    const failed = (error: unknown) =>
      log.throttledError('onBackplane failed', `onBackplane('${state}') failed`, error);
    try {
      void Promise.resolve(options.onBackplane?.(state)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** @throws ConfigError, or an error that says which package is missing. */
async function engineOf(engine: string | Backplane): Promise<Backplane> {
  if (typeof engine !== 'string') return engine;
  // Loaded only where it is needed, with the client of the engine.
  const { backplaneOf } = await import('../backplanes/from-url.js');
  return backplaneOf(engine);
}
