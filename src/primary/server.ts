import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SendData } from '../connection/connection.js';
import { registerPublishing } from '../host/publish.js';
import { reportsOf, ThreadPublishing } from '../host/thread-publishing.js';
import type { UpgradeAcceptance, UpgradeRefusal } from '../host/upgrade-hook.js';
import { type Health, Routes } from '../monitor/routes.js';
import { Attachment } from '../opening/attachment.js';
import { Opening } from '../opening/opening.js';
import { loopbackHosts } from '../opening/origin.js';
import { ArgumentTypeError } from '../options/argument-error.js';
import { ConfigError } from '../options/option-error.js';
import { loadSystemCalls, type SystemCalls } from '../system/system-calls.js';
import { Counters } from '../telemetry/counters.js';
import { IncidentLog } from '../telemetry/incident-log.js';
import { readStats } from '../telemetry/read-stats.js';
import type { ServerStats } from '../telemetry/server-stats.js';
import { Admission } from './admission.js';
import { BacklogAcceptor } from './backlog-acceptor.js';
import { expectOwnFiles } from './bundled-error.js';
import { nextConnectionId } from './connection-ids.js';
import { Generations } from './generations.js';
import { resolveClose, resolveListen } from './method-options.js';
import { type ResolvedOptions, resolveOptions } from './options.js';
import type { ServerOptions } from './server-options.js';
import { ServerStateError } from './server-state-error.js';

/** The address that a server listens on. */
export interface ServerAddress {
  /** The IP address that the server listens on, such as `127.0.0.1`. */
  readonly host: string;
  /** The port that the server listens on. */
  readonly port: number;
  /** The URL for clients: `ws://127.0.0.1:8080`. */
  readonly url: string;
}

/** Options of {@link Server.listen}. An option that cannot be used, or that there is not, is a {@link ConfigError}. */
export interface ListenOptions {
  /**
   * The port to listen on. With 0 the system chooses a free one, which the result of `listen` names. From 0 to 65 535.
   *
   * @default 8080
   */
  readonly port?: number;
  /**
   * The address or name to listen on: '127.0.0.1' for this machine only, '0.0.0.0' or '::' for every interface.
   *
   * @default '127.0.0.1'
   */
  readonly host?: string;
}

/**
 * Options of {@link Server.close} and {@link Server.reload}. An option that cannot be used, or that there is not, is a
 * {@link ConfigError}.
 */
export interface CloseOptions {
  /**
   * How long open connections have to be closed, in ms. Connections that are left then are destroyed. From 0 ms to 2^31 less 251
   * ms (24 days).
   *
   * @default 5 s
   */
  readonly drainMs?: number;
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
  /** The counts of threads that have ended. */
  readonly #ended = new Counters();
  readonly #publishing: ThreadPublishing;
  readonly #admission: Admission;
  readonly #generations: Generations;
  #state: 'new' | 'started' | 'closing' | 'closed' = 'new';
  /** Undefined until the threads have started. */
  #opening: Opening | undefined;
  /** Undefined until `listen` is called. */
  #http: HttpServer | undefined;
  /** Undefined unless the server is attached to an HTTP server of the application. */
  #attachment: Attachment | undefined;
  #closed: Promise<void> | undefined;
  /** Ends the use of this server by `publish` of the package in this thread. */
  #unregister: () => void = () => {};

