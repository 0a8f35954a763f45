import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SendData } from '../connection/connection.js';
import { Counter, Counters } from '../telemetry/counters.js';
import { Exchange, reportsOf } from '../host/exchange.js';
import { IncidentLog } from '../telemetry/incident-log.js';
import { registerExchange } from '../host/publish.js';
import type { Health } from '../monitor/routes.js';
import { loadSystemCalls, type SystemCalls } from '../system/system-calls.js';
import { Acceptor } from './acceptor.js';
import { Admission } from './admission.js';
import { expectOwnFiles } from './bundled-error.js';
import { ConfigError } from '../options/option-error.js';
import { Generation, type GenerationContext } from './generation.js';
import { Boundary } from './boundary.js';
import { createHttp } from './http.js';
import { HttpConnections } from './http-connections.js';
import { Lingering } from './lingering.js';
import { resolveClose, resolveListen } from './method-options.js';
import { type ResolvedOptions, resolveOptions } from './options.js';
import { loopbackHosts } from './origin.js';
import { Reloads } from './reloads.js';
import type { ServerOptions } from './server-options.js';
import { readStats } from '../telemetry/read-stats.js';
import type { ServerStats } from '../telemetry/server-stats.js';
import { type Destination, Upgrader } from './upgrade.js';
import { abandon, type HandOff } from './worker-link.js';

/** Where a server listens. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** For clients: `ws://127.0.0.1:8080`. */
  readonly url: string;
}

export interface ListenOptions {
  /** Default 8080; 0 for any that is free. */
  readonly port?: number;
  /** Default 127.0.0.1: this machine only. '0.0.0.0' or '::' for every interface. */
  readonly host?: string;
}

export interface CloseOptions {
  /** How long open connections have to be closed, in ms, from 0 to 2^31 less 251; default 5000. Those that are left are then destroyed. */
  readonly drainMs?: number;
}

/**
 * Creates a server, which does nothing before it is told to listen.
 * @throws ConfigError if an option cannot be used.
 */
export function createServer(options: ServerOptions): Server {
  return new Server(resolveOptions(options));
}

/** A WebSocket server. Lives in the thread that created it, the primary. */
export class Server {
  readonly #options: ResolvedOptions;
  readonly #http: HttpServer;
  readonly #admission: Admission;
  readonly #incidents: IncidentLog;
  readonly #httpConnections: HttpConnections;
  readonly #lingering = new Lingering((socket) => this.#httpConnections.release(socket));
  readonly #exchange: Exchange;
  readonly #startedAt = performance.now();
  /** What the primary counts itself. */
  readonly #counters = new Counters();
  /** The counts of threads that have ended. */
  readonly #ended = new Counters();
  readonly #context: GenerationContext;
  #state: 'new' | 'started' | 'closing' | 'closed' = 'new';
  /** Who gets new connections. */
  #generation: Generation | undefined;
  /** All that have connections: that one, one that starts, and those that drain since a reload. */
  readonly #generations = new Set<Generation>();
  readonly #draining = new Map<Generation, Promise<void>>();
  /** How often it was tried. */
  #reloads = 0;
  readonly #reloading = new Reloads((drainMs) => this.#reload(drainMs));
  #upgrader: Upgrader | undefined;
  /** Undefined before it has started, and on systems without koffi. */
  #calls: SystemCalls | undefined;
  #kernelName = '';
  #closed: Promise<void> | undefined;
  /** Ends what `publish` of a handler module does in this thread. */
  #unregister: () => void = () => {};

