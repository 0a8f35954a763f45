import type { BackplaneState } from '../connection/handler.js';
import type { HandOff, StreamHandOff } from '../host/hand-off.js';
import type { ThreadPublishing } from '../host/thread-publishing.js';
import type { Upgrade } from '../host/upgrade-hook.js';
import type { OwedBytes } from '../monitor/metrics-reading.js';
import type { MetricsFormat } from '../monitor/metrics-format.js';
import type { Health } from '../monitor/routes.js';
import type { OpeningTls } from '../opening/accepted-connections.js';
import type { Destination } from '../opening/destination.js';
import type { Places } from '../opening/places.js';
import type { SystemCalls } from '../system/system-calls.js';
import { Counter, type Counters } from '../telemetry/counters.js';
import type { EndedCounters } from '../telemetry/ended-counters.js';
import type { ThreadCounters } from '../telemetry/read-stats.js';
import type { TlsMaterial } from '../tls/tls-material.js';
import { type DrainTimes, NO_TIME, wholeMs } from './drain-time.js';
import type { Fleet } from './fleet.js';
import { Generation } from './generation.js';
import type { ResolvedOptions } from './options.js';
import { Reloads } from './reloads.js';
import { ServerStateError } from './server-state-error.js';
import { ToldClients } from './told-clients.js';
import { abandon, type WorkerLink } from './worker-link.js';
import type { Siblings } from './workers.js';

/** What the generations of a server need from it. */
export interface GenerationsEnvironment {
  readonly options: ResolvedOptions;
  /** How the primary publishes. */
  readonly publishing: ThreadPublishing;
  /** The counts of the primary, without those of connections that it hosts. */
  readonly counters: Counters;
  /** The counts of threads that have ended, so that totals never fall. */
  readonly endedCounters: EndedCounters;
  /** Called with the id of each connection that is not open any more. */
  readonly onNoLongerOpen: (id: number) => void;
  /** The health of the server. */
  readonly health: () => Health;
  /** The metrics of the server. */
  readonly metrics: (format: MetricsFormat) => string;
  /** Where connections are counted. */
  readonly places: Places;
  /** Undefined for a server that exchanges publications with no other. */
  readonly fleet: Fleet | undefined;
}

/**
 * All generations of a server: the one that gets new connections, and those that drain since a reload. The opening handshake
 * gives its connections to this class.
 */
export class Generations implements Destination, Siblings {
  readonly #environment: GenerationsEnvironment;
  readonly toldClients: ToldClients;
  /** Undefined before the start, and on systems without koffi. */
  #calls: SystemCalls | undefined;
  /** The generation that gets new connections; undefined until the first has started. */
  #current: Generation | undefined;
  /** All generations that may have connections: the current one, one that starts, and those that drain. */
  readonly #all = new Set<Generation>();
  readonly #draining = new Map<Generation, Promise<void>>();
  readonly #reloads = new Reloads((times) => this.#reload(times));
  /** How often a reload was tried. */
  #tries = 0;
  #kernelName = '';
  #isClosing = false;
  #listeningHost: string | undefined;
  #tls: OpeningTls | undefined;

  constructor(environment: GenerationsEnvironment) {
    this.#environment = environment;
    this.toldClients = new ToldClients(environment.places);
  }

  /**
   * Loads the handler module, and starts the threads that host connections with it.
   * @param calls undefined on systems without koffi: then all connections are hosted as streams.
   * @throws HandlerModuleError, WorkerStartError or ArenaError.
   * @throws ServerStateError if the server is closed meanwhile.
   */
  async start(calls: SystemCalls | undefined): Promise<void> {
    this.#calls = calls;
    this.#current = await this.#startGeneration();
  }

  /** Replaces the current generation by a new one, see {@link Server.reload}, and drains it. */
  reload(times: DrainTimes): Promise<void> {
    return this.#reloads.ask(times);
  }

