import { closeSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { Counter, type Counters } from '../connection/counters.js';
import type { ConnectionEnvironment, ConnectionLimits } from '../connection/environment.js';
import type { Handler } from '../connection/handler.js';
import { type ConnectionInfo, HostedConnection } from '../connection/hosted-connection.js';
import { OutBuffer } from '../connection/output.js';
import { SocketTransport } from '../connection/socket-transport.js';
import { StreamTransport } from '../connection/stream-transport.js';
import { createKernel, type KernelChoice } from '../kernels/create-kernel.js';
import { Arena } from '../memory/arena.js';
import { CloseCode } from '../protocol/close.js';
import { Deadlines } from './deadlines.js';
import type { Exchange } from './exchange.js';
import type { Logger } from './logger.js';

/** How often what is not counted as it happens is brought up to date, in ms. */
const SAMPLING_MS = 1000;

/** What a thread needs to know to host connections. It crosses threads. */
export interface HostOptions {
  /** How much the arena reserves, in bytes. */
  readonly arenaBytes: number;
  readonly kernel: KernelChoice;
  readonly limits: ConnectionLimits;
  /** See {@link ConnectionEnvironment.poison}. */
  readonly poison: boolean;
}

/**
 * What one thread hosts: its arena, its kernel, its topics, its connections, and the handler they are for. The same in a
 * worker and in the primary.
 */
export class Host {
  readonly exchange: Exchange;
  readonly kernelName: string;
  readonly #env: ConnectionEnvironment;
  readonly #connections = new Set<HostedConnection>();
  readonly #deadlines = new Deadlines();
  readonly #sampling: NodeJS.Timeout;
  /** Promises of hooks that are not settled yet. */
  #unsettled = 0;
  /** Called when something that `drain` may wait for has come to an end. */
  #onProgress: () => void = () => {};

  /** @throws ArenaError if the arena cannot be reserved. */
  constructor(options: HostOptions, handler: Handler, exchange: Exchange, counters: Counters, log: Logger) {
    const arena = new Arena(options.arenaBytes);
    const kernel = createKernel(options.kernel, arena.memory, (line) => log.warn(line));
    this.kernelName = kernel.name;
    this.exchange = exchange;
    this.#env = {
      arena,
      kernel,
      outBuffer: new OutBuffer(arena),
      turn: exchange.turn,
      topics: exchange.topics,
      counters,
      limits: options.limits,
      handler,
      poison: options.poison,
      setDeadline: (connection, delayMs) => this.#deadlines.set(connection, delayMs),
      clearDeadline: (connection) => this.#deadlines.clear(connection),
      onHandlerError: (connection, hook, error) => {
        counters.add(Counter.HANDLER_ERRORS, 1);
        const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
        log.error(`${hook}() of the handler failed, connection ${connection.id}: ${what}`);
      },
      track: (promise) => this.#track(promise),
      onConnectionClosed: (connection) => this.#remove(connection),
    };
    this.#sampling = setInterval(() => counters.set(Counter.ARENA_BYTES, arena.slabs.takenBytes), SAMPLING_MS).unref();
  }

  /** Connections that are open or closing. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes over a connected socket by its descriptor, which is the host's from now on, whatever happens. */
  adopt(fd: number, info: ConnectionInfo, head: Uint8Array): void {
    let isOpen = false;
    try {
      const connection = new HostedConnection(this.#env, info, (listener) => {
        const transport = new SocketTransport(fd, this.#env.arena, listener);
        isOpen = true;
        return transport;
      });
      this.#add(connection, head);
    } catch (error) {
      if (!isOpen) closeSync(fd);
      throw error;
    }
  }

  /** Takes over any other open byte stream. */
  adoptStream(stream: Duplex, info: ConnectionInfo, head: Uint8Array): void {
    const { arena, turn } = this.#env;
    const connection = new HostedConnection(
      this.#env,
      info,
      (listener) => new StreamTransport(stream, arena, turn, listener),
    );
    this.#add(connection, head);
  }

  /**
   * Ends all connections: lets what has arrived reach the handler, and be answered, for at most half of `limitMs`, then
   * closes with 1001. Resolves when all are closed, or after `limitMs`, when those that are left have been destroyed.
   */
  async drain(limitMs: number): Promise<void> {
    const end = performance.now() + limitMs;
    // A whole round of the event loop reads every socket that has something to read.
    for (let phase = 0; phase < 3; phase++) await new Promise((resolve) => setImmediate(resolve));
    // Not all of the time: a hook that never settles must not keep clients from a Close.
    await this.#until(() => this.#unsettled === 0, end - limitMs / 2);
    const { turn } = this.exchange;
    turn.begin();
    for (const connection of this.#connections) connection.close(CloseCode.GOING_AWAY, 'server is going away');
    turn.end();
    await this.#until(() => this.#connections.size === 0, end);
    for (const connection of this.#connections) connection.terminate();
    // Their 'close' events, so that handlers learn of it.
    if (this.#connections.size > 0) await this.#until(() => this.#connections.size === 0, performance.now() + 100);
    clearInterval(this.#sampling);
  }

  #add(connection: HostedConnection, head: Uint8Array): void {
    this.#connections.add(connection);
    const { counters } = this.#env;
    counters.set(Counter.CONNECTIONS, this.#connections.size);
    counters.add(Counter.OPENED, 1);
    connection.start(head);
  }

  #remove(connection: HostedConnection): void {
    this.#connections.delete(connection);
    this.#env.counters.set(Counter.CONNECTIONS, this.#connections.size);
    this.#onProgress();
  }

  #track(promise: PromiseLike<void>): void {
    this.#unsettled++;
    const settled = () => {
      this.#unsettled--;
      this.#onProgress();
    };
    promise.then(settled, settled);
  }

  async #until(isDone: () => boolean, end: number): Promise<void> {
    if (isDone()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, end - performance.now()));
      this.#onProgress = () => {
        if (!isDone()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onProgress = () => {};
  }
}
