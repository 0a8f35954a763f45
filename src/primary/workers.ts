import { MessageChannel, type ResourceLimits } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { BufferBudget } from '../connection/buffer-budget.js';
import type { HandOff } from '../host/hand-off.js';
import { shownModule } from '../host/handler-module.js';
import type { HostOptions } from '../host/host.js';
import type { Bus } from '../pubsub/bus.js';
import { Counter, type Counters } from '../telemetry/counters.js';
import { errorText } from '../telemetry/error-text.js';
import type { ThreadCounters } from '../telemetry/read-stats.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import { GRACE_MS } from './drain-time.js';
import { WorkerDeaths } from './worker-deaths.js';
import { abandon, WorkerLink } from './worker-link.js';
import { WorkerStartError } from './worker-start-error.js';

export interface WorkersOptions {
  readonly threads: number;
  /** The URL of the handler module. */
  readonly handler: string;
  readonly host: HostOptions;
  /** A connection that a worker does not take for so long goes to another one. */
  readonly handOffTimeoutMs: number;
  /** A worker that does not start for so long is ended, in ms. */
  readonly startTimeoutMs: number;
  readonly resourceLimits: ResourceLimits;
  readonly log: ThrottledLog;
  /** Is told the id of each connection that is over; undefined if that need not be known. */
  readonly onClosed: ((id: number) => void) | undefined;
  /** By which publications of the primary go to the workers. */
  readonly bus: Bus;
  /** Where the counts of ended workers are added up, so that totals never fall. */
  readonly past: Counters;
  readonly siblings: Siblings;
}

/** All pools of a server, whose connections share topics: the one that gets new connections, and those that drain. */
export interface Siblings {
  /** Whether another pool gets new connections while one drains. */
  readonly isReplacing: boolean;
  /** Has that pool host a connection that no worker of a draining one has taken, or ends the connection. */
  placeElsewhere(handOff: HandOff): void;
  /** The workers of all of them. */
  readonly links: readonly WorkerLink[];
}

