import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SendData } from '../connection/connection.js';
import { registerPublishing } from '../host/publish.js';
import { reportsOf, ThreadPublishing } from '../host/thread-publishing.js';
import { type Health, Routes } from '../monitor/routes.js';
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

/** Where a server listens. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** For clients: `ws://127.0.0.1:8080`. */
  readonly url: string;
}

/** Where {@link Server.listen} listens. */
export interface ListenOptions {
  /** The TCP port: default 8080; 0 for any that is free. */
  readonly port?: number;
  /** The address, or a name of it: default 127.0.0.1, this machine only. '0.0.0.0' or '::' for every interface. */
  readonly host?: string;
}

/** How connections are ended by {@link Server.close}, and by {@link Server.reload} in the threads that it replaces. */
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
  readonly #startedAt = performance.now();
  /** What the primary counts itself. */
  readonly #counters = new Counters();
  /** The counts of threads that have ended. */
  readonly #ended = new Counters();
  readonly #publishing: ThreadPublishing;
  readonly #admission: Admission;
  readonly #generations: Generations;
  #state: 'new' | 'started' | 'closing' | 'closed' = 'new';
  /** Undefined until the threads have started. */
  #opening: Opening | undefined;
  /** Undefined until it is to listen. */
  #http: HttpServer | undefined;
  #closed: Promise<void> | undefined;
  /** Ends what `publish` of a handler module does in this thread. */
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
   * Starts the threads and listens. Once: a server that could not listen is closed, and another one must be created.
   * @throws ConfigError if `port` or `host` cannot be used; the server is as before then.
   * @throws ServerStateError if it was started before, or is closed meanwhile.
   * @throws HandlerModuleError, ArenaError or WorkerStartError if a thread cannot host, or not within `startTimeoutMs`.
   * @throws BundledError if this package is inside of a bundle.
   * @throws the system's error if the address cannot be had (`code`: EADDRINUSE, EACCES, …).
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
   * Starts the threads without listening: for a server whose connections come from {@link handleUpgrade} only. Part of
   * `listen` otherwise. @throws as `listen`.
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

  /** `close` may have been called while something was waited for. */
  #expectStarted(): void {
    if (this.#state !== 'started') throw new ServerStateError('the server was closed while it was starting');
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
    const address = this.#http?.address() as AddressInfo | null | undefined; // never a string: it does not listen on pipes
    if (address === null || address === undefined) return undefined;
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return { host: address.address, port: address.port, url: `ws://${host}:${address.port}` };
  }

  /** Worker threads that it was told to use. */
  get threads(): number {
    return this.#options.threads;
  }

  /** The name of the kernel that its threads use; '' before it has started. */
  get kernel(): string {
    return this.#generations.kernelName;
  }

  /**
   * Takes over an upgrade that another HTTP server of this process has received: call it with the arguments of that server's
   * 'upgrade' event. What has a descriptor goes to a worker; a TLS socket or any other stream is hosted in this thread.
   * Every request that came on the same socket before must have been answered: the 101 would be taken for the answer.
   * Needs `start()` or `listen()` to have resolved.
   * @throws ServerStateError if it has not. @throws ArgumentTypeError for arguments that are not those of an 'upgrade' event, in their order.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    if (this.#opening === undefined)
      throw new ServerStateError('a server must be started before it can handle an upgrade');
    if (!(Array.isArray(request?.rawHeaders) && typeof socket?.write === 'function' && head instanceof Uint8Array)) {
      throw new ArgumentTypeError(
        'WSLOOM_UPGRADE_EVENT',
        "handleUpgrade(request, socket, head) takes the arguments of an HTTP server's 'upgrade' event",
      );
    }
    if (socket instanceof Socket) socket.setNoDelay(true); // as those of our own HTTP server
    this.#opening.upgrader.onUpgrade(request, socket, head);
  }

  /**
   * Sends a message to every connection that is subscribed to a topic, in all threads; at the end of this thread's turn. Before
   * the server has started there are none.
   * @returns false if a thread with subscribers of the topic has too much to take already: wait for {@link roomToPublish} with the next,
   * or what is too much is dropped for that thread.
   * @throws ArgumentTypeError if it is nothing that can be sent, or the topic is no string.
   */
  publish(topic: string, data: SendData): boolean {
    return this.#publishing.publish(topic, data);
  }

  /** Resolves when no thread has too much to take of what this thread publishes; at once where none has. */
  roomToPublish(): Promise<void> {
    return this.#publishing.bus.room();
  }

  /** What the server has done since it was created, in all threads together: connections, messages, how often each limit was met. */
  stats(): ServerStats {
    const primary = { thread: 'primary', counters: this.#counters };
    const ended = { thread: 'ended', counters: this.#ended };
    return readStats([primary, ended, ...this.#generations.counters], {
      httpConnections: this.#opening?.connections.size ?? 0,
      pendingUpgrades: this.#opening?.upgrader.load ?? 0,
      threads: this.#generations.threads,
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
   * Rejects as `listen`, if the module or the threads cannot be had: then the old ones go on; with a ServerStateError if the server is not running;
   * with a ConfigError if `drainMs` cannot be used.
   */
  async reload(options?: CloseOptions): Promise<void> {
    const { drainMs } = resolveClose(options, 'reload');
    await this.#generations.reload(drainMs);
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
    const drained = this.#generations.close(drainMs); // from now on no connection is placed
    this.#opening?.upgrader.close();
    try {
      await drained;
    } finally {
      // Whatever has gone wrong with threads.
      await this.#closeAllElse();
      this.#state = 'closed';
    }
  }

  async #closeAllElse(): Promise<void> {
    const http = this.#http;
    const httpClosed = new Promise<void>((resolve) => (http === undefined ? resolve() : http.close(() => resolve())));
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

/** Resolves when it listens. @throws the system's error, or an Error if it is closed meanwhile. */
function listening(http: HttpServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // While it looks the host up, a close() ends it without a word of its own.
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