  /**
   * Takes no more connections, and drains all generations. The promise settles when all drains are over, and rejects if one of
   * them has failed.
   */
  async close(times: DrainTimes): Promise<void> {
    this.#isClosing = true;
    // Generations that drain since a reload may have been given more time than this.
    const earlier = [...this.#draining.keys()];
    const deadline = setTimeout(() => earlier.forEach((generation) => void generation.drain(0)), wholeMs(times));
    const retired = await Promise.allSettled([...this.#all].map((each) => this.#retire(each, times)));
    clearTimeout(deadline);
    for (const outcome of retired) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #reload(times: DrainTimes): Promise<void> {
    const before = this.#current;
    if (before === undefined || this.#isClosing) throw new ServerStateError('only a running server can be reloaded');
    this.#tries++;
    this.#current = await this.#startGeneration();
    this.#environment.counters.add(Counter.RELOADS, 1);
    void this.#retire(before, times);
  }

  async #startGeneration(): Promise<Generation> {
    const { options, publishing, endedCounters, onNoLongerOpen, fleet } = this.#environment;
    const generation = await Generation.load(
      { options, calls: this.#calls, publishing, endedCounters, onNoLongerOpen, siblings: this, fleet },
      this.#tries,
    );
    this.#expectOpen();
    this.#all.add(generation);
    try {
      this.#kernelName = await generation.start();
      this.#expectOpen();
      return generation;
    } catch (error) {
      // Threads that have started are ended; `close` waits for them too.
      await this.#retire(generation, NO_TIME);
      throw error;
    }
  }

  /** Drains a generation that gets no more connections. Another call for it returns the same promise. */
  #retire(generation: Generation, times: DrainTimes): Promise<void> {
    const before = this.#draining.get(generation);
    if (before !== undefined) return before;
    const drained = generation.drain(wholeMs(times), times.drainSpreadMs).finally(() => {
      this.#all.delete(generation);
      this.#draining.delete(generation);
    });
    this.#draining.set(generation, drained);
    return drained;
  }

  /** Throws if `close` was called during an await. */
  #expectOpen(): void {
    if (this.#isClosing) throw new ServerStateError('the server was closed while it was starting');
  }

  /** The TLS of the server; undefined if connections are not encrypted. */
  get tls(): OpeningTls | undefined {
    return this.#tls;
  }

  /** Gives all workers certificates, keys and rules to use from now on. */
  useTls(material: TlsMaterial): void {
    this.#tls = { material, maxTlsHandshakes: this.#environment.options.maxTlsHandshakes };
    for (const link of this.links) link.useTls(material);
  }

  /** Calls the hook `backplane` in all threads that host connections. */
  reportBackplane(state: BackplaneState): void {
    for (const generation of this.#all) generation.reportBackplane(state);
  }

  /** Notes the address that the server listens on, for all workers. */
  noteListening(host: string): void {
    this.#listeningHost = host;
    for (const link of this.links) link.noteListening(host);
  }

  get listeningHost(): string | undefined {
    return this.#listeningHost;
  }

  health(): Health {
    return this.#environment.health();
  }

  metrics(format: MetricsFormat): string {
    return this.#environment.metrics(format);
  }

  get isReplacing(): boolean {
    return !this.#isClosing;
  }

  placeElsewhere(handOff: HandOff): void {
    if (this.isReplacing && this.#current !== undefined) {
      this.#current.place(handOff);
      return;
    }
    this.#environment.counters.add(Counter.CONNECTIONS_ABANDONED, 1);
    abandon([handOff], this.#environment.options.host.windows);
    this.#environment.onNoLongerOpen(handOff.info.id);
  }

  get links(): readonly WorkerLink[] {
    return [...this.#all].flatMap(({ workers }) => workers?.links ?? []);
  }

  /** The name of the kernel of the threads; '' before the start. */
  get kernelName(): string {
    return this.#kernelName;
  }

  /** The counters of all threads that live. */
  get counters(): ThreadCounters[] {
    return [...this.#all].flatMap((generation) => generation.counters);
  }

  /** The memory of publications that each worker was posted and has not taken yet, in bytes. */
  get owed(): OwedBytes[] {
    return this.links.map(({ name, ledger }) => ({ thread: name, bytes: ledger.owedBytes }));
  }

  /** How many connections are open in all threads, or on their way to one. */
  get load(): number {
    let load = 0;
    for (const generation of this.#all) load += generation.load;
    return load;
  }

  /** The connections of each worker of the current generation, and whether it takes new ones. Empty without worker threads. */
  get threads(): readonly { readonly connections: number; readonly isTaking: boolean }[] {
    return this.#current?.workers?.states ?? [];
  }

  /** Workers of the current generation that have died in the last minute. */
  get lostLastMinute(): number {
    return this.#current?.workers?.deaths.inLastMinute ?? 0;
  }

  /** Whether new connections have too few threads, slow threads, or threads that die again and again. */
  get isDegraded(): boolean {
    const { options, publishing } = this.#environment;
    const { threads } = this;
    if (threads.length < options.threads || threads.some(({ isTaking }) => !isTaking)) return true;
    const workers = this.#current?.workers;
    return publishing.bus.ledger.isSlow || workers?.isSlow === true || workers?.deaths.areFrequent === true;
  }

  get unavailable(): string | undefined {
    if (this.#isClosing) return 'the server is going away';
    return this.#newest.canPlace ? undefined : 'no worker takes connections';
  }

  get upgrade(): Upgrade | undefined {
    return this.#newest.upgrade;
  }

  expectOne(): () => void {
    return this.#newest.expectOne();
  }

  place(handOff: HandOff): void {
    this.#newest.place(handOff);
  }

  prepareStream(): void {
    this.#newest.prepareStream();
  }

  placeStream(handOff: StreamHandOff): void {
    this.#newest.placeStream(handOff);
  }

  get #newest(): Generation {
    return this.#current as Generation; // the first has started before anybody is upgraded
  }
}
