import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SendData } from '../connection/connection.js';
import { Counter, Counters } from '../connection/counters.js';
import type { ConnectionInfo } from '../connection/hosted-connection.js';
import { Exchange } from '../host/exchange.js';
import { type HandlerModule, loadHandlerModule } from '../host/handler-module.js';
import { Host } from '../host/host.js';
import { registerHost } from '../host/publish.js';
import { Routes } from '../monitor/routes.js';
import { type DuplicateDescriptor, loadDuplicateDescriptor } from './descriptor.js';
import { ConfigError, type ResolvedOptions, resolveOptions, type ServerOptions } from './options.js';
import { type Destination, Upgrader } from './upgrade.js';
import type { Workers } from './workers.js';

/** Where a server listens. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** For clients: `ws://127.0.0.1:8080`. */
  readonly url: string;
}

/** What a server has done since it was created, in all of its threads. */
export interface ServerStats {
  /** Connections open or closing now. */
  readonly connections: number;
  /** Connections ever opened. */
  readonly opened: number;
  readonly messagesIn: number;
  /** Messages sent; a publication counts once for each subscriber. */
  readonly messagesOut: number;
  /** Bytes read from WebSocket connections. */
  readonly bytesIn: number;
  /** Connections failed because of what the client sent. */
  readonly protocolErrors: number;
  /** Hooks of the handler that threw or rejected, `upgrade` not counted. */
  readonly handlerErrors: number;
  /** Messages that did not fit into an arena and were put on the heap. */
  readonly heapMessages: number;
  /** Bytes of arenas in use, as of the last second. */
  readonly arenaBytes: number;
  /** Upgrades that wait for `upgrade` to decide. */
  readonly pendingUpgrades: number;
  /** Of each worker: its connections, and whether it takes new ones. Empty with `threads: 0`. */
  readonly threads: readonly { readonly connections: number; readonly isTaking: boolean }[];
  /** Workers that died and were replaced. */
  readonly workersLost: number;
  /** Connections that died with them. */
  readonly connectionsLost: number;
  readonly uptimeMs: number;
}

export interface ListenOptions {
  /** Default 8080; 0 for any that is free. */
  readonly port?: number;
  /** Default 127.0.0.1: this machine only. '0.0.0.0' or '::' for every interface. */
  readonly host?: string;
}

export interface CloseOptions {
  /** How long open connections have to be closed, in ms; default 5000. Those that are left are then destroyed. */
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
  readonly #exchange = new Exchange();
  readonly #startedAt = performance.now();
  /** What is counted of connections hosted in this thread, and of workers that are gone. */
  readonly #counters = new Counters();
  #state: 'new' | 'started' | 'closing' | 'closed' = 'new';
  #module: HandlerModule | undefined;
  #workers: Workers | undefined;
  /** For connections hosted in this thread; made when there is one. */
  #host: Host | undefined;
  #unregisterHost: () => void = () => {};
  #upgrader: Upgrader | undefined;
  #kernelName = '';
  #closed: Promise<void> | undefined;

