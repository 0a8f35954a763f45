import type { BackplaneState } from '../connection/handler.js';
import { type HandOff, isUntouched, type StreamHandOff } from '../host/hand-off.js';
import { loadHandlerModule } from '../host/handler-module.js';
import { Host } from '../host/host.js';
import type { HandlerModule } from '../host/module-exports.js';
import { reloadedModule } from '../host/module-url.js';
import type { ThreadPublishing } from '../host/thread-publishing.js';
import type { Upgrade } from '../host/upgrade-hook.js';
import type { SystemCalls } from '../system/system-calls.js';
import { Counters } from '../telemetry/counters.js';
import { type EndedCounters, PRIMARY } from '../telemetry/ended-counters.js';
import type { ThreadCounters } from '../telemetry/read-stats.js';
import type { Fleet } from './fleet.js';
import { handshakesInWorkers, openingOptions, type ResolvedOptions, routeOptions } from './options.js';
import type { Siblings, Workers } from './workers.js';

/** What all generations of a server share. */
export interface GenerationEnvironment {
  readonly options: ResolvedOptions;
  /** Undefined on systems without koffi: then connections are hosted as streams. */
  readonly calls: SystemCalls | undefined;
  /** How the primary publishes. */
  readonly publishing: ThreadPublishing;
  /** The counts of threads that have ended, so that totals never fall. */
  readonly endedCounters: EndedCounters;
  /** Called with the id of each connection that is not open any more. */
  readonly onNoLongerOpen: (id: number) => void;
  /** All generations of the server: their connections share topics. */
  readonly siblings: Siblings;
  /** Undefined for a server that exchanges publications with no other. */
  readonly fleet: Fleet | undefined;
}

/**
 * Everything that hosts connections with one loading of the handler module: workers, the primary itself, or both. A server has
 * one generation, and after a reload also those that still drain.
 */
export class Generation {
  readonly #environment: GenerationEnvironment;
  readonly #module: HandlerModule;
  #workers: Workers | undefined;
  /** Hosts connections in this thread; made when it is first needed. */
  #host: Host | undefined;
  readonly #hostCounters = new Counters();

  private constructor(environment: GenerationEnvironment, module: HandlerModule) {
    this.#environment = environment;
    this.#module = module;
  }

  /**
   * Loads the handler module into this thread. A handler that is an object is here already.
   * @param reloads how often the module was loaded before: each reload needs another URL.
   * @throws HandlerModuleError
   */
  static async load(environment: GenerationEnvironment, reloads: number): Promise<Generation> {
    const { handler, startTimeoutMs } = environment.options;
    if (typeof handler !== 'string') return new Generation(environment, handler);
    const href = reloadedModule(handler, reloads);
    return new Generation(environment, await loadHandlerModule(href, { limitMs: startTimeoutMs }));
  }

  /** Starts the threads. Resolves with the name of their kernel. @throws WorkerStartError or ArenaError */
  async start(): Promise<string> {
    const { options, publishing, endedCounters, onNoLongerOpen, siblings, fleet } = this.#environment;
    const { handler } = options;
    // `resolveOptions` allows an object only without worker threads.
    if (options.threads === 0 || typeof handler !== 'string') return this.#ownHost().kernelName;
    const { Workers } = await import('./workers.js');
    const isCounted = options.admission.maxConnectionsPerIp > 0;
    const workers = new Workers({
      ...options,
      handler,
      onNoLongerOpen: isCounted ? onNoLongerOpen : undefined,
      bus: publishing.bus,
      endedCounters,
      siblings,
      fleet,
      opening: handshakesInWorkers(options)
        ? { handshake: openingOptions(options), routes: routeOptions(options) }
        : undefined,
    });
    this.#workers = workers;
    return workers.start();
  }

  get upgrade(): Upgrade | undefined {
    return this.#module.upgrade;
  }

  /** How many connections are open in this generation, or on their way to one of its workers. */
  get load(): number {
    return (this.#workers?.load ?? 0) + (this.#host?.openConnections ?? 0);
  }

  /** Whether there is a thread to place a connection on. */
  get canPlace(): boolean {
    return this.#workers?.canPlace ?? true;
  }

  /** The counters of its threads, by name. */
  get counters(): ThreadCounters[] {
    return [{ thread: PRIMARY, counters: this.#hostCounters }, ...(this.#workers?.counters ?? [])];
  }

  /** Undefined without worker threads. */
  get workers(): Workers | undefined {
    return this.#workers;
  }

  /** See {@link Workers.expectOne}. */
  expectOne(): () => void {
    return this.#workers?.expectOne() ?? (() => {});
  }

  /** Hosts a connection by its descriptor. From now on this generation owns the descriptor, whatever happens. */
  place(handOff: HandOff): void {
    if (this.#workers !== undefined) {
      this.#workers.place(handOff);
      return;
    }
    if (isUntouched(handOff)) throw new Error('without workers, connections are opened before they are handed off');
    try {
      this.#ownHost().adopt(handOff);
    } catch (error) {
      const { id } = handOff.info;
      const line = `cannot take over the socket of connection ${id}`;
      this.#environment.options.log.throttledError('cannot take over a socket', line, error);
      this.#environment.onNoLongerOpen(id);
    }
  }

  /** Makes sure that a stream can be hosted. @throws ArenaError */
  prepareStream(): void {
    this.#ownHost();
  }

  /** Hosts a stream that has no descriptor to give. */
  placeStream(handOff: StreamHandOff): void {
    try {
      this.#ownHost().adoptStream(handOff);
    } catch (error) {
      const { id } = handOff.info;
      const line = `cannot take over the stream of connection ${id}`;
      this.#environment.options.log.throttledError('cannot take over a stream', line, error);
      handOff.stream.destroy();
      this.#environment.onNoLongerOpen(id);
    }
  }

  /** Calls the hook `backplane` in each of its threads that hosts connections. */
  reportBackplane(state: BackplaneState): void {
    this.#host?.reportBackplane(state);
    for (const link of this.#workers?.links ?? []) link.reportBackplane(state);
  }

  /** Ends all connections, see {@link Host.drain}, and all threads. */
  async drain(limitMs: number, spreadMs = 0): Promise<void> {
    await Promise.all([this.#workers?.drain(limitMs, spreadMs), this.#host?.drain(limitMs, spreadMs)]);
    this.#hostCounters.clearGauges();
    this.#environment.endedCounters.addAll(PRIMARY, this.#hostCounters);
    this.#hostCounters.values.fill(0);
  }

  #ownHost(): Host {
    if (this.#host === undefined) {
      const { options, calls, publishing, onNoLongerOpen } = this.#environment;
      const { handler } = this.#module;
      this.#host = new Host({
        options: options.host,
        handler,
        publishing,
        counters: this.#hostCounters,
        log: options.log,
        onNoLongerOpen,
        calls,
      });
      if (this.#environment.fleet?.isLost === true) this.#host.reportBackplane('lost');
    }
    return this.#host;
  }
}
