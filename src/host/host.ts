import { closeSync } from 'node:fs';
import { debuglog } from 'node:util';
import { BufferBudget } from '../connection/buffer-budget.js';
import type { Connection } from '../connection/connection.js';
import type { ConnectionInfo } from '../connection/connection-info.js';
import type { ConnectionEnvironment, ConnectionLimits } from '../connection/environment.js';
import { GatherBuffer } from '../connection/gather-buffer.js';
import type { Handler } from '../connection/handler.js';
import { Hooks } from '../connection/hooks.js';
import { HostedConnection } from '../connection/hosted-connection.js';
import { PinnedMemory } from '../connection/pinned-memory.js';
import { SocketTransport } from '../connection/socket-transport.js';
import { StreamTransport } from '../connection/stream-transport.js';
import { TimeSlices } from '../connection/time-slices.js';
import { TracedTransport } from '../connection/traced-transport.js';
import type { Transport, TransportListener } from '../connection/transport.js';
import { createKernel, type KernelChoice } from '../kernels/create-kernel.js';
import type { Thresholds } from '../kernels/thresholds.js';
import { Arena } from '../memory/arena.js';
import { CloseCode } from '../protocol/close.js';
import type { BusLimits } from '../pubsub/bus.js';
import type { SystemCalls } from '../system/system-calls.js';
import { Counter, type Counters } from '../telemetry/counters.js';
import { IncidentLog } from '../telemetry/incident-log.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import { describePeer } from './describe-peer.js';
import type { HandOff, StreamHandOff } from './hand-off.js';
import type { ThreadPublishing } from './thread-publishing.js';
import { ThrottledConnections } from './throttled-connections.js';
import { TimeoutSweep, tickFor } from './timeout-sweep.js';

/** With `NODE_DEBUG=wsloom`, shows the header of each frame. */
const debug = debuglog('wsloom');

type Connect = (listener: TransportListener) => Transport;

/** How often what is not counted as it happens is brought up to date, in ms. */
const SAMPLING_MS = 1000;

/** How often a draining host looks whether it is done, in ms. */
const DRAIN_CHECK_MS = 20;

/** How much of what is allowed is left held when room has to be made. */
const SHED_TO = 0.9;

/** What a thread needs to know to host connections. It crosses threads. */
export interface HostOptions {
  /** How much the arena reserves, in bytes. */
  readonly arenaBytes: number;
  readonly kernel: KernelChoice;
  /** Of the kernel `auto`. */
  readonly thresholds: Thresholds;
  readonly limits: ConnectionLimits;
  /** What the connections of all threads may hold of output and unfinished messages together, in bytes. */
  readonly maxBufferedBytes: number;
  /** What they hold: see {@link BufferBudget}. */
  readonly buffered: SharedArrayBuffer;
  /** What threads may be owed of publications. */
  readonly bus: BusLimits;
  /** Connections of this thread that may be closing at a time; beyond it the one that has been for longest is destroyed. */
  readonly maxClosing: number;
  /** See {@link ConnectionEnvironment.poison}. */
  readonly poison: boolean;
}

/** What a host has of its thread. */
export interface HostEnvironment {
  readonly options: HostOptions;
  readonly handler: Handler;
  /** The thread's part in publishing. */
  readonly publishing: ThreadPublishing;
  readonly counters: Counters;
  readonly log: ThrottledLog;
  /** Is told the id of each connection that is over, or that could not be taken over. */
  readonly onClosed: (id: number) => void;
  /** Undefined on systems without koffi, where connections come as streams only. */
  readonly calls: SystemCalls | undefined;
}

/**
 * What one thread hosts: its arena, its kernel, its topics, its connections, and the handler they are for. The same in a
 * worker and in the primary.
 */
export class Host {
  readonly publishing: ThreadPublishing;
  readonly kernelName: string;
  readonly #env: ConnectionEnvironment<HostedConnection>;
  readonly #connections = new Set<HostedConnection>();
  /** Of these, those that are not open any more, the one that has been closing for longest first. */
  readonly #closing = new Set<HostedConnection>();
  readonly #maxClosing: number;
  readonly #timeoutSweep: TimeoutSweep;
  readonly #budget: BufferBudget;
  #isShedding = false;
  #isDraining = false;
  readonly #onClosed: (id: number) => void;
  readonly #calls: SystemCalls | undefined;
  readonly #sampling: NodeJS.Timeout;
  /** Promises of hooks that are not settled yet. */
  #unsettled = 0;
  /** Called when something that `drain` may wait for has come to an end. */
  #onProgress: () => void = () => {};