  /** @internal Use {@link createServer}. */
  constructor(options: ResolvedOptions) {
    this.#options = options;
    const { handshakeTimeoutMs, paths } = options;
    this.#http = createHttpServer({
      noDelay: true,
      headersTimeout: handshakeTimeoutMs,
      requestTimeout: handshakeTimeoutMs,
      connectionsCheckingInterval: Math.max(10, Math.floor(handshakeTimeoutMs / 4)),
    });
    const routes = new Routes(() => this.#health(), paths);
    this.#http.on('request', (request, response) => {
      this.#upgrader?.onRequest(request, (listener) => response.once('close', listener));
      routes.handle(request, response);
    });
    this.#http.on('upgrade', (request, socket, head) => {
      if (namesWebSocket(request.headers.upgrade)) this.#upgrader?.onUpgrade(request, socket, head);
      else answerWithoutUpgrade(request, socket, routes);
    });
  }

  /**
   * Starts the threads and listens. Once: a server that could not listen is closed, and another one must be created.
   * @throws ConfigError if `port` or `host` cannot be used; the server is as before then.
   * @throws Error if it was started before, or is closed meanwhile.
   * @throws HandlerModuleError, ArenaError or WorkerStartError if a thread cannot host.
   * @throws the system's error if the address cannot be had (`code`: EADDRINUSE, EACCES, …).
   */
  async listen({ port = 8080, host = '127.0.0.1' }: ListenOptions = {}): Promise<ServerAddress> {
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      throw new ConfigError('port', `port must be an integer from 0 to 65535, got ${JSON.stringify(port)}`);
    }
    // Node would take nothing for every interface.
    if (typeof host !== 'string' || host === '') {
      throw new ConfigError('host', `host must be an address or a name, got ${JSON.stringify(host)}`);
    }
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
    return this.address() as ServerAddress; // it listens
  }

  /**
   * Starts the threads without listening: for a server whose connections come from {@link handleUpgrade} only. Part of
   * `listen` otherwise. @throws as `listen`.
   */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error('a server can be started once');
    this.#state = 'started';
    const { handler, handshakeTimeoutMs, log, paths, threads } = this.#options;
    const duplicate = await this.#loadDuplicateDescriptor();
    this.#module = await loadHandlerModule(handler);
    this.#expectStarted();
    const { upgrade } = this.#module;
    this.#upgrader = new Upgrader({ paths, upgrade, handshakeTimeoutMs, log }, this.#destination(duplicate));
    try {
      this.#kernelName = threads === 0 ? this.#primaryHost().kernelName : await this.#startWorkers();
      this.#expectStarted();
    } catch (error) {
      await this.close({ drainMs: 0 });
      throw error;
    }
  }

  /** `close` may have been called while something was waited for. */
  #expectStarted(): void {
    if (this.#state !== 'started') throw new Error('the server was closed while it was starting');
  }

  async #startWorkers(): Promise<string> {
    const { Workers } = await import('./workers.js');
    this.#expectStarted();
    this.#workers = new Workers(this.#options, this.#exchange.bus, this.#counters);
    return this.#workers.start();
  }

  /** Without it, connections cannot go to workers; the primary can host them all the same, as streams. */
  async #loadDuplicateDescriptor(): Promise<DuplicateDescriptor | undefined> {
    try {
      return await loadDuplicateDescriptor();
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
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    if (this.#upgrader === undefined) throw new Error('a server must be started before it can handle an upgrade');
    this.#upgrader.onUpgrade(request, socket, head);
  }

  /**
   * Sends a message to every connection that is subscribed to a topic, in all threads; at the end of this thread's turn. Before
   * the server has started there are none. @throws TypeError if it is nothing that can be sent, or the topic is no string.
   */
  publish(topic: string, data: SendData): void {
    this.#exchange.publish(topic, data);
  }

  stats(): ServerStats {
    const counters = [this.#counters, ...(this.#workers?.counters ?? [])];
    const sum = (counter: Counter) => counters.reduce((total, { values }) => total + (values[counter] as number), 0);
    return {
      connections: sum(Counter.CONNECTIONS),
      opened: sum(Counter.OPENED),
      messagesIn: sum(Counter.MESSAGES_IN),
      messagesOut: sum(Counter.MESSAGES_OUT),
      bytesIn: sum(Counter.BYTES_IN),
      protocolErrors: sum(Counter.PROTOCOL_ERRORS),
      handlerErrors: sum(Counter.HANDLER_ERRORS),
      heapMessages: sum(Counter.HEAP_MESSAGES),
      arenaBytes: sum(Counter.ARENA_BYTES),
      pendingUpgrades: this.#upgrader?.pending ?? 0,
      threads: this.#workers?.states ?? [],
      workersLost: this.#workers?.lost ?? 0,
      connectionsLost: this.#workers?.lostConnections ?? 0,
      uptimeMs: performance.now() - this.#startedAt,
    };
  }

  /**
   * Stops accepting connections, lets what has arrived be handled and answered, closes all connections with 1001 and waits
   * for them, ends the threads. Resolves when all is over, at the latest shortly after `drainMs`. @throws ConfigError
   */
  close({ drainMs = 5000 }: CloseOptions = {}): Promise<void> {
    if (!(Number.isFinite(drainMs) && drainMs >= 0)) {
      throw new ConfigError('drainMs', `drainMs must be a number of ms from 0 on, got ${JSON.stringify(drainMs)}`);
    }
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  async #close(drainMs: number): Promise<void> {
    this.#state = 'closing';
    const httpClosed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#http.closeIdleConnections();
    this.#upgrader?.close();
    await Promise.all([this.#workers?.drain(drainMs), this.#host?.drain(drainMs)]);
    this.#unregisterHost();
    this.#exchange.bus.close();
    this.#upgrader?.destroyLingering();
    this.#http.closeAllConnections();
    await httpClosed;
    this.#state = 'closed';
  }

  #primaryHost(): Host {
    if (this.#host === undefined) {
      const { host, log } = this.#options;
      const { handler } = this.#module as HandlerModule; // there are no connections before it is loaded
      this.#host = new Host(host, handler, this.#exchange, this.#counters, log);
      this.#unregisterHost = registerHost(this.#host);
    }
    return this.#host;
  }

  #destination(duplicateDescriptor: DuplicateDescriptor | undefined): Destination {
    const server = this;
    return {
      duplicateDescriptor,
      get unavailable() {
        if (server.#state !== 'started') return 'the server is going away';
        return server.#workers?.canPlace === false ? 'no worker takes connections' : undefined;
      },
      place: (fd, info, head) => {
        if (this.#workers !== undefined) this.#workers.place({ fd, info, head });
        else this.#adopt(fd, info, head);
      },
      prepareStream: () => void this.#primaryHost(),
      placeStream: (stream, info, head) => {
        try {
          this.#primaryHost().adoptStream(stream, info, head);
        } catch (error) {
          this.#options.log.error(`cannot take over the stream of connection ${info.id}: ${String(error)}`);
          stream.destroy();
        }
      },
    };
  }

  #adopt(fd: number, info: ConnectionInfo, head: Uint8Array): void {
    try {
      this.#primaryHost().adopt(fd, info, head);
    } catch (error) {
      this.#options.log.error(`cannot take over the socket of connection ${info.id}: ${String(error)}`);
    }
  }

  #health() {
    const threads = this.#workers?.states ?? [];
    const isDegraded = threads.length < this.#options.threads || threads.some(({ isTaking }) => !isTaking);
    const status = this.#state === 'started' ? (isDegraded ? 'degraded' : 'ok') : 'draining';
    return {
      status,
      threads,
      connections: this.stats().connections,
      uptimeSeconds: Math.round((performance.now() - this.#startedAt) / 1000),
    } as const;
  }
}

function namesWebSocket(upgrade: string | undefined): boolean {
  return upgrade !== undefined && /\bwebsocket\b/i.test(upgrade);
}

/**
 * A server may ignore an Upgrade to what it does not speak (RFC 9110 section 7.8): HTTP clients offer h2c, and expect an
 * ordinary answer. Node has given the socket up; after the answer it is closed.
 */
function answerWithoutUpgrade(request: IncomingMessage, socket: Duplex, routes: Routes): void {
  socket.on('error', () => {}); // 'close' follows
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket); // of an HTTP server of ours, which listens on TCP
  response.on('finish', () => socket.end());
  routes.handle(request, response);
}
