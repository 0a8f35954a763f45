import type { BackplaneState } from '../connection/handler.js';
import type { BackplaneSession, BackplaneSessionListener } from '../fleet/backplane-session.js';
import type { RefusalReason } from '../fleet/fleet-receiver.js';
import { WantedTopics } from '../fleet/wanted-topics.js';
import type { ThreadPublishing } from '../host/thread-publishing.js';
import type { BackplaneHealth } from '../monitor/routes.js';
import { endOfMessageFrame, payloadOfMessageFrame } from '../protocol/message-frames.js';
import type { Uplink } from '../pubsub/fleet-outlet.js';
import type { PublicationRun } from '../pubsub/publication-run.js';
import { engineFor } from '../pubsub/topic-spread.js';
import type { TopicWatcher } from '../pubsub/topic-watcher.js';
import { Counter, type Counters } from '../telemetry/counters.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import { EngineStates } from './engine-states.js';
import type { FleetOptions } from './fleet-options.js';

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
}

/**
 * Exchanges the publications of all threads with other servers, each topic by one engine. Only topics with subscribers in this process are
 * subscribed to.
 *
 * All threads post their publications to the primary, whose ledger says that it wants all. While an engine does not take them, that ledger
 * says that publishers to its topics should wait.
 */
export class Fleet implements Uplink, TopicWatcher {
  readonly #environment: FleetEnvironment;
  readonly #wanted: WantedTopics;
  /** In the order in which the engines were given. Empty before the start. */
  #shards: readonly Shard[] = [];
  #states: EngineStates | undefined;
  /** Undefined before the start. */
  #publishing: ThreadPublishing | undefined;
  /** The places of the engines that hold publishers. */
  readonly #holding = new Set<number>();
  #waiting: (() => void)[] = [];
  #hasLongPublication = false;
  #isOpen = false;
  #isClosed = false;

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
    const { options, log } = this.#environment;
    const { enginesOf, sessionsWith } = await import('./engine-sessions.js');
    const engines = await enginesOf(options);
    if (this.#isClosed) return;
    const names = engines.map(({ name }, i) => (engines.length === 1 ? name : `${name} ${i + 1}`));
    const keeps = options.maxBackplaneBytes > 0;
    this.#states = new EngineStates({ names, log, keeps, onChange: (state) => this.#tell(state) });
    const sessions = sessionsWith(engines, options, (index) => this.#listenerOf(index, names[index] as string));
    this.#shards = sessions.map((session, i) => ({ session, name: names[i] as string }));
    this.#publishing = publishing;
    publishing.topics.watchBy(this);
    publishing.bus.ledger.listenToAll(engines.length);
    this.#isOpen = true;
    await Promise.all(sessions.map((session) => session.start()));
  }

  #listenerOf(index: number, name: string): BackplaneSessionListener {
    const { counters } = this.#environment;
    return {
      onPublication: ({ topic, frames, messages, mayCompress }, lagMs) => {
        counters.add(Counter.BACKPLANE_RECEIVED, messages);
        counters.add(Counter.BACKPLANE_LAG_MS, messages * lagMs);
        this.#publishing?.relay(topic, frames, messages, mayCompress);
      },
      onReceived: (bytes) => counters.add(Counter.BACKPLANE_BYTES_IN, bytes),
      onPublished: (messages, bytes) => {
        counters.add(Counter.BACKPLANE_PUBLISHED, messages);
        counters.add(Counter.BACKPLANE_BYTES_OUT, bytes);
      },
      onRefused: (messages, why) => this.#noteRefused(name, messages, why),
      onTopicRefused: (why) => this.#noteTopicRefused(name, why),
      onDropped: (messages) => this.#noteDropped(index, name, messages),
      onWaiting: (why, leftMs) => {
        if (!this.#isClosed) this.#states?.noteWaiting(index, why, leftMs);
      },
      onReconnect: () => counters.add(Counter.BACKPLANE_RECONNECTS, 1),
      onState: (state, why) => {
        if (!this.#isClosed) this.#states?.note(index, state, why);
      },
      onPressure: (holdsPublishers) => this.#notePressure(index, holdsPublishers),
    };
  }

  /** Sends what waits, and ends the connections. @param limitMs how long that may take; then they end without this. */
  async close(limitMs: number): Promise<void> {
    this.#isClosed = true;
    this.#isOpen = false;
    this.#wanted.close();
    const ended = this.#shards.map(({ session }) => session.close());
    let timer: NodeJS.Timeout | undefined;
    const isLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([Promise.all(ended), isLate]);
    clearTimeout(timer);
  }

  // Publishing.

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get holdsPublishers(): boolean {
    return this.#holding.size > 0;
  }

  holdsPublishersOf(topic: string): boolean {
    return this.#holding.size > 0 && this.#holding.has(engineFor(topic, this.#shards.length));
  }

  publish({ topic, chunk, start, end, messages, mayCompress }: PublicationRun): void {
    const frames = chunk.bytes.subarray(start, end);
    const { maxPayloadBytes } = this.#environment.options;
    if (frames.length > maxPayloadBytes && !this.#hasLongPublication) this.#checkLengths(frames, maxPayloadBytes);
    this.#shardFor(topic).session.publish({ topic, frames, messages, mayCompress });
  }

  room(): Promise<void> {
    if (!this.holdsPublishers) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #notePressure(index: number, holdsPublishers: boolean): void {
    if (holdsPublishers) this.#holding.add(index);
    else this.#holding.delete(index);
    const engines = [...this.#holding].reduce((set, engine) => set | (1 << engine), 0);
    this.#publishing?.bus.ledger.holdPublishers(engines, this.#environment.options.backplaneStallMs);
    if (!this.holdsPublishers) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Says once that this server publishes what it would refuse from others: only it knows who publishes that. */
  #checkLengths(frames: Uint8Array, maxPayloadBytes: number): void {
    const length = longestPayload(frames);
    if (length <= maxPayloadBytes) return;
    this.#hasLongPublication = true;
    this.#environment.log.warn(
      `backplane: a publication has ${length} bytes, and other servers refuse it if their maxPayloadBytes is ${maxPayloadBytes}, as here: raise it in all of them`,
    );
  }

  #noteDropped(index: number, name: string, messages: number): void {
    const { counters, log, options } = this.#environment;
    counters.add(Counter.BACKPLANE_DROPPED, messages);
    if (this.#isClosed) return; // there is nothing that anybody could do
    const { what } = LimitIncident.BACKPLANE_DROPPED;
    if (this.#states?.isConnected(index)) {
      log.throttled('warn', `${name} ${what}`, `backplane ${name}: ${what}`);
    } else if (options.maxBackplaneBytes > 0) {
      const full = 'publications are dropped for other servers: those that are kept have reached maxBackplaneBytes';
      log.throttled('warn', `${name} ${full}`, `backplane ${name}: ${full}`);
    } // else the line about the loss has said it
  }

  #noteTopicRefused(name: string, why: string): void {
    const what = 'the engine refuses a topic, which is not exchanged with other servers';
    this.#environment.log.throttled('warn', `${name} ${what}`, `backplane ${name}: ${what}: ${why}`);
  }

  #noteRefused(name: string, messages: number, why: RefusalReason): void {
    const { counters, log } = this.#environment;
    counters.add(Counter.BACKPLANE_REFUSED, messages);
    const { what } = LimitIncident.BACKPLANE_REFUSED;
    const cure = why === 'too big' ? ': maxPayloadBytes has to be as large here as in the servers that publish' : '';
    log.throttled('warn', `${name} ${what}`, `backplane ${name}: ${what}: ${why}${cure}`);
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
    return this.#shards[length === 1 ? 0 : engineFor(topic, length)] as Shard; // below the length
  }

  /** Brings up to date the figures that are not counted as they change. */
  sample(): void {
    const subscriptions = this.#shards.reduce((sum, { session }) => sum + session.subscriptions, 0);
    this.#environment.counters.set(Counter.BACKPLANE_SUBSCRIPTIONS, subscriptions);
  }

  // The state of the engines.

  /** What handlers were told last. A thread that starts while it is `lost` has to be told. */
  get isLost(): boolean {
    return this.#states?.isLost === true;
  }

  get health(): readonly BackplaneHealth[] {
    return this.#states?.health ?? [];
  }

  /** Whether one of the engines is lost. */
  get isDegraded(): boolean {
    return this.#states?.isDegraded === true;
  }

  #tell(state: BackplaneState): void {
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

/** The length of the longest payload of right frames, in bytes. */
function longestPayload(frames: Uint8Array): number {
  let longest = 0;
  for (let at = 0; at < frames.length; ) {
    const payloadAt = payloadOfMessageFrame(frames, at);
    at = endOfMessageFrame(frames, at);
    longest = Math.max(longest, at - payloadAt);
  }
  return longest;
}