/**
 * The worker threads of a server: a piscina pool whose every thread has one task, for as long as it lives. Connections are
 * placed where there are fewest.
 */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #pool: Piscina;
  readonly #links: WorkerLink[] = [];
  /** Connections whose worker died before it took them, and that no other can take now. */
  readonly #stranded: HandOff[] = [];
  readonly #watch: NodeJS.Timeout;
  /** Of {@link #later}. */
  readonly #timers = new Set<NodeJS.Timeout>();
  #isClosing = false;
  /** What still runs is ended by us. */
  #isDestroying = false;
  readonly #deaths = new WorkerDeaths();

  constructor(options: WorkersOptions) {
    this.#options = options;
    const { threads, handOffTimeoutMs, resourceLimits, log } = options;
    this.#pool = new Piscina<unknown, unknown>({
      filename: new URL('../worker/worker.js', import.meta.url).href,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      // Its default lets a worker sleep in Atomics.wait between tasks, with its event loop and all sockets stopped.
      atomics: 'disabled',
      recordTiming: false,
      trackUnmanagedFds: false,
      resourceLimits,
    });
    // A thread that fails before it gets its task is reported here only.
    this.#pool.on('error', (error: unknown) => log.error(`worker pool: ${errorText(error)}`));
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

  /** The counters of the workers that live, which are called `worker 1` and so on, in the order of {@link states}. */
  get counters(): ThreadCounters[] {
    return this.#links.map(({ counters }, index) => ({ thread: `worker ${index + 1}`, counters }));
  }

  /** Of each worker: connections, and whether it takes new ones. */
  get states(): { readonly connections: number; readonly isTaking: boolean }[] {
    return this.#links.map((link) => ({
      connections: link.counters.get(Counter.CONNECTIONS),
      isTaking: this.#takes(link),
    }));
  }

  /** Connections in workers, and on their way to them. */
  get load(): number {
    return this.#links.reduce((total, { load }) => total + load, this.#stranded.length);
  }

  /** Whether there is a worker to place a connection on. */
  get canPlace(): boolean {
    return this.#links.some((link) => this.#takes(link));
  }

  /**
   * A client may be about to hear that it is connected, and one of the workers is going to have it.
   * @returns a function to be called when it has been placed, or is not going to be.
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
   * Gives a connection to the worker with the fewest. The descriptor is ours from now on, whatever happens. Its client has heard that it is
   * connected: if no worker takes it now, it waits for one, for as long as a hand-off may take.
   */
  place(handOff: HandOff): void {
    if (this.#isClosing) this.#placeElsewhere([handOff]);
    else if (!this.#offer(handOff)) this.#placeInTime([handOff]);
  }

  /** @returns false if no worker takes it now. */
  #offer(handOff: HandOff): boolean {
    const links = this.#links.filter((link) => this.#takes(link)).sort((a, b) => a.load - b.load);
    return links.some((link) => link.offer(handOff));
  }

  #abandon(handOff: HandOff): void {
    this.#options.past.add(Counter.CONNECTIONS_ABANDONED, 1);
    const line = `no worker takes connection ${handOff.info.id}: it is closed`;
    this.#options.log.throttled('error', 'no worker takes a connection', line);
    abandon([handOff]);
    this.#options.onClosed?.(handOff.info.id);
  }

  /** Drains all workers, see {@link Host.drain}, and ends their threads. */
  async drain(limitMs: number): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#watch);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const link of this.#links) link.drain(limitMs); // a worker that still starts finds the order when it has
    this.#placeElsewhere(this.#stranded.splice(0));
    // A connection that is not taken yet need not meet a worker that is about to close it, or that wakes from a long hook just when its
    // time is over.
    if (this.#options.siblings.isReplacing) for (const link of this.#links) this.#placeElsewhere(link.revokeOffers());
    const ended = Promise.allSettled(this.#links.map((link) => link.ended));
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise((resolve) => (timer = setTimeout(resolve, limitMs + GRACE_MS)));
    await Promise.race([ended, deadline]);
    clearTimeout(timer);
    for (const link of this.#links) this.#placeElsewhere(link.revokeOffers());
    this.#isDestroying = true;
    await this.#pool.destroy();
    await ended; // what a thread had taken can be had only when all of it is gone
    for (const link of this.#links.splice(0)) {
      this.#placeElsewhere(link.reclaim());
      this.#bury(link);
    }
  }

  /** Their clients have heard that they are connected: the pool that comes after this one takes them, if there is one. */
  #placeElsewhere(handOffs: readonly HandOff[]): void {
    for (const handOff of handOffs) this.#options.siblings.placeElsewhere(handOff);
  }

  /** Keeps the counts of a worker that is gone. */
  #bury(link: WorkerLink): void {
    const { counters } = link;
    BufferBudget.forget(this.#options.host.buffered, counters);
    counters.clearGauges();
    this.#options.past.addAll(counters);
    link.closeAll();
  }

  get links(): readonly WorkerLink[] {
    return this.#links;
  }

  /** When they have died, of late. */
  get deaths(): WorkerDeaths {
    return this.#deaths;
  }

  #takes(link: WorkerLink): boolean {
    return link.isReady && !link.isStuck(this.#options.handOffTimeoutMs);
  }

  #launch(): WorkerLink {
    const { handler, host, log, onClosed, startTimeoutMs, siblings, bus } = this.#options;
    const link = new WorkerLink({ pool: this.#pool, handler, host, log, onClosed, startTimeoutMs });
    for (const other of siblings.links) link.connect(other);
    const { port1, port2 } = new MessageChannel();
    bus.connect(port1, link.ledger);
    link.connectPort(port2, bus.ledger);
    this.#links.push(link);
    void link.ready.then(() => this.#placeStranded());
    return link;
  }

  /** Waits for the end of a worker, and puts another one in its place if it was not asked to end. */
  async #supervise(link: WorkerLink): Promise<void> {
    const startedAt = performance.now();
    let why: unknown = 'its task has ended';
    let hasDied: boolean;
    try {
      await link.ended;
      hasDied = !this.#isClosing; // when asked to, it may end
    } catch (error) {
      hasDied = !this.#isDestroying;
      why = error;
    }
    if (!hasDied) return;
    const stranded = this.#lose(link);
    const { connections } = stranded;
    if (this.#isClosing) {
      this.#options.log.error(
        `a worker died with ${connections} connections (${messageOf(why)}), while it was draining${this.#uncaught(why)}`,
      );
      this.#placeElsewhere(stranded.handOffs);
      return;
    }
    const delayMs = this.#deaths.delayAfter(performance.now() - startedAt);
    this.#options.log.error(
      `a worker died with ${connections} connections (${messageOf(why)}); the next starts in ${delayMs} ms${this.#uncaught(why)}`,
    );
    this.#later(delayMs, () => void this.#supervise(this.#launch()));
    this.#placeInTime(stranded.handOffs);
  }

  /** The lines about an error of the application that was not caught; '' if it was something else. */
  #uncaught(why: unknown): string {
    if (!(why instanceof Error) || why instanceof WorkerStartError) return '';
    // Of what the thread has done to itself, the stack shows Node and the pool only.
    if ((why as NodeJS.ErrnoException).code?.startsWith('ERR_WORKER') === true || !isUncaught(why)) return '';
    const { handler } = this.#options;
    return `\nan error outside of hooks, in a thread with the handler ${shownModule(handler)}: ${errorText(why)}`;
  }

  /** Places connections as soon as a worker takes them, or abandons them after as long as a hand-off may take. */
  #placeInTime(handOffs: readonly HandOff[]): void {
    if (handOffs.length === 0) return;
    this.#stranded.push(...handOffs);
    this.#placeStranded();
    if (this.#stranded.length === 0) return;
    this.#later(this.#options.handOffTimeoutMs, () => {
      for (const handOff of handOffs) {
        const at = this.#stranded.indexOf(handOff);
        if (at < 0) continue;
        this.#stranded.splice(at, 1);
        if (!this.#offer(handOff)) this.#abandon(handOff);
      }
    });
  }

  /** Not any more when it drains: then nothing is to keep the process. */
  #later(delayMs: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
  }

  #placeStranded(): void {
    for (let first = this.#stranded[0]; first !== undefined && this.#offer(first); first = this.#stranded[0]) {
      this.#stranded.shift();
    }
  }

  /** Counts a worker that died, and takes back what it had not taken. */
  #lose(link: WorkerLink): { readonly connections: number; readonly handOffs: readonly HandOff[] } {
    this.#links.splice(this.#links.indexOf(link), 1);
    const connections = link.counters.get(Counter.CONNECTIONS);
    this.#deaths.note();
    this.#options.past.add(Counter.WORKERS_LOST, 1);
    this.#options.past.add(Counter.CONNECTIONS_LOST, connections);
    const handOffs = link.reclaim(); // first: their connections are not over
    this.#bury(link);
    return { connections, handOffs };
  }

  /** Moves connections that a blocked worker does not take to other workers. Where no other takes any, they stay on offer. */
  #rescue(): void {
    if (!this.canPlace) return;
    this.#placeStranded();
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

function messageOf(why: unknown): string {
  return errorText(why instanceof Error ? why.message : why);
}

/** Whether it was thrown in the thread: the pool itself rejects when a thread exits. */
function isUncaught(error: Error): boolean {
  return !error.message.startsWith('worker exited with code:');
}

/** Rejects when a worker ends before it is ready. */
async function failure(link: WorkerLink): Promise<never> {
  await link.ended;
  throw new WorkerStartError('WSLOOM_WORKER', 'a worker ended before it was ready');
}
