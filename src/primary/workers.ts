import { MessageChannel, type ResourceLimits } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { forgetWindows } from '../compression/window-memory.js';
import { BufferBudget } from '../connection/buffer-budget.js';
import type { HandOff } from '../host/hand-off.js';
import type { HostOptions } from '../host/host.js';
import type { MetricsFormat } from '../monitor/metrics-format.js';
import type { Health } from '../monitor/routes.js';
import type { OpeningTls } from '../opening/accepted-connections.js';
import type { Bus } from '../pubsub/bus.js';
import { Counter } from '../telemetry/counters.js';
import type { EndedCounters } from '../telemetry/ended-counters.js';
import { errorText } from '../telemetry/error-text.js';
import type { ThreadCounters } from '../telemetry/read-stats.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import type { WorkerOpeningOptions } from '../worker/messages.js';
import { causeOf, describeDeath } from './describe-death.js';
import { GRACE_MS } from './drain-time.js';
import type { Fleet } from './fleet.js';
import type { ToldClients } from './told-clients.js';
import { WaitingHandOffs } from './waiting-hand-offs.js';
import { WorkerDeaths } from './worker-deaths.js';
import { abandon, WorkerLink } from './worker-link.js';
import { WorkerStartError } from './worker-start-error.js';

/** How long a server that is closed waits for workers that are still loading their modules, in ms. */
const LOAD_MS = 10_000;

export interface WorkersOptions {
  readonly threads: number;
  /** The URL of the handler module. */
  readonly handler: string;
  readonly host: HostOptions;
  /** How long a worker may take to accept a connection, in ms. After that the connection goes to another one. */
  readonly handOffTimeoutMs: number;
  /** The longest time for the start of a worker, in ms. After that the worker is ended. */
  readonly startTimeoutMs: number;
  readonly resourceLimits: ResourceLimits;
  readonly log: ThrottledLog;
  /** Called with the id of each connection that is not open any more; undefined if nobody needs to know. */
  readonly onNoLongerOpen: ((id: number) => void) | undefined;
  /** The bus of the primary, to which the workers are connected. */
  readonly bus: Bus;
  /** The counts of threads that have ended, so that totals never fall. */
  readonly endedCounters: EndedCounters;
  readonly siblings: Siblings;
  /** Undefined for a server that exchanges publications with no other. */
  readonly fleet: Pick<Fleet, 'noteTopics' | 'forgetThread' | 'isLost'> | undefined;
  /** What workers need for the opening handshake as long as they live; undefined if the primary does all opening handshakes. */
  readonly opening: Omit<WorkerOpeningOptions, 'tls'> | undefined;
}

/** All pools of a server: the one that gets new connections, and those that drain. Their connections share topics. */
export interface Siblings {
  /** Whether another pool gets new connections while one drains. */
  readonly isReplacing: boolean;
  /** Gives a connection that no worker of a draining pool has taken to the pool that gets new connections, or ends it. */
  placeElsewhere(handOff: HandOff): void;
  /** The address that the server listens on; undefined if it does not listen yet. */
  readonly listeningHost: string | undefined;
  /** The TLS of the server; undefined if connections are not encrypted. */
  readonly tls: OpeningTls | undefined;
  /** The health of the server. */
  health(): Health;
  /** The metrics of the server. */
  metrics(format: MetricsFormat): string;
  /** Counts the clients of proxies, where workers read the requests. */
  readonly toldClients: ToldClients;
  /** The links to the workers of all pools. */
  readonly links: readonly WorkerLink[];
}

