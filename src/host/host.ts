import { closeSync } from 'node:fs';
import { debuglog } from 'node:util';
import type { CompressionOptions } from '../compression/compression-options.js';
import { Deflation } from '../compression/deflation.js';
import { Inflation } from '../compression/inflation.js';
import { releaseWindows, type WindowMemory, windowBytes } from '../compression/window-memory.js';
import { PooledWindows } from '../compression/window-slabs.js';
import { BufferBudget } from '../connection/buffer-budget.js';
import type { Connection } from '../connection/connection.js';
import type { ConnectionInfo } from '../connection/connection-info.js';
import type { ConnectionEnvironment, ConnectionLimits } from '../connection/environment.js';
import { GatherBuffer } from '../connection/gather-buffer.js';
import type { BackplaneState, Handler } from '../connection/handler.js';
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
import { agreementOf } from '../protocol/deflate/agreement.js';
import type { BusLimits } from '../pubsub/bus.js';
import type { SystemCalls } from '../system/system-calls.js';
import { Counter, type Counters } from '../telemetry/counters.js';
import { IncidentLog } from '../telemetry/incident-log.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import { describePeer } from './describe-peer.js';
import { Draining } from './draining.js';
import type { OpenedHandOff, StreamHandOff } from './hand-off.js';
import { MemoryShedding } from './memory-shedding.js';
import type { ThreadPublishing } from './thread-publishing.js';
import { ThrottledConnections } from './throttled-connections.js';
import { TimeoutSweep, tickFor } from './timeout-sweep.js';

/** With `NODE_DEBUG=wsloom`, shows the header of each frame. */
const debug = debuglog('wsloom');

type Connect = (listener: TransportListener) => Transport;

/** The interval at which figures that are not counted as they change are brought up to date, in ms. */
const SAMPLING_MS = 1000;

/** Options for hosting connections in a thread. The object can be sent to other threads. */
export interface HostOptions {
  /** The size of the arena, in bytes. */
  readonly arenaBytes: number;
  readonly kernel: KernelChoice;
  /** How messages are compressed; undefined if no connection is. */
  readonly compression?: CompressionOptions;
  /** The memory for the windows of connections that are compressed; undefined if none is. */
  readonly windows?: WindowMemory;
  /** The thresholds of the kernel `auto`. */
  readonly thresholds: Thresholds;
  readonly limits: ConnectionLimits;
  /** The most bytes of output and of unfinished messages that the connections of all threads may hold together. */
  readonly maxBufferedBytes: number;
  /** The counter of those bytes, which all threads share: see {@link BufferBudget}. */
  readonly buffered: SharedArrayBuffer;
  /** The limits of the publications that a thread may be owed. */
  readonly bus: BusLimits;
  /**
   * How many connections of this thread may be closing at a time. Beyond it the connection that has been closing for longest is
   * destroyed.
   */
  readonly maxClosing: number;
  /** See {@link ConnectionEnvironment.poison}. */
  readonly poison: boolean;
}

/** What a host needs from its thread. */
export interface HostEnvironment {
  readonly options: HostOptions;
  readonly handler: Handler;
  /** How this thread publishes. */
  readonly publishing: ThreadPublishing;
  readonly counters: Counters;
  readonly log: ThrottledLog;
  /** Called with the id of each connection that is not open any more, or that could not be taken over. */
  readonly onNoLongerOpen: (id: number) => void;
  /** Undefined on systems without koffi, where connections come as streams only. */
  readonly calls: SystemCalls | undefined;
}

/**
 * The connections that one thread hosts, with all that they share: the arena, the kernel, the topics and the handler. The class
 * is the same in a worker and in the primary.
 */
export class Host {
  readonly publishing: ThreadPublishing;
  readonly kernelName: string;
  readonly #env: ConnectionEnvironment<HostedConnection>;
  readonly #connections = new Set<HostedConnection>();
  /** The connections that are not open any more, in the order in which they began to close. */
  readonly #closing = new Set<HostedConnection>();
  readonly #maxClosing: number;
  readonly #timeoutSweep: TimeoutSweep;
  readonly #budget: BufferBudget;
  readonly #shedding: MemoryShedding;
  readonly #draining: Draining;
  readonly #onNoLongerOpen: (id: number) => void;
  readonly #calls: SystemCalls | undefined;
  readonly #windows: WindowMemory | undefined;
  readonly #sampling: NodeJS.Timeout;