  /** @internal Use {@link createServer}. */
  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#incidents = new IncidentLog(this.#counters, options.log);
    this.#admission = new Admission(options.admission, () => this.#load);
    this.#exchange = new Exchange(options.host.bus, reportsOf(this.#counters, options.log));
    this.#httpConnections = new HttpConnections({
      stallTimeoutMs: options.host.limits.stallTimeoutMs,
      admission: this.#admission,
      incidents: this.#incidents,
      calls: () => this.#calls,
    });
    this.#context = {
      options,
      calls: () => this.#calls,
      exchange: this.#exchange,
      past: this.#ended,
      onClosed: (id) => this.#admission.leave(id),
      isReplaced: () => this.#state === 'started',
      placeElsewhere: (handOff) => this.#placeElsewhere(handOff),
      allLinks: () => [...this.#generations].flatMap(({ workers }) => workers?.links ?? []),
    };
    this.#http = createHttp({
      options,
      admission: this.#admission,
      incidents: this.#incidents,
      connections: this.#httpConnections,
      lingering: this.#lingering,
      health: () => this.#health(),
      upgrader: () => this.#upgrader,
    });
  }

  /**
   * Starts the threads and listens. Once: a server that could not listen is closed, and another one must be created.
   * @throws ConfigError if `port` or `host` cannot be used; the server is as before then.
   * @throws Error if it was started before, or is closed meanwhile.
   * @throws HandlerModuleError, ArenaError or WorkerStartError if a thread cannot host, or not within `startTimeoutMs`.
   * @throws BundledError if this package is inside of a bundle.
   * @throws the system's error if the address cannot be had (`code`: EADDRINUSE, EACCES, …).
   */
  async listen(options?: ListenOptions): Promise<ServerAddress> {
    const { port, host } = resolveListen(options);
    await this.start();
    try {
      await new Promise<void>((resolve, reject) => {
        // While it looks the host up, a close() ends it without a word of its own.
        const closed = () => reject(new Error('the server was closed while it was starting'));
        this.#http.once('error', reject);
        this.#http.once('close', closed);
        this.#http.listen({ port, host }, () => {
          this.#http.off('error', reject);
          this.#http.off('close', closed);
          resolve();
        });
      });
      this.#expectStarted();
    } catch (error) {
      await this.close({ drainMs: 0 });
      throw error;
    }
    const address = this.address() as ServerAddress; // it listens
    this.#admission.defaultHosts = loopbackHosts(address.host);
    if (this.#calls !== undefined && this.#upgrader !== undefined) {
      const boundary = new Boundary(this.#options.log);
      new Acceptor(this.#http, this.#calls, this.#upgrader, boundary, this.#options).start();
    }
    return address;
  }

  /**
   * Starts the threads without listening: for a server whose connections come from {@link handleUpgrade} only. Part of
   * `listen` otherwise. @throws as `listen`.
   */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error('a server can be started once');
    expectOwnFiles();
    this.#state = 'started';
    this.#unregister = registerExchange(this.#exchange);
    try {
      this.#calls = await this.#loadSystemCalls();
      if (this.#calls !== undefined) this.#exchange.sendBy(this.#calls, this.#counters);
      const generation = await this.#startGeneration();
      this.#generation = generation;
    } catch (error) {
      await this.close({ drainMs: 0 });
      throw error;
    }
    const { handshakeTimeoutMs, maxHeaderCount, log, paths } = this.#options;
    const [admission, incidents, lingering] = [this.#admission, this.#incidents, this.#lingering];
    const connections = this.#httpConnections;
    const upgrade = () => this.#generation?.upgrade;
    this.#upgrader = new Upgrader(
      {
        ...this.#options.admission,
        ...{ paths, upgrade, admission, incidents, connections, lingering, maxHeaderCount, handshakeTimeoutMs, log },
      },
      this.#destination(this.#calls),
    );
  }

  /** Loads the handler module, and starts the threads that host connections with it. */
  async #startGeneration(): Promise<Generation> {
    const generation = await Generation.load(this.#context, this.#reloads);
    this.#expectStarted();
    this.#generations.add(generation);
    try {
      this.#kernelName = await generation.start();
      this.#expectStarted();
      return generation;
    } catch (error) {
      // What had started already ends; `close` waits for it too.
      await this.#retire(generation, 0);
      throw error;
    }
  }

  /** Drains a generation that gets no connections any more; once. */
  #retire(generation: Generation, drainMs: number): Promise<void> {
    const before = this.#draining.get(generation);
    if (before !== undefined) return before;
    const drained = generation.drain(drainMs).finally(() => {
      this.#generations.delete(generation);
      this.#draining.delete(generation);
    });
    this.#draining.set(generation, drained);
    return drained;
  }

  /** `close` may have been called while something was waited for. */
  #expectStarted(): void {
    if (this.#state !== 'started') throw new Error('the server was closed while it was starting');
  }

  /** Without it, connections cannot go to workers; the primary can host them all the same, as streams. */
  async #loadSystemCalls(): Promise<SystemCalls | undefined> {
    try {
      return await loadSystemCalls();
    } catch (cause) {
      if (this.#options.threads === 0) return undefined;
      throw new ConfigError(
        'threads',
        `threads must be 0 on this system: sockets cannot be handed to threads (${String(cause)})`,
      );
    }
  }

  /** Where it listens; undefined before `listen` has resolved, and after `close`. */
  address(): ServerAddress | undefined {
    const address = this.#http.address() as AddressInfo | null; // never a string: it does not listen on pipes
    if (address === null) return undefined;
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return { host: address.address, port: address.port, url: `ws://${host}:${address.port}` };
  }

  /** Worker threads that it was told to use. */
  get threads(): number {
    return this.#options.threads;
  }

  /** The name of the kernel that its threads use; '' before it has started. */
  get kernel(): string {
    return this.#kernelName;
  }

  /**
   * Takes over an upgrade that another HTTP server of this process has received: call it with the arguments of that server's
   * 'upgrade' event. What has a descriptor goes to a worker; a TLS socket or any other stream is hosted in this thread.
   * Every request that came on the same socket before must have been answered: the 101 would be taken for the answer.
   * Needs `start()` or `listen()` to have resolved.
   * @throws Error if it has not. @throws TypeError for arguments that are not those of an 'upgrade' event, in their order.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    if (this.#upgrader === undefined) throw new Error('a server must be started before it can handle an upgrade');
    if (!(Array.isArray(request?.rawHeaders) && typeof socket?.write === 'function' && head instanceof Uint8Array)) {
      throw new TypeError(
        "handleUpgrade(request, socket, head) takes the arguments of an HTTP server's 'upgrade' event",
      );
    }
    if (socket instanceof Socket) socket.setNoDelay(true); // as those of our own HTTP server
    this.#upgrader.onUpgrade(request, socket, head);
  }

  /**
   * Sends a message to every connection that is subscribed to a topic, in all threads; at the end of this thread's turn. Before
   * the server has started there are none.
   * @returns false if a thread with subscribers of the topic has too much to take already: wait for {@link roomToPublish} with the next,
   * or what is too much is dropped for that thread.
   * @throws TypeError if it is nothing that can be sent, or the topic is no string.
   */
  publish(topic: string, data: SendData): boolean {
    return this.#exchange.publish(topic, data);
  }

  /** Resolves when no thread has too much to take of what this thread publishes; at once where none has. */
  roomToPublish(): Promise<void> {
    return this.#exchange.bus.room();
  }

  stats(): ServerStats {
    const primary = { thread: 'primary', counters: this.#counters };
    const ended = { thread: 'ended', counters: this.#ended };
    return readStats([primary, ended, ...[...this.#generations].flatMap(({ counters }) => counters)], {
      httpConnections: this.#httpConnections.size,
      pendingUpgrades: this.#upgrader?.pending ?? 0,
      threads: this.#generation?.workers?.states ?? [],
      uptimeMs: performance.now() - this.#startedAt,
    });
  }

  /**
   * Loads the handler module again, and starts new threads with it, which get all new connections; its `upgrade` is loaded
   * again, too. What the module imports is loaded again in worker threads, not in the primary. The old threads let what has
   * arrived be handled, close their connections with 1001, and end, at the latest shortly after `drainMs`. Resolves when the
   * new threads have taken over. Meanwhile there are twice as many threads, and arenas.
   *
   * One runs at a time: calls that come meanwhile are one more reload together, after it, with the longest of their `drainMs`.
   * Rejects as `listen`, if the module or the threads cannot be had: then the old ones go on; with an Error if the server is not running;
   * with a ConfigError if `drainMs` cannot be used.
   */
  async reload(options?: CloseOptions): Promise<void> {
    const { drainMs } = resolveClose(options, 'reload');
    await this.#reloading.ask(drainMs);
  }

  async #reload(drainMs: number): Promise<void> {
    const before = this.#generation;
    if (before === undefined || this.#state !== 'started') throw new Error('only a running server can be reloaded');
    this.#reloads++;
    this.#generation = await this.#startGeneration();
    this.#counters.add(Counter.RELOADS, 1);
    void this.#retire(before, drainMs);
  }

  /**
   * Accepts no connections any more (`/healthz` says 'draining', with 503), lets what has arrived be handled and answered,
   * closes all connections with 1001 and waits for them, ends the threads. Resolves when all is over, at the latest shortly
   * after `drainMs`. Rejects with a ConfigError if `drainMs` cannot be used: the server goes on then.
   */
  close(options?: CloseOptions): Promise<void> {
    try {
      const { drainMs } = resolveClose(options, 'close');
      this.#closed ??= this.#close(drainMs);
      return this.#closed;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #close(drainMs: number): Promise<void> {
    this.#state = 'closing';
    this.#upgrader?.close();
    // Those that drain since a reload may have had more time.
    const earlier = [...this.#draining.keys()];
    const deadline = setTimeout(() => earlier.forEach((generation) => void generation.drain(0)), drainMs);
    const retired = await Promise.allSettled([...this.#generations].map((each) => this.#retire(each, drainMs)));
    clearTimeout(deadline);
    const httpClosed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#unregister();
    this.#exchange.bus.close();
    this.#lingering.destroyAll();
    this.#httpConnections.destroyAll();
    this.#http.closeAllConnections();
    await httpClosed;
    this.#options.log.flush();
    this.#state = 'closed';
    // Whatever has gone wrong with threads: the rest is closed by now.
    for (const outcome of retired) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** All connections, in all threads, but for those that get a last answer. */
  get #load(): number {
    let load = this.#httpConnections.counted + (this.#upgrader?.pending ?? 0);
    for (const generation of this.#generations) load += generation.load;
    return load;
  }

  #placeElsewhere(handOff: HandOff): void {
    if (this.#state === 'started' && this.#generation !== undefined) {
      this.#generation.place(handOff);
      return;
    }
    this.#counters.add(Counter.CONNECTIONS_ABANDONED, 1);
    abandon([handOff]);
    this.#admission.leave(handOff.info.id);
  }

  #destination(calls: SystemCalls | undefined): Destination {
    const server = this;
    const current = () => this.#generation as Generation; // it has started before anybody is upgraded
    return {
      calls,
      get unavailable() {
        if (server.#state !== 'started') return 'the server is going away';
        return current().canPlace ? undefined : 'no worker takes connections';
      },
      expectOne: () => current().expectOne(),
      place: (fd, info, head) => current().place({ fd, info, head }),
      prepareStream: () => current().prepareStream(),
      placeStream: (stream, info, head) => current().placeStream(stream, info, head),
    };
  }

  #health(): Health {
    const workers = this.#generation?.workers;
    const threads = workers?.states ?? [];
    const isSlow = workers?.isSlow === true || this.#exchange.bus.ledger.isSlow;
    const isDegraded = isSlow || threads.length < this.#options.threads || threads.some(({ isTaking }) => !isTaking);
    const status = this.#state === 'started' ? (isDegraded || workers?.isCrashing ? 'degraded' : 'ok') : 'draining';
    const { connections, workersLost } = this.stats();
    return {
      status,
      threads,
      connections,
      workersLost,
      workersLostLastMinute: workers?.lostLastMinute ?? 0,
      uptimeSeconds: Math.round((performance.now() - this.#startedAt) / 1000),
    };
  }
}