/**
 * A pool of worker threads: a piscina pool in which each thread has one task for its whole life. Each connection goes to the
 * worker that has the fewest.
 */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #pool: Piscina;
  readonly #links: WorkerLink[] = [];
  readonly #waiting: WaitingHandOffs;
  readonly #watch: NodeJS.Timeout;
  /** The timers that start the successors of workers that have died. */
  readonly #restarts = new Set<NodeJS.Timeout>();
  #isClosing = false;
  /** Whether the threads that still run are being ended by us. */
  #isDestroying = false;
  readonly #deaths = new WorkerDeaths();

  constructor(options: WorkersOptions) {
    this.#options = options;
    const { threads, handOffTimeoutMs, resourceLimits, log } = options;
    this.#pool = new Piscina<unknown, unknown>({
      filename: new URL('../worker/start.cjs', import.meta.url).href,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      // By default a worker of piscina sleeps in Atomics.wait between tasks, with its event loop and all sockets stopped.
      atomics: 'disabled',
      recordTiming: false,
      trackUnmanagedFds: false,
      resourceLimits,
    });
    // A thread that fails before it gets its task is reported here only.
    this.#pool.on('error', (error: unknown) => log.error(`worker pool: ${errorText(error)}`));
    this.#waiting = new WaitingHandOffs({
      timeoutMs: handOffTimeoutMs,
      offer: (handOff) => this.#offer(handOff),
      abandon: (handOff) => this.#abandon(handOff),
    });
    this.#watch = setInterval(() => this.#rescue(), Math.max(50, handOffTimeoutMs / 4)).unref();
  }

  /**
   * Starts all workers. Resolves with the name of their kernel when they can host.
   * @throws WorkerStartError if one of them cannot.
   */
  async start(): Promise<string> {
    const links = Array.from({ length: this.#options.threads }, () => this.#launch());
    const kernels = await Promise.all(links.map((link) => Promise.race([link.ready, failure(link)])));
    for (const link of links) void this.#supervise(link);
    return kernels[0] as string; // there is at least one thread
  }

  /** The counters of the workers that live, in the order of {@link states}. */
  get counters(): ThreadCounters[] {
    return this.#links.map(({ name, counters }) => ({ thread: name, counters }));
  }

  /** The connections of each worker, and whether it takes new ones. A worker that drains takes none. */
  get states(): { readonly connections: number; readonly isTaking: boolean }[] {
    return this.#links.map((link) => ({
      connections: link.counters.get(Counter.CONNECTIONS),
      isTaking: !this.#isClosing && this.#takes(link),
    }));
  }

  /** How many connections are open in workers, or on their way to them. */
  get load(): number {
    return this.#links.reduce((total, { load }) => total + load, this.#waiting.size);
  }

  /** Whether there is a worker to place a connection on. */
  get canPlace(): boolean {
    return this.#links.some((link) => this.#takes(link));
  }

  /**
   * Tells all workers that a client is about to get its 101, and that one of them will get the connection.
   * @returns a function to call when the connection was placed, or will not be.
   */
  expectOne(): () => void {
    const ledgers = this.#links.map(({ ledger }) => ledger);
    for (const ledger of ledgers) ledger.addAwaited101(1);
    return () => {
      for (const ledger of ledgers) ledger.addAwaited101(-1);
    };
  }

  /** Whether one of the workers takes nothing of what is published. */
  get isSlow(): boolean {
    return this.#links.some(({ ledger }) => ledger.isSlow);
  }

  /**
   * Gives a connection to the worker with the fewest connections. From now on the pool owns the descriptor, whatever happens. If no
   * worker takes the connection now, it waits for one, for `handOffTimeoutMs`: its client may have its 101 already.
   */
  place(handOff: HandOff): void {
    if (this.#offer(handOff)) return; // also while the workers drain: they close it with 1001
    if (this.#isClosing) this.#abandon(handOff);
    else this.#waiting.add([handOff]);
  }

  /** @returns false if no worker takes it now. */
  #offer(handOff: HandOff): boolean {
    const links = this.#links.filter((link) => this.#takes(link)).sort((a, b) => a.load - b.load);
    return links.some((link) => link.offer(handOff));
  }

  #abandon(handOff: HandOff): void {
    this.#options.endedCounters.add(Counter.CONNECTIONS_ABANDONED, 1);
    const line = `no worker takes connection ${handOff.info.id}: it is closed`;
    this.#options.log.throttled('error', 'no worker takes a connection', line);
    abandon([handOff], this.#options.host.windows);
    this.#options.onNoLongerOpen?.(handOff.info.id);
  }

  /** Drains all workers, see {@link Host.drain}, and ends their threads. */
  async drain(limitMs: number, spreadMs = 0): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#watch);
    for (const timer of this.#restarts) clearTimeout(timer); // none may keep the process alive
    for (const link of this.#links) link.drain(limitMs, spreadMs); // a worker that is still starting finds the message afterwards
    this.#placeElsewhere(this.#waiting.takeAll());
    // During a reload, a connection that is not taken yet goes to the new pool. An old worker would close it at once, or may be
    // blocked in a long hook.
    if (this.#options.siblings.isReplacing) for (const link of this.#links) this.#placeElsewhere(link.revokeOffers());
    const ended = Promise.allSettled(this.#links.map((link) => link.ended));
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise((resolve) => (timer = setTimeout(resolve, limitMs + GRACE_MS)));
    await Promise.race([ended, deadline]);
    clearTimeout(timer);
    for (const link of this.#links) this.#placeElsewhere(link.revokeOffers());
    await this.#loaded();
    this.#isDestroying = true;
    await this.#pool.destroy();
    await ended; // descriptors that a thread had taken can be reclaimed only when the thread is gone
    for (const link of this.#links.splice(0)) {
      this.#placeElsewhere(link.reclaim());
      this.#bury(link);
    }
  }

  /**
   * Resolves when no worker is starting any more, or after {@link LOAD_MS}. A thread that is ended while it loads modules with native code takes
   * the whole process with it ("Error::ThrowAsJavaScriptException napi_throw").
   */
  async #loaded(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => (timer = setTimeout(resolve, LOAD_MS)));
    const loaded = this.#links.map(({ ready, ended }) => Promise.race([ready, ended.catch(() => {})]));
    await Promise.race([Promise.all(loaded), limit]);
    clearTimeout(timer);
  }

  /** Gives connections to the pool that replaces this one, if there is one: their clients were told that they are connected. */
  #placeElsewhere(handOffs: readonly HandOff[]): void {
    for (const handOff of handOffs) this.#options.siblings.placeElsewhere(handOff);
  }

  /** Adds the counts of a worker that is gone to the sum, and reports its connections as over. */
  #bury(link: WorkerLink): void {
    const { name, counters } = link;
    const { buffered, windows } = this.#options.host;
    BufferBudget.forget(buffered, counters);
    forgetWindows(windows, counters);
    counters.clearGauges();
    this.#options.endedCounters.addAll(name, counters);
    this.#options.fleet?.forgetThread(link);
    link.closeAll();
  }

  get links(): readonly WorkerLink[] {
    return this.#links;
  }

  /** The deaths of the workers, of late. */
  get deaths(): WorkerDeaths {
    return this.#deaths;
  }

  #takes(link: WorkerLink): boolean {
    return link.isReady && !link.isStuck(this.#options.handOffTimeoutMs);
  }

  #launch(): WorkerLink {
    const { siblings, bus, fleet } = this.#options;
    const opening = this.#options.opening === undefined ? undefined : { ...this.#options.opening, tls: siblings.tls };
    const { toldClients } = siblings;
    const name = nameOfNext([...siblings.links, ...this.#links]);
    const health = () => siblings.health();
    const metrics = (format: MetricsFormat) => siblings.metrics(format);
    const onTopics =
      fleet && ((joined: readonly string[], left: readonly string[]) => fleet.noteTopics(link, joined, left));
    const asked = { health, metrics, toldClients };
    const link = new WorkerLink({ ...this.#options, name, opening, pool: this.#pool, ...asked, onTopics });
    if (fleet?.isLost === true) link.reportBackplane('lost');
    if (siblings.listeningHost !== undefined) link.noteListening(siblings.listeningHost);
    for (const other of siblings.links) link.connect(other);
    const { port1, port2 } = new MessageChannel();
    bus.connect(port1, link.ledger);
    link.connectPort(port2, bus.ledger);
    this.#links.push(link);
    void link.ready.then(() => this.#waiting.offerAll());
    return link;
  }

  /** Waits for the end of a worker, and puts another one in its place if it was not asked to end. */
  async #supervise(link: WorkerLink): Promise<void> {
    const startedAt = performance.now();
    let why: unknown = 'its task has ended';
    let hasDied: boolean;
    try {
      await link.ended;
      hasDied = !this.#isClosing; // a worker that was asked to end may end
    } catch (error) {
      hasDied = !this.#isDestroying;
      why = error;
    }
    if (!hasDied) return;
    const { handler, log } = this.#options;
    const { connections, handOffs } = this.#lose(link);
    if (this.#isClosing) {
      log.error(describeDeath({ why, connections, handler, next: ', while it was draining' }));
      this.#placeElsewhere(handOffs);
      return;
    }
    const delayMs = this.#deaths.delayAfter(performance.now() - startedAt);
    log.error(describeDeath({ why, connections, handler, next: `; the next starts in ${delayMs} ms` }));
    this.#restartAfter(delayMs);
    this.#waiting.add(handOffs);
  }

  #restartAfter(delayMs: number): void {
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      void this.#supervise(this.#launch());
    }, delayMs);
    this.#restarts.add(timer);
  }

  /** Counts a worker that died, and takes back the offers on which it had opened no socket. */
  #lose(link: WorkerLink): { readonly connections: number; readonly handOffs: readonly HandOff[] } {
    this.#links.splice(this.#links.indexOf(link), 1);
    const connections = link.counters.get(Counter.CONNECTIONS);
    this.#deaths.note();
    this.#options.endedCounters.add(Counter.WORKERS_LOST, 1);
    this.#options.endedCounters.add(Counter.CONNECTIONS_LOST, connections);
    const handOffs = link.reclaim(); // before the rest: the connections of these offers are not over
    this.#bury(link);
    return { connections, handOffs };
  }

  /** Moves connections that a blocked worker does not take to other workers. If no other worker takes any, they stay on offer. */
  #rescue(): void {
    if (!this.canPlace) return;
    this.#waiting.offerAll();
    for (const link of this.#links) {
      if (!link.isStuck(this.#options.handOffTimeoutMs)) continue;
      const handOffs = link.revokeOffers();
      if (handOffs.length === 0) continue;
      const what = 'a worker does not take connections';
      this.#options.log.throttled('warn', what, `${what}: ${handOffs.length} go to others`);
      for (const handOff of handOffs) this.place(handOff);
    }
  }
}

/**
 * The name of the next worker: `worker 1` and so on. One that takes the place of another gets its name, and no two that live, in
 * whatever generation, have the same.
 */
function nameOfNext(links: readonly WorkerLink[]): string {
  const names = new Set(links.map(({ name }) => name));
  let number = 1;
  while (names.has(`worker ${number}`)) number++;
  return `worker ${number}`;
}

/** Rejects when a worker ends before it is ready. */
async function failure(link: WorkerLink): Promise<never> {
  let why = 'its task has ended';
  try {
    await link.ended;
  } catch (error) {
    if (error instanceof WorkerStartError) throw error;
    why = causeOf(error);
  }
  throw new WorkerStartError('WSLOOM_WORKER', `a worker ended before it was ready: ${why}`);
}