  /** @throws ArenaError if the arena cannot be reserved. */
  constructor({ options, handler, publishing, counters, log, onClosed, calls }: HostEnvironment) {
    this.#onClosed = onClosed;
    this.#calls = calls;
    const arena = new Arena(options.arenaBytes);
    const kernel = createKernel(
      options.kernel,
      arena.memory,
      (line) => log.throttled('warn', line, line),
      options.thresholds,
    );
    this.kernelName = kernel.name;
    this.publishing = publishing;
    publishing.bus.listen();
    const { limits } = options;
    this.#maxClosing = options.maxClosing;
    const hasRates = limits.messagesPerSecond > 0 || limits.bytesPerSecond > 0;
    this.#timeoutSweep = new TimeoutSweep(this.#connections, tickFor(limits), hasRates);
    this.#budget = new BufferBudget(options.buffered, options.maxBufferedBytes, counters, () => this.#shedSoon());
    const gatherBuffer = new GatherBuffer(arena, kernel, publishing.turn);
    publishing.turn.attach(gatherBuffer);
    const incidents = new IncidentLog(counters, log);
    this.#env = {
      arena,
      kernel,
      gatherBuffer,
      pinned: new PinnedMemory(),
      turn: publishing.turn,
      topics: publishing.topics,
      counters,
      clock: this.#timeoutSweep.clock,
      budget: this.#budget,
      throttled: new ThrottledConnections(),
      slices: new TimeSlices(),
      limits,
      hooks: new Hooks(handler, publishing.topics, {
        onHandlerError: (connection, hook, error) => {
          counters.add(Counter.HANDLER_ERRORS, 1);
          const what = `${hook}() of the handler failed`;
          log.throttledError(what, `${what}, connection ${connection.id}`, error);
        },
        track: (promise) => this.#track(promise),
      }),
      poison: options.poison,
      onLimit: (connection, incident, detail) => incidents.add(incident, describe(connection), detail),
      onConnectionClosing: (connection) => this.#noteClosing(connection),
      onConnectionClosed: (connection) => this.#remove(connection),
    };
    this.#sampling = setInterval(() => {
      counters.set(Counter.ARENA_BYTES, arena.slabs.allocatedBytes);
      // Another thread may have exceeded what this one holds most of.
      if (this.#budget.isExceeded) this.#shedSoon();
    }, SAMPLING_MS).unref();
  }

  /** Connections that are open or closing. */
  get size(): number {
    return this.#connections.size;
  }

  /** Connections that are open. */
  get openConnections(): number {
    return this.#connections.size - this.#closing.size;
  }

  /**
   * Takes over a connected socket by its descriptor, which is the host's from now on, whatever happens.
   * @param onSettled is called as soon as a socket has the descriptor, or it is closed: then it is safe, should the thread die.
   */
  adopt({ fd, info, head }: HandOff, onSettled: () => void = () => {}): void {
    let isOpen = false;
    try {
      const calls = this.#calls;
      if (calls === undefined) throw new Error('this system has no descriptors to host connections by');
      const connect = (listener: TransportListener) => {
        return new SocketTransport(fd, calls, this.#env.arena, this.#budget, listener, () => {
          isOpen = true;
          onSettled();
        });
      };
      const connection = new HostedConnection(this.#env, info, this.#traced(info, head, connect));
      this.#add(connection, head);
    } catch (error) {
      if (!isOpen) {
        this.#onClosed(info.id);
        closeSync(fd);
        onSettled();
      }
      throw error;
    }
  }

  /** Takes over any other open byte stream. */
  adoptStream({ stream, info, head }: StreamHandOff): void {
    const { arena, turn } = this.#env;
    const connect = (listener: TransportListener) => new StreamTransport(stream, arena, turn, this.#budget, listener);
    this.#add(new HostedConnection(this.#env, info, this.#traced(info, head, connect)), head);
  }

  /** @param connect makes the transport of a connection; what it makes shows each frame if `NODE_DEBUG` asks for that. */
  #traced({ id }: ConnectionInfo, head: Uint8Array, connect: Connect): Connect {
    if (!debug.enabled) return connect;
    const show = (line: string) => debug('connection %d %s', id, line);
    return (listener) => new TracedTransport(this.#env.arena, connect, listener, head, show);
  }

  /**
   * Ends all connections: lets what has arrived reach the handler, and be answered, for at most half of `limitMs`, then
   * closes with 1001. Resolves when all are closed, or after `limitMs`, when those that are left have been destroyed.
   */
  async drain(limitMs: number): Promise<void> {
    this.#isDraining = true;
    const end = performance.now() + limitMs;
    // A whole round of the event loop reads every socket that has something to read.
    for (let phase = 0; phase < 3; phase++) await new Promise((resolve) => setImmediate(resolve));
    for (const connection of this.#connections) connection.stopReading();
    // Not all of the time: what never ends must not keep clients from a Close.
    await this.#until(() => this.#closeQuiet(), end - limitMs / 2);
    this.#close(this.#connections);
    await this.#until(() => this.#connections.size === 0, end);
    for (const connection of this.#connections) connection.terminate();
    // Their 'close' events, so that handlers learn of it.
    if (this.#connections.size > 0) await this.#until(() => this.#connections.size === 0, performance.now() + 100);
    clearInterval(this.#sampling);
    this.#env.turn.detach(this.#env.gatherBuffer);
    this.#calls?.letGo(); // this thread may get another host, with an arena of its own
  }

  /** Closes those for which nothing is to be done any more. @returns whether these were all. */
  #closeQuiet(): boolean {
    // A hook may still send, to any connection.
    if (this.#unsettled > 0) return false;
    const open = [...this.#connections].filter(({ isOpen }) => isOpen);
    const quiet = open.filter(({ isQuiet }) => isQuiet);
    this.#close(quiet);
    return quiet.length === open.length;
  }

  #close(connections: Iterable<HostedConnection>): void {
    const { turn } = this.publishing;
    turn.begin();
    try {
      for (const connection of connections) connection.close(CloseCode.GOING_AWAY, 'server is going away');
    } finally {
      turn.end();
    }
  }

  #add(connection: HostedConnection, head: Uint8Array): void {
    this.#connections.add(connection);
    this.#timeoutSweep.start();
    const { counters } = this.#env;
    counters.add(Counter.CONNECTIONS, 1);
    counters.add(Counter.OPENED, 1);
    connection.start(head);
    if (this.#isDraining) this.#close([connection]); // it was on its way
  }

  /**
   * From now on the connection does not count against the limits, so that a client that reconnects is not refused because of its own
   * closing connection. At most {@link HostOptions.maxClosing} may be closing; beyond it the oldest is destroyed.
   */
  #noteClosing(connection: HostedConnection): void {
    this.#onClosed(connection.id);
    this.#closing.add(connection);
    this.#env.counters.add(Counter.CLOSING, 1);
    if (this.#closing.size <= this.#maxClosing || this.#isDraining) return;
    const [oldest] = this.#closing;
    oldest?.terminate();
    if (oldest !== undefined) this.#noteClosed(oldest); // its 'close' comes later
  }

  #noteClosed(connection: HostedConnection): void {
    if (this.#closing.delete(connection)) this.#env.counters.add(Counter.CLOSING, -1);
  }

  #remove(connection: HostedConnection): void {
    this.#connections.delete(connection);
    this.#noteClosed(connection);
    this.#env.counters.add(Counter.CONNECTIONS, -1);
    this.#onProgress();
  }

  /** Not in the middle of what has exceeded the budget, which may be a hook. */
  #shedSoon(): void {
    if (this.#isShedding) return;
    this.#isShedding = true;
    setImmediate(() => {
      this.#isShedding = false;
      this.#shed();
    });
  }

  /**
   * Makes room when the connections of all threads hold too much: those that have held what they hold for longest go,
   * until this thread has given its part.
   */
  #shed(): void {
    const { totalBytes, maxBytes, bytes } = this.#budget;
    if (totalBytes <= maxBytes) return;
    let excess = (totalBytes - SHED_TO * maxBytes) * (bytes / totalBytes);
    const holders = [...this.#connections].filter(({ heldBytes }) => heldBytes > 0);
    holders.sort((a, b) => a.heldSinceMs - b.heldSinceMs || b.heldBytes - a.heldBytes);
    const { turn } = this.publishing;
    turn.begin();
    try {
      for (const connection of holders) {
        if (excess <= 0) return;
        excess -= connection.heldBytes;
        connection.shed();
      }
    } finally {
      turn.end();
    }
  }

  #track(promise: PromiseLike<unknown>): void {
    this.#unsettled++;
    const settled = () => {
      this.#unsettled--;
      this.#onProgress();
    };
    promise.then(settled, settled);
  }

  /** Looked at whenever something has come to an end, and now and then. */
  async #until(isDone: () => boolean, end: number): Promise<void> {
    if (isDone()) return;
    await new Promise<void>((resolve) => {
      const check = () => {
        if (performance.now() < end && !isDone()) return;
        clearInterval(timer);
        this.#onProgress = () => {};
        resolve();
      };
      const timer = setInterval(check, Math.min(DRAIN_CHECK_MS, Math.max(1, end - performance.now())));
      this.#onProgress = check;
    });
  }
}

/** For the log. */
function describe({ id, remoteAddress, path }: Connection): string {
  return `connection ${id} from ${describePeer(remoteAddress)} on ${path.slice(0, 100)}`;
}