  /** @internal Use {@link createServer}. */
  constructor(options: ResolvedOptions) {
    this.#options = options;
    const counters = this.#counters;
    const publishing = new ThreadPublishing(options.host.bus, reportsOf(counters, options.log));
    const admission = new Admission(options.admission);
    const onClosed = (id: number) => admission.leave(id);
    this.#publishing = publishing;
    this.#admission = admission;
    this.#generations = new Generations({ options, publishing, counters, past: this.#ended, onClosed });
    admission.include(this.#generations);
  }

  /**
   * Makes a server for some paths of an HTTP server of the application, and starts it.
   * @internal Use {@link attach}.
   */
  static async attach(http: NetServer, options: ResolvedOptions): Promise<Server> {
    const attachment = new Attachment(http, options.paths);
    const server = new Server(options);
    server.#attachment = attachment;
    const { opening } = await server.#start();
    server.#expectStarted();
    attachment.open(opening);
    return server;
  }

  /**
   * Starts the threads, and listens. It can be called once: a server that could not start or listen is closed, and another one
   * must be created.
   *
   * @returns the address, when clients can connect.
   * @throws ConfigError if `port` or `host` cannot be used, and then the server has not changed; or if this system cannot have
   * worker threads.
   * @throws ServerStateError if the server was started before, or is closed meanwhile.
   * @throws HandlerModuleError, ArenaError or WorkerStartError if the handler module does not load or a thread does not start
   * within `startTimeoutMs`.
   * @throws BundledError if this package is inside of a bundle.
   * @throws the error of the system if the address cannot be had (`code`: EADDRINUSE, EACCES, …).
   */
  async listen(options?: ListenOptions): Promise<ServerAddress> {
    const { port, host } = resolveListen(options);
    const { opening, calls } = await this.#start();
    this.#expectStarted();
    const http = opening.createHttpServer();
    this.#http = http;
    try {
      await listening(http, port, host);
      this.#expectStarted();
    } catch (error) {
      await this.close({ drainMs: 0 });
      throw error;
    }
    const address = this.address() as ServerAddress; // it listens
    opening.gate.defaultHosts = loopbackHosts(address.host);
    if (calls !== undefined) {
      const { upgrader, boundary } = opening;
      const { maxHeaderBytes, maxHeaderCount } = this.#options;
      new BacklogAcceptor({ http, calls, upgrader, boundary, maxHeaderBytes, maxHeaderCount }).start();
    }
    return address;
  }

  /**
   * Starts the threads without listening, for a server whose connections all come by {@link handleUpgrade}. Call it instead of
   * {@link listen}, which starts the threads itself.
   * @throws the errors of {@link listen}, except those about the address.
   */
  async start(): Promise<void> {
    await this.#start();
  }

  async #start(): Promise<{ readonly opening: Opening; readonly calls: SystemCalls | undefined }> {
    if (this.#state !== 'new') throw new ServerStateError('a server can be started once');
    expectOwnFiles();
    this.#state = 'started';
    this.#unregister = registerPublishing(this.#publishing);
    try {
      const calls = await this.#loadSystemCalls();
      if (calls !== undefined) this.#publishing.sendBy(calls, this.#counters);
      await this.#generations.start(calls);
      const opening = this.#createOpening(calls);
      this.#opening = opening;
      return { opening, calls };
    } catch (error) {
      await this.close({ drainMs: 0 });
      throw error;
    }
  }

  #createOpening(calls: SystemCalls | undefined): Opening {
    const { admission, host, log, ...options } = this.#options;
    const opening = new Opening({
      options: { ...options, ...admission, stallTimeoutMs: host.limits.stallTimeoutMs },
      destination: this.#generations,
      calls,
      places: this.#admission,
      nextId: nextConnectionId,
      routes: new Routes(() => this.#health(), this.#options),
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
    const address = this.#http?.address() as AddressInfo | null | undefined; // never a string: it does not listen on pipes
    if (address === null || address === undefined) return undefined;
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return { host: address.address, port: address.port, url: `ws://${host}:${address.port}` };
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
   * @param accepted what your own authentication has decided: an acceptance (`{}`, or with `subprotocol`, `headers`, `data`), a
   * refusal, or a promise of one. It is judged as the answer of the hook `upgrade` is, which is not asked then. What is neither is
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
   * Answers an ordinary request of another HTTP server of this process, if its path is that of the option `page` or `health`. Call it
   * before your own routes, and do nothing more with a request that it has answered.
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
   * Sends a message to every connection that is subscribed to a topic, in all threads. It leaves in the next microtask; in a hook
   * that runs in the primary, at the end of the turn. Before the start there are no subscribers.
   *
   * @returns false if a thread with subscribers of the topic has too much to take already: await {@link roomToPublish} before the
   * next call. The message is dropped for a thread that is owed more than `maxOwedBytes`.
   * @throws ArgumentTypeError if `data` cannot be sent, or the topic is no string.
   * @throws MessageVoidError if `data` is a message whose callback is over.
   */
  publish(topic: string, data: SendData): boolean {
    return this.#publishing.publish(topic, data);
  }

  /** Resolves when every thread has room for what the primary publishes; at once if each has it already. */
  roomToPublish(): Promise<void> {
    return this.#publishing.bus.room();
  }

  /** The statistics of the server, in all of its threads together. It can be called at any time, also after {@link close}. */
  stats(): ServerStats {
    const primary = { thread: 'primary', counters: this.#counters };
    const ended = { thread: 'ended', counters: this.#ended };
    return readStats([primary, ended, ...this.#generations.counters], {
      httpConnections: this.#opening?.connections.size ?? 0,
      pendingUpgrades: this.#opening?.pendingUpgrades ?? 0,
      threads: this.#generations.threads,
      uptimeMs: performance.now() - this.#startedAt,
    });
  }

  /**
   * Loads the handler module again, and starts new threads with it. They get all new connections, and the new hook `upgrade`
   * decides about those. What the module imports is loaded again in worker threads, but not in the primary. The old threads
   * handle the messages that have arrived, close their connections with 1001, and end, at the latest shortly after `drainMs`.
   * Until then there are twice as many threads, and arenas. The promise resolves when the new threads have taken over.
   *
   * One reload runs at a time. Calls that come meanwhile share one more reload after it, with the longest of their `drainMs`.
   *
   * @throws the errors of {@link listen} if the module does not load or the threads do not start. Then the old threads go on.
   * @throws ServerStateError if the server is not running, or if its handler is an object.
   * @throws ConfigError if `drainMs` cannot be used.
   */
  async reload(options?: CloseOptions): Promise<void> {
    const { drainMs } = resolveClose(options, 'reload');
    await this.#generations.reload(drainMs);
  }

  /**
   * Closes the server. New connections are refused with 503, and the health is 'draining', with 503. Messages that have arrived
   * are handled and answered. Then all connections are closed with 1001, and the threads end. The promise resolves when all is
   * over, at the latest shortly after `drainMs`. Another call returns the same promise.
   *
   * @throws ConfigError if `drainMs` cannot be used. Then the server goes on.
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
    const drained = this.#generations.close(drainMs); // from now on no connection is placed
    this.#opening?.upgrader.close();
    try {
      await drained;
    } finally {
      // Even if a thread has failed.
      await this.#closeAllElse();
      this.#state = 'closed';
    }
  }

  async #closeAllElse(): Promise<void> {
    const http = this.#http;
    const httpClosed = new Promise<void>((resolve) => (http === undefined ? resolve() : http.close(() => resolve())));
    this.#attachment?.release();
    this.#unregister();
    this.#publishing.bus.close();
    this.#opening?.destroyAll();
    http?.closeAllConnections();
    await httpClosed;
    this.#options.log.flush();
  }

  #health(): Health {
    const { threads, isDegraded, lostLastMinute } = this.#generations;
    const running = isDegraded ? 'degraded' : 'ok';
    const { connections, workersLost } = this.stats();
    return {
      status: this.#state === 'started' ? running : 'draining',
      threads,
      connections,
      workersLost,
      workersLostLastMinute: lostLastMinute,
      uptimeSeconds: Math.round((performance.now() - this.#startedAt) / 1000),
    };
  }
}

/** Resolves when the HTTP server listens. @throws the error of the system; ServerStateError if the server is closed meanwhile. */
function listening(http: HttpServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // A `close()` while the host is looked up emits 'close' and no error.
    const closed = () => reject(new ServerStateError('the server was closed while it was starting'));
    http.once('error', reject);
    http.once('close', closed);
    http.listen({ port, host }, () => {
      http.off('error', reject);
      http.off('close', closed);
      resolve();
    });
  });
}
