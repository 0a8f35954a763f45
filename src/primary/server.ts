import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SendData, SendOptions } from '../connection/connection.js';
import type { BackplaneState } from '../connection/handler.js';
import { comesWithPackage } from '../host/module-url.js';
import { registerPublishing } from '../host/publish.js';
import { reportsOf, ThreadPublishing } from '../host/thread-publishing.js';
import { ThreadVitals } from '../host/thread-vitals.js';
import type { UpgradeAcceptance, UpgradeRefusal } from '../host/upgrade-hook.js';
import type { MetricsFormat } from '../monitor/metrics-format.js';
import { renderMetrics } from '../monitor/render-metrics.js';
import { type Health, Routes } from '../monitor/routes.js';
import { Attachment } from '../opening/attachment.js';
import { Opening } from '../opening/opening.js';
import { loopbackHosts } from '../opening/origin.js';
import { ArgumentTypeError } from '../options/argument-error.js';
import { ConfigError } from '../options/option-error.js';
import { timeInWords } from '../options/units.js';
import { loadSystemCalls, type SystemCalls } from '../system/system-calls.js';
import { Counter, Counters } from '../telemetry/counters.js';
import { EndedCounters, PRIMARY } from '../telemetry/ended-counters.js';
import { IncidentLog } from '../telemetry/incident-log.js';
import { readStats, type ThreadCounters } from '../telemetry/read-stats.js';
import type { ServerStats } from '../telemetry/server-stats.js';
import type { TlsMaterial } from '../tls/tls-material.js';
import type { TlsOptions } from '../tls/tls-options.js';
import { type AdminAddress, AdminServer } from './admin-server.js';
import { Admission } from './admission.js';
import { expectOwnFiles } from './bundled-error.js';
import { nextConnectionId } from './connection-ids.js';
import { GRACE_MS, wholeMs } from './drain-time.js';
import { type Endpoint, endpointAt } from './endpoint.js';
import { Fleet } from './fleet.js';
import { type Front, HttpFront } from './front.js';
import { Generations } from './generations.js';
import { codeOf, ListenError } from './listen-error.js';
import { type ListenOptions, resolveListen, type TcpListenOptions } from './listen-options.js';
import { firstAdminDescriptor } from './machine-limits.js';
import { type CloseTimes, resolveClose, resolveReload } from './method-options.js';
import { handshakesInWorkers, openingOptions, type ResolvedOptions, resolveOptions, routeOptions } from './options.js';
import { SecureFront } from './secure-front.js';
import { type ServerAddress, secured, type TcpAddress } from './server-address.js';
import type { ServerOptions } from './server-options.js';
import { ServerStateError } from './server-state-error.js';
import { ServerTls } from './server-tls.js';
import { UntouchedAcceptor } from './untouched-acceptor.js';

/** How connections are closed by {@link Server.close} and {@link Server.reload}. */
export interface DrainOptions {
  /**
   * How long open connections have to be closed, in ms. Connections that are left then are destroyed. From 0 ms to 2^31 less 251
   * ms (24 days).
   *
   * @default 5 s
   */
  readonly drainMs?: number;
  /**
   * The time over which connections are closed at even distances, in ms, so that the clients of a server do not all come back at once.
   * A connection is served until its turn comes. `drainMs` begins after it. With `drainMs` it has at most 2^31 less 251 ms (24 days).
   *
   * @default 0: all at once
   */
  readonly drainSpreadMs?: number;
}

/**
 * Options of {@link Server.close}. An option that cannot be used, or that there is not, is a
 * {@link ConfigError}.
 */
export interface CloseOptions extends DrainOptions {
  /**
   * How long a server that serves goes on with that before anything is closed, in ms. From its beginning on the readiness (`ready`) and
   * the health are 503, so that load balancers notice, and send new clients elsewhere. From 0 ms to 2^31 less 1 ms (24 days).
   *
   * @default 0: not at all
   */
  readonly shutdownDelayMs?: number;
}

/** Options of {@link Server.reload}. An option that cannot be used, or that there is not, is a {@link ConfigError}. */
export interface ReloadOptions extends DrainOptions {
  /**
   * With 'tls', only certificates and keys are read again, and the handler stays as it is. With 'handler', only the handler is loaded
   * again, and certificates and keys stay as they are.
   *
   * @default certificates, keys and the handler
   */
  readonly only?: 'tls' | 'handler';
  /**
   * Replaces the option `tls` of the server, such as a new certificate in PEM. Only a server that was created with `tls` takes it.
   *
   * @default that of before, whose files are read again
   */
  readonly tls?: TlsOptions;
}