  /** @throws ArenaError if the arena cannot be reserved. */
  constructor({ options, handler, publishing, counters, log, onNoLongerOpen, calls }: HostEnvironment) {
    this.#onNoLongerOpen = onNoLongerOpen;
    this.#calls = calls;
    this.#windows = options.windows;
    const arena = new Arena(options.arenaBytes);
    const kernel = createKernel(
      options.kernel,
      arena.memory,
      (line) => log.throttled('warn', line, line),
      options.thresholds,
    );
    const { compression } = options;
    const windows = new PooledWindows();
    const inflation = compression && new Inflation(arena, windows, kernel, compression, options.poison);
    this.kernelName = kernel.name;
    this.publishing = publishing;
    publishing.bus.listen();
    const { limits } = options;
    this.#maxClosing = options.maxClosing;
    const hasRates = limits.messagesPerSecond > 0 || limits.bytesPerSecond > 0;
    this.#timeoutSweep = new TimeoutSweep(this.#connections, tickFor(limits), hasRates);
    this.#budget = new BufferBudget(options.buffered, options.maxBufferedBytes, counters, () => this.#shedding.check());
    this.#shedding = new MemoryShedding(this.#connections, this.#budget, publishing.turn);
    this.#draining = new Draining(this.#connections, publishing.turn);
    const gatherBuffer = new GatherBuffer(arena, kernel, publishing.turn);
    publishing.turn.attach(gatherBuffer);
    const incidents = new IncidentLog(counters, log);
    this.#env = {
      arena,
      kernel,
      inflation,
      gatherBuffer,
      pinned: new PinnedMemory(),
      ...(options.compression !== undefined && {
        deflation: new Deflation(arena, windows, options.compression, counters, options.poison),
      }),
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
          log.throttledError(what, connection === undefined ? what : `${what}, connection ${connection.id}`, error);
        },
        track: (promise) => this.#draining.track(promise),
      }),
      poison: options.poison,
      onLimit: (connection, incident, detail) => incidents.add(incident, describe(connection), detail),
      onConnectionClosing: (connection) => this.#noteClosing(connection),
      onConnectionClosed: (connection) => this.#remove(connection),
    };
    counters.set(Counter.ARENA_SIZE_BYTES, options.arenaBytes);
    this.#sampling = setInterval(() => {
      counters.set(Counter.ARENA_BYTES, arena.slabs.allocatedBytes);
      this.#shedding.check(); // another thread may have exceeded the budget, of which this thread holds most
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

  /** Calls the hook `backplane`. */
  reportBackplane(state: BackplaneState): void {
    const { turn, hooks } = this.#env;
    turn.begin();
    try {
      hooks.backplane(state);
    } finally {
      turn.end();
    }
  }

  /**
   * Takes over a connected socket by its descriptor. From now on the host owns the descriptor, even if this throws.
   * @param onSettled is called as soon as a socket has the descriptor, or the descriptor is closed. From then on it cannot leak
   * if the thread dies.
   */
  adopt({ fd, info, head }: OpenedHandOff, onSettled: () => void = () => {}): void {
    let isOpen = false;
    try {
      const calls = this.#calls;
      if (calls === undefined) throw new Error('this system has no descriptors to host connections by');
      const connect = (listener: TransportListener) => {
        return new SocketTransport(fd, calls, this.#env.arena, this.#budget, listener, () => {
          isOpen = true;
          this.#noteCompressed(info); // before: if the thread dies now, somebody has to know of the windows
          onSettled();
        });
      };
      const connection = new HostedConnection(this.#env, info, this.#traced(info, head, connect));
      this.#add(connection, head);
    } catch (error) {
      if (!isOpen) {
        this.#onNoLongerOpen(info.id);
        this.#releaseWindows(info);
        closeSync(fd);
        onSettled();
      }
      throw error;
    }
  }

  /** Takes over an open stream that has no descriptor to give, such as a TLS socket. */
  adoptStream({ stream, info, head }: StreamHandOff): void {
    const { arena, turn } = this.#env;
    const environment = { arena, turn, budget: this.#budget, calls: this.#calls };
    const connect = (listener: TransportListener) => new StreamTransport(stream, environment, listener);
    let connection: HostedConnection;
    try {
      connection = new HostedConnection(this.#env, info, this.#traced(info, head, connect));
    } catch (error) {
      this.#releaseWindows(info);
      throw error;
    }
    this.#noteCompressed(info);
    this.#add(connection, head);
  }

  /** Makes a transport show each frame, if `NODE_DEBUG` asks for that. @param connect makes the transport. */
  #traced({ id }: ConnectionInfo, head: Uint8Array, connect: Connect): Connect {
    if (!debug.enabled) return connect;
    const show = (line: string) => debug('connection %d %s', id, line);
    return (listener) => new TracedTransport(this.#env.arena, connect, listener, head, show);
  }

  /**
   * Ends all connections, see {@link Draining.run}. Messages that have arrived are handled and answered before a connection is closed
   * with 1001. After `limitMs` the connections that are left are destroyed. Resolves when no connection is left.
   */
  async drain(limitMs: number, spreadMs = 0): Promise<void> {
    await this.#draining.run(limitMs, spreadMs);
    // Those of which no end was reported in time count no more, whether it is reported later or not.
    for (const connection of this.#connections) this.#remove(connection);
    clearInterval(this.#sampling);
    this.#env.turn.detach(this.#env.gatherBuffer);
    this.#calls?.letGo(); // this thread may get another host, with an arena of its own
  }

  /** Counts the windows of a connection, which belong to this thread from now on. */
  #noteCompressed({ deflate }: ConnectionInfo): void {
    if (deflate === undefined) return;
    const { counters } = this.#env;
    counters.add(Counter.COMPRESSED, 1);
    counters.add(Counter.WINDOW_BYTES, windowBytes(agreementOf(deflate)));
  }

  /** A connection cannot be hosted: nobody has its windows any more. */
  #releaseWindows({ deflate }: ConnectionInfo): void {
    if (deflate !== undefined) releaseWindows(this.#windows, agreementOf(deflate));
  }

  #add(connection: HostedConnection, head: Uint8Array): void {
    this.#connections.add(connection);
    this.#timeoutSweep.start();
    const { counters } = this.#env;
    counters.add(Counter.CONNECTIONS, 1);
    counters.add(Counter.OPENED, 1);
    connection.start(head);
    this.#draining.noteAdded(connection);
  }

  /**
   * From now on the connection does not count against the limits, so that a client that comes back is not refused because of its
   * own closing connection. At most {@link HostOptions.maxClosing} may be closing; beyond it the oldest is destroyed.
   */
  #noteClosing(connection: HostedConnection): void {
    this.#onNoLongerOpen(connection.id);
    this.#closing.add(connection);
    this.#env.counters.add(Counter.CLOSING, 1);
    if (this.#closing.size <= this.#maxClosing || this.#draining.hasBegun) return;
    const [oldest] = this.#closing;
    oldest?.terminate();
    if (oldest !== undefined) this.#noteClosed(oldest); // its 'close' comes later
  }

  #noteClosed(connection: HostedConnection): void {
    if (this.#closing.delete(connection)) this.#env.counters.add(Counter.CLOSING, -1);
  }

  #remove(connection: HostedConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#noteClosed(connection);
    const { counters } = this.#env;
    const { deflate } = connection;
    if (deflate !== undefined) {
      releaseWindows(this.#windows, deflate);
      counters.add(Counter.WINDOW_BYTES, -windowBytes(deflate));
      counters.add(Counter.COMPRESSED, -1);
    }
    counters.add(Counter.CONNECTIONS, -1);
    this.#draining.noteRemoved();
  }
}

/** Describes a connection for the log. */
function describe({ id, remoteAddress, path }: Connection): string {
  return `connection ${id} from ${describePeer(remoteAddress)} on ${path.slice(0, 100)}`;
}