/**
 * Creates a WebSocket server in this thread, which is its primary. The server does nothing until {@link Server.listen} or
 * {@link Server.start} is called.
 * @throws ConfigError if an option cannot be used, or if there is no such option.
 */
export function createServer(options: ServerOptions): Server {
  return new Server(resolveOptions(options));
}

/** A WebSocket server, made by {@link createServer}. Its methods are called in the thread that has created it, the primary. */
export class Server {
  readonly #options: ResolvedOptions;
  readonly #startedAt = performance.now();
  /** The counts of the primary, without those of connections that it hosts. */
  readonly #counters = new Counters();
  /** The counts of threads that have ended, so that totals never fall. */
  readonly #endedCounters = new EndedCounters();
  readonly #publishing: ThreadPublishing;
  /** Undefined for a server that exchanges publications with no other. */
  readonly #fleet: Fleet | undefined;
  readonly #admission: Admission;
  readonly #generations: Generations;
  #state: 'new' | 'started' | 'closing' | 'closed' = 'new';
  /** Whether clients can connect: the threads are ready, and whatever is to listen does. */
  #isServing = false;
  /** Whether `close` was called, and the server goes on serving for a while. */
  #isLeaving = false;
  /** Undefined without an admin port. */
  readonly #admin: AdminServer | undefined;
  /** Undefined before the start. */
  #vitals: ThreadVitals | undefined;
  /** Undefined until the threads have started. */
  #opening: Opening | undefined;
  /** Undefined until `listen` is called. */
  #front: Front | undefined;
  /** Undefined until the start, and for plain TCP. */
  #tls: ServerTls | undefined;
  /** Undefined until the start, and on systems without koffi. */
  #calls: SystemCalls | undefined;
  /** Undefined until `listen` is called. */
  #endpoint: Endpoint | undefined;
  /** Undefined until the server listens. */
  #address: ServerAddress | undefined;
  /** Undefined unless the server is attached to an HTTP server of the application. */
  #attachment: Attachment | undefined;
  #closed: Promise<void> | undefined;
  /** Ends the use of this server by `publish` of the package in this thread. */
  #unregister: () => void = () => {};

  /** @internal Use {@link createServer}. */
  constructor(options: ResolvedOptions) {
    this.#options = options;
    const counters = this.#counters;
    const { log, fleet: fleetOptions } = options;
    const report = (state: BackplaneState) => this.#generations.reportBackplane(state);
    const fleet = fleetOptions && new Fleet({ options: fleetOptions, counters, log, report });
    const publishing = new ThreadPublishing(options.host.bus, reportsOf(counters, log), undefined, fleet);
    const admission = new Admission(options.admission);
    const onNoLongerOpen = (id: number) => admission.leave(id);
    this.#publishing = publishing;
    this.#fleet = fleet;
    this.#admission = admission;
    const sources = { health: () => this.#health(), metrics: (format: MetricsFormat) => this.#metrics(format) };
    this.#generations = new Generations({
      options,
      publishing,
      counters,
      endedCounters: this.#endedCounters,
      onNoLongerOpen,
      ...sources,
      places: admission,
      fleet,
    });
    admission.include(this.#generations);
    this.#admin = options.admin && new AdminServer(options.admin, { sources, log });
  }

  /**
   * Makes a server for some paths of an HTTP server of the application, and starts it.
   * @internal Use {@link attach}.
   */
  static async attach(http: NetServer, options: ResolvedOptions): Promise<Server> {
    const attachment = new Attachment(http, options.paths);
    const server = new Server(options);
    server.#attachment = attachment;
    const opening = await server.#start();
    server.#expectStarted();
    attachment.open(opening);
    server.#isServing = true;
    return server;
  }

  /**
   * Starts the threads, and listens. It can be called once: a server that could not start or listen is closed, and another one
   * must be created.
   *
   * @returns the address, when clients can connect.
   * @throws ConfigError if an option cannot be used, and then the server has not changed; or if this system cannot have worker
   * threads.
   * @throws ServerStateError if the server was started before, or is closed meanwhile.
   * @throws HandlerModuleError, ArenaError or WorkerStartError if the handler module does not load or a thread does not start
   * within `startTimeoutMs`.
   * @throws BundledError if this package is inside of a bundle.
   * @throws the error of the system if the port cannot be had (`code`: EADDRINUSE, EACCES, …).
   * @throws ListenError if the unix socket or the descriptor cannot be listened on, with such a code too.
   */
  async listen(options?: TcpListenOptions): Promise<TcpAddress>;
  async listen(options: ListenOptions): Promise<ServerAddress>;
  async listen(options?: ListenOptions): Promise<ServerAddress> {
    this.#expectUnattached('listen');
    const place = resolveListen(options);
    const opening = await this.#start();
    this.#expectStarted();
    const front = this.#createFront(opening);
    const endpoint = endpointAt(place, this.#calls);
    this.#front = front;
    this.#admission.include(front);
    this.#endpoint = endpoint;
    try {
      const address = await endpoint.listen(front.server);
      this.#address = this.#tls === undefined ? address : secured(address);
      this.#expectStarted();
    } catch (error) {
      const adminPort = this.#admin?.address?.port;
      await this.close({ drainMs: 0 });
      endpoint.remove(); // if the server was closed before the file was there
      if (codeOf(error) !== 'EADDRINUSE' || !('port' in place) || place.port !== adminPort) throw error;
      const remedy = 'choose another port (--port) or adminPort (--admin-port)';
      throw new ListenError('EADDRINUSE', `port ${adminPort} is the admin port of this server: ${remedy}`, {
        cause: error,
      });
    }
    // No page of a browser reaches a unix socket, under whatever name. So there every Host is served.
    const { host } = this.#address;
    opening.gate.defaultHosts = host === undefined ? undefined : loopbackHosts(host);
    if (host !== undefined) this.#generations.noteListening(host);
    front.start();
    this.#isServing = true;
    return this.#address;
  }

  #createFront(opening: Opening): Front {
    const calls = this.#calls;
    const tls = this.#generations.tls;
    const { log, proxyProtocol, handshakeTimeoutMs, admin } = this.#options;
    const reservedFrom = admin && firstAdminDescriptor();
    const places = this.#admission;
    const incidents = new IncidentLog(this.#counters, log);
    if (handshakesInWorkers(this.#options) && calls !== undefined) {
      const destination = this.#generations;
      return new UntouchedAcceptor({
        ...{ calls, opening, log, places, destination, incidents },
        isEncrypted: tls !== undefined,
        proxyProtocol: proxyProtocol ? { limitMs: handshakeTimeoutMs } : undefined,
        reservedFrom,
      });
    }
    if (tls === undefined) return new HttpFront(opening, reservedFrom);
    return new SecureFront({ opening, tls, places, reservedFrom, incidents, log });
  }

  /**
   * Starts the threads without listening, for a server whose connections all come by {@link handleUpgrade}. Call it instead of
   * {@link listen}, which starts the threads itself.
   * @throws the errors of {@link listen}, except those about the address.
   */
  async start(): Promise<void> {
    this.#expectUnattached('start');
    await this.#start();
    this.#isServing = true;
  }

  /** A program in JavaScript may call what the type of an attached server does not have. */
  #expectUnattached(method: string): void {
    if (this.#attachment === undefined) return;
    throw new ServerStateError(
      `${method} is not for an attached server, which is started already and listens where its HTTP server does: call listen of that one`,
    );
  }

  async #start(): Promise<Opening> {
    if (this.#state !== 'new') throw new ServerStateError('a server can be started once');
    expectOwnFiles();
    this.#state = 'started';
    this.#unregister = registerPublishing(this.#publishing);
    this.#vitals = new ThreadVitals(this.#counters);
    try {
      await this.#admin?.listen(); // before the threads, so that it can say that they start
      this.#expectStarted();
      const calls = await this.#loadSystemCalls();
      this.#calls = calls;
      if (calls !== undefined) this.#publishing.sendBy(calls, this.#counters);
      const { compression } = this.#options.host;
      if (compression !== undefined) this.#publishing.compressBy(compression, this.#counters);
      await this.#loadTls();
      await this.#fleet?.start(this.#publishing); // before there is anybody who publishes or subscribes
      await this.#generations.start(calls);
      this.#noteThreadOfHook();
      const opening = this.#createOpening(calls);
      this.#opening = opening;
      // The first time takes ten times as long as all others: nobody waits for it here.
      if (this.#admin !== undefined || this.#options.metrics !== undefined) this.#metrics('text');
      return opening;
    } catch (error) {
      await this.close({ drainMs: 0 });
      throw error;
    }
  }

  async #loadTls(): Promise<void> {
    const { tls: description, log } = this.#options;
    if (description === undefined) return;
    this.#tls = await ServerTls.start({ description, log, onMaterial: (material) => this.#useTls(material) });
    this.#useTls(this.#tls.material);
  }

  /** Says once where the hook runs, because a module of the user may expect that there is one copy of it. */
  #noteThreadOfHook(): void {
    const { handler, log } = this.#options;
    if (this.#tls === undefined || !handshakesInWorkers(this.#options)) return;
    if (this.#generations.upgrade === undefined) return;
    if (typeof handler !== 'string' || comesWithPackage(handler)) return;
    log.info('tls: the hook upgrade runs in the workers, each of which has its own copy of the module');
  }

  #useTls(material: TlsMaterial): void {
    this.#generations.useTls(material);
    this.#front?.useTls(material);
  }

  #createOpening(calls: SystemCalls | undefined): Opening {
    const { log } = this.#options;
    const opening = new Opening({
      options: openingOptions(this.#options),
      destination: this.#generations,
      calls,
      places: this.#admission,
      nextId: nextConnectionId,
      routes: new Routes(
        { health: () => this.#health(), metrics: (format) => this.#metrics(format) },
        routeOptions(this.#options),
      ),
      incidents: new IncidentLog(this.#counters, log),
      log,
    });
    this.#admission.include(opening.connections);
    this.#admission.include(opening.upgrader);
    return opening;
  }

  /** Throws if `close` was called during an await. */
  #expectStarted(): void {
    if (this.#state !== 'started') throw new ServerStateError('the server was closed while it was starting');
  }

  /** Loads the system calls. Without them connections cannot go to workers, but the primary can host them as streams. */
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

  /** The address that the server listens on; undefined before {@link listen} has resolved, and after {@link close}. */
  address(): ServerAddress | undefined {
    return this.#front?.server.listening === true ? this.#address : undefined;
  }

  /** The address of the admin port; undefined before {@link listen} or {@link start} is called, after {@link close}, and without `adminPort`. */
  adminAddress(): AdminAddress | undefined {
    return this.#admin?.address;
  }

  /** The number of worker threads; 0 if the primary hosts all connections. */
  get threads(): number {
    return this.#options.threads;
  }

  /**
   * The name of the code that unmasks and validates payloads in the threads: 'auto', 'js', 'wasm', 'wasm-scalar' or 'native'. An
   * empty string before the start.
   */
  get kernel(): string {
    return this.#generations.kernelName;
  }

  /**
   * Takes over an upgrade from another HTTP server of this process. Call it with the arguments of the 'upgrade' event of that
   * server, after {@link start} or {@link listen} has resolved. A plain TCP socket goes to a worker; a TLS socket or another
   * stream is hosted in the primary. The upgrade waits until your server has answered all earlier requests of the same socket. If
   * that takes longer than `handshakeTimeoutMs`, the socket is destroyed.
   *
   * @param accepted what your own authentication has decided: an acceptance (`{}`, or with `subprotocol`, `headers`, `data`,
   * `deflate`), a refusal, or a promise of one. It is judged as the answer of the hook `upgrade` is, which is not asked then. What is neither is
   * answered with 500, and so is a promise of `undefined`. Limits, Host and Origin hold all the same. Without it, or with
   * `undefined`, the hook is asked.
   * @throws ServerStateError if the server has not started.
   * @throws ArgumentTypeError if the arguments are not those of an 'upgrade' event, in their order.
   */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    accepted?: UpgradeAcceptance | UpgradeRefusal | Promise<UpgradeAcceptance | UpgradeRefusal> | undefined,
  ): void {
    const opening = this.#openingFor('an upgrade');
    if (!(Array.isArray(request?.rawHeaders) && typeof socket?.write === 'function' && head instanceof Uint8Array)) {
      throw new ArgumentTypeError(
        'WSLOOM_UPGRADE_EVENT',
        "handleUpgrade(request, socket, head) takes the arguments of an HTTP server's 'upgrade' event",
      );
    }
    opening.takeUpgrade(request, socket, head, accepted);
  }

  /**
   * Answers an ordinary request of another HTTP server of this process, if its path is that of the option `page`, `health`, `ready` or
   * `metrics`. Call it before your own routes, and do nothing more with a request that it has answered.
   *
   * @returns whether the request was answered. If not, nothing was done with it.
   * @throws ServerStateError if the server has not started.
   * @throws ArgumentTypeError if the arguments are not those of a 'request' event, in their order.
   */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const opening = this.#openingFor('a request');
    if (!(Array.isArray(request?.rawHeaders) && typeof response?.writeHead === 'function')) {
      throw new ArgumentTypeError(
        'WSLOOM_REQUEST_EVENT',
        "handleRequest(request, response) takes the arguments of an HTTP server's 'request' event",
      );
    }
    return opening.handleRequest(request, response);
  }

  #openingFor(what: string): Opening {
    if (this.#opening === undefined)
      throw new ServerStateError(`a server must be started before it can handle ${what}`);
    return this.#opening;
  }

  /**
   * Sends a message to every connection that is subscribed to a topic, in all threads, and in other servers by `backplane`. It leaves in the
   * next microtask; in a hook that runs in the primary, at the end of the turn. Before the start there are no subscribers.
   *
   * @param options `{ compress: false }` sends it uncompressed to all. Without that it is compressed at most once for all subscribers that
   * have agreed on compression with the same window.
   * @returns false if a thread with subscribers of the topic has too much to take already: await {@link roomToPublish} before the
   * next call. The message is dropped for a thread that is owed more than `maxOwedBytes`. Also false while the engine of `backplane` takes
   * too little.
   * @throws ArgumentTypeError if `data` cannot be sent, the topic is no string, or the options cannot be used.
   * @throws MessageVoidError if `data` is a message whose callback is over.
   */
  publish(topic: string, data: SendData, options?: SendOptions): boolean {
    return this.#publishing.publish(topic, data, options);
  }

  /** Resolves when every thread, and the engine of `backplane`, has room for what the primary publishes; at once if each has it already. */
  roomToPublish(): Promise<void> {
    return this.#publishing.room();
  }

  /** The statistics of the server, in all of its threads together. It can be called at any time, also after {@link close}. */
  stats(): ServerStats {
    const threads = this.#threadCounters();
    const sum = (figure: Counter) => threads.reduce((total, { counters }) => total + counters.get(figure), 0);
    const waiting = (this.#opening?.connections.size ?? 0) + (this.#front?.load ?? 0);
    return readStats(threads, {
      httpConnections: waiting + sum(Counter.HTTP_CONNECTIONS),
      pendingUpgrades: (this.#opening?.pendingUpgrades ?? 0) + sum(Counter.PENDING_UPGRADES),
      threads: this.#generations.threads,
      certificates: this.#tls?.certificates ?? [],
      uptimeMs: performance.now() - this.#startedAt,
    });
  }

  /**
   * Loads the handler module again, and starts new threads with it. They get all new connections, and the new hook `upgrade`
   * decides about those. What the module imports is loaded again in worker threads, but not in the primary. The old threads
   * handle the messages that have arrived, close their connections with 1001, and end, at the latest shortly after `drainSpreadMs` and
   * `drainMs`.
   * Until then there are twice as many threads, and arenas. The promise resolves when the new threads have taken over.
   *
   * With the option `tls`, certificates and keys are read again before that, and exchanged in the threads that run: connections stay
   * as they are, and new ones get the new certificates. If these cannot be used, the handler is not loaded again either.
   * `{ only: 'tls' }` and `{ only: 'handler' }` do one of the two.
   *
   * One reload runs at a time. Calls that come meanwhile share one more reload after it, with the longest of their times.
   *
   * @throws the errors of {@link listen} if the module does not load or the threads do not start. Then the old threads go on.
   * @throws ServerStateError if the server is not running, or if its handler is an object, unless only certificates are read again.
   * @throws ConfigError if an option cannot be used, or a certificate or key: then nothing has changed.
   */
  async reload(options?: ReloadOptions): Promise<void> {
    const { only, tls, ...times } = resolveReload(options);
    if (this.#state !== 'started' || this.#isLeaving) {
      throw new ServerStateError('only a running server can be reloaded');
    }
    if (only !== 'tls' && typeof this.#options.handler !== 'string') {
      throw new ServerStateError(
        'a handler that is an object cannot be loaded again: put the hooks into a module, and give the server its URL',
      );
    }
    const hasTls = this.#options.tls !== undefined;
    if (!hasTls && (only === 'tls' || tls !== undefined)) {
      throw new ConfigError('tls', 'tls cannot be loaded again: this server was created without it');
    }
    if (only === 'handler' && tls !== undefined) {
      throw new ConfigError(
        'tls',
        "tls cannot be given together with only: 'handler', which leaves certificates as they are",
      );
    }
    if (hasTls && this.#tls === undefined) throw new ServerStateError('only a running server can be reloaded');
    if (only !== 'handler') await this.#tls?.reload(tls);
    if (only !== 'tls') await this.#generations.reload(times);
  }

  /**
   * Closes the server. The health is 'draining', with 503, and so is the readiness. After `shutdownDelayMs` new connections are refused
   * with 503. Messages that have arrived are handled and answered, and all connections are closed with 1001, spread over
   * `drainSpreadMs`. Then the threads end. The promise resolves when all is over, at the latest shortly after these times and `drainMs`.
   * Another call returns the same promise.
   *
   * @throws ConfigError if an option cannot be used. Then the server goes on.
   */
  close(options?: CloseOptions): Promise<void> {
    try {
      const times = resolveClose(options);
      this.#closed ??= this.#close(times);
      return this.#closed;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #close(times: CloseTimes): Promise<void> {
    const { shutdownDelayMs, drainSpreadMs } = times;
    const { log } = this.#options;
    if (this.#isServing && shutdownDelayMs > 0) {
      this.#isLeaving = true;
      const time = timeInWords(shutdownDelayMs);
      log.info(`close: the server is not ready any more, and goes on serving for ${time} (shutdownDelayMs)`);
      await new Promise((resolve) => setTimeout(resolve, shutdownDelayMs));
    }
    if (this.#isServing && drainSpreadMs > 0) {
      const time = timeInWords(drainSpreadMs);
      log.info(`close: connections are closed one after the other, over ${time} (drainSpreadMs)`);
    }
    this.#state = 'closing';
    const deadline = performance.now() + wholeMs(times);
    const drained = this.#generations.close(times); // from now on no connection is placed
    this.#opening?.upgrader.close();
    try {
      await drained;
    } finally {
      // Even if a thread has failed.
      await this.#closeAllElse(Math.max(0, deadline - performance.now()) + GRACE_MS);
      this.#state = 'closed';
    }
  }

  /** @param fleetMs how long what waits may take to get to other servers. */
  async #closeAllElse(fleetMs: number): Promise<void> {
    this.#endpoint?.remove();
    const server = this.#front?.server;
    const closed = new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    this.#attachment?.release();
    this.#unregister();
    this.#publishing.topics.flushAll();
    if (this.#fleet !== undefined) {
      await this.#takeAllPosted();
      await this.#fleet.close(fleetMs);
    }
    this.#publishing.bus.close();
    this.#vitals?.stop();
    this.#opening?.destroyAll();
    this.#front?.close();
    this.#tls?.close();
    await closed;
    await this.#admin?.close(); // the last, so that it says to the end how far this is
    this.#options.log.flush();
  }

  /** What threads have posted before their end goes to other servers too. */
  async #takeAllPosted(): Promise<void> {
    const { ledger } = this.#publishing.bus;
    const deadline = performance.now() + GRACE_MS;
    while (ledger.owedBytes > 0 && performance.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Whether `close` was called. */
  get #isEnding(): boolean {
    return this.#isLeaving || this.#state === 'closing' || this.#state === 'closed';
  }

  /** What all threads have counted, also those that have ended. */
  #threadCounters(): ThreadCounters[] {
    this.#fleet?.sample();
    const primary = { thread: PRIMARY, counters: this.#counters };
    return [primary, ...this.#endedCounters.threads, ...this.#generations.counters];
  }

  /** The metrics of the server, all of which are read from memory that its threads share. */
  #metrics(format: MetricsFormat): string {
    const { host, admission, negotiation } = this.#options;
    const stats = this.stats();
    const sources = {
      threads: this.#threadCounters(),
      owed: [{ thread: PRIMARY, bytes: this.#publishing.bus.ledger.owedBytes }, ...this.#generations.owed],
      stats,
      health: this.#health(stats),
      kernel: this.kernel,
      limits: {
        connections: admission.maxConnections,
        bufferedBytes: host.maxBufferedBytes,
        windowBytes: negotiation?.windows.maxBytes ?? 0,
      },
    };
    return renderMetrics(sources, format);
  }

  #health({ connections, workersLost } = this.stats()): Health {
    const { threads, isDegraded, lostLastMinute } = this.#generations;
    const running = isDegraded || this.#fleet?.isDegraded === true ? 'degraded' : 'ok';
    const started = this.#isServing ? running : 'starting';
    return {
      status: this.#isEnding ? 'draining' : started,
      threads,
      connections,
      workersLost,
      workersLostLastMinute: lostLastMinute,
      uptimeSeconds: Math.round((performance.now() - this.#startedAt) / 1000),
      ...(this.#fleet === undefined ? {} : { backplane: this.#fleet.health }),
    };
  }
}
