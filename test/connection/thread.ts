import { expect, onTestFinished } from 'vitest';
import type { CompressionOptions } from '../../dist/compression/compression-options.js';
import { Deflation } from '../../dist/compression/deflation.js';
import { Inflation } from '../../dist/compression/inflation.js';

import { PayloadDeflater } from '../../dist/compression/payload-deflater.js';
import { PooledWindows } from '../../dist/compression/window-slabs.js';
import { BufferBudget } from '../../dist/connection/buffer-budget.js';
import { Clock } from '../../dist/connection/clock.js';
import type { ConnectionEnvironment, ConnectionLimits, Throttled } from '../../dist/connection/environment.js';
import { GatherBuffer } from '../../dist/connection/gather-buffer.js';
import type { Handler } from '../../dist/connection/handler.js';
import { Hooks } from '../../dist/connection/hooks.js';
import { HostedConnection } from '../../dist/connection/hosted-connection.js';
import { PinnedMemory } from '../../dist/connection/pinned-memory.js';
import { TimeSlices } from '../../dist/connection/time-slices.js';
import { Turn } from '../../dist/connection/turn.js';
import { createKernel } from '../../dist/kernels/create-kernel.js';
import { Arena } from '../../dist/memory/arena.js';
import {
  type DeflateAgreement,
  type DeflateDirection,
  numberOfAgreement,
} from '../../dist/protocol/deflate/agreement.js';
import type { Outlet } from '../../dist/pubsub/outlet.js';
import { Topics } from '../../dist/pubsub/topics.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { serverFrames } from './frames.js';
import { overwriteGatherBuffer, ScriptedTransport } from './scripted-transport.js';

const MIB = 1024 * 1024;

/** As little as can be limited, and what is usual of the rest. */
export const NO_LIMITS: ConnectionLimits = {
  maxPayloadBytes: 2 ** 32 - 1,
  maxConsecutiveEmptyFragments: 100,
  highWaterMarkBytes: MIB,
  maxBackpressureBytes: 2 ** 30,
  slowConsumer: 'close',
  heartbeatIntervalMs: 0,
  idleTimeoutMs: 0,
  messageTimeoutMs: 0,
  stallTimeoutMs: 0,
  closeTimeoutMs: 5000,
  messagesPerSecond: 0,
  bytesPerSecond: 0,
  rateLimitAction: 'pause',
};

export interface ThreadOptions extends Partial<ConnectionLimits> {
  readonly handler?: Handler;
  readonly maxBufferedBytes?: number;
  readonly arenaBytes?: number;
  readonly poison?: boolean;
  /** What the connections have agreed on about the messages that they receive. Default: nothing, and no compression. */
  readonly inflates?: DeflateDirection;
  readonly deflateKernel?: 'wasm' | 'native';
  /** How messages are compressed. Default: not at all. */
  readonly compression?: CompressionOptions;
  /** What its connections have agreed on about compression. Default: nothing. */
  readonly deflate?: DeflateAgreement;
  /** Where publications go beside the connections of the thread. Default: nowhere. */
  readonly outlet?: Outlet;
}

/** A connection and the wire that it hangs on. */
export interface Peer {
  readonly connection: HostedConnection;
  readonly wire: ScriptedTransport;
}

export const NO_OUTLET: Outlet = {
  wants: () => false,
  deflatedDialectsOf: () => 0,
  post: () => {},
  join: () => {},
  leave: () => {},
  isCongested: false,
  owes: () => false,
};

/** A hosting thread without sockets: connections on scripted transports, with one arena, gather buffer, turn and topics. */
export class TestThread {
  readonly arena: Arena;
  readonly counters = new Counters();
  readonly turn: Turn;
  readonly topics: Topics;
  readonly out: GatherBuffer;
  readonly peers: Peer[] = [];
  readonly clock = new Clock(1);
  /** Where the windows of its connections lie. */
  readonly windows = new PooledWindows();
  readonly throttled = new Set<Throttled>();
  /** How long it has handled what its connections have sent, in ms: nothing takes any time by itself. */
  handledMs = 0;
  readonly slices = new TimeSlices(() => this.handledMs);
  readonly budget: BufferBudget;
  /** How often more was held than may be. */
  exceeded = 0;
  /** What the limits have done. */
  readonly incidents: string[] = [];
  /** For the log: what exactly was done to meet a limit. */
  readonly details: string[] = [];
  /** Hooks that have failed. */
  readonly failures: { readonly hook: string; readonly error: unknown }[] = [];
  /** Promises that the host would wait for. */
  readonly tracked: PromiseLike<unknown>[] = [];
  readonly closed: HostedConnection[] = [];
  readonly #env: ConnectionEnvironment<HostedConnection>;
  readonly #deflate: DeflateAgreement | undefined;
  /** Slabs that the thread keeps for itself. */
  readonly #ownSlabs: number;
  /** Connections that are not open any more. */
  closing = 0;
  readonly pinned = new PinnedMemory(MIB);
  /** By descriptor. */
  readonly #wires: ScriptedTransport[] = [];
  #made = 0;
  #phases = 0;

  constructor(options: ThreadOptions = {}) {
    this.arena = new Arena(options.arenaBytes ?? 8 * MIB);
    this.turn = new Turn(() => this.topics.flush());
    this.topics = new Topics(options.outlet ?? NO_OUTLET, () => this.turn.schedule());
    this.topics.sendBy({
      send: (fd, bytes, start, end) => this.#wires[fd]?.takeDirectly(bytes, start, end) ?? Number.NaN,
      count: (messages, bytes) => {
        this.counters.add(Counter.MESSAGES_OUT, messages);
        this.counters.add(Counter.DELIVERIES, messages);
        this.counters.add(Counter.BYTES_OUT, bytes);
      },
      discard: (bytes) => void bytes.fill(0),
    });
    const kernel = createKernel('auto', this.arena.memory);
    this.out = new GatherBuffer(this.arena, kernel, this.turn);
    this.turn.attach(this.out);
    const { handler, arenaBytes, maxBufferedBytes = 2 ** 40, poison, outlet: _, ...others } = options;
    const { compression, deflate, inflates, deflateKernel, ...limits } = others;
    const own = { windowBits: 15, contextTakeover: false };
    this.#deflate = deflate ?? (inflates && { own, peer: inflates });
    const inflation =
      this.#deflate && new Inflation(this.arena, this.windows, kernel, { kernel: deflateKernel ?? 'wasm' }, poison);
    const deflation = compression && new Deflation(this.arena, this.windows, compression, this.counters, poison);
    if (compression !== undefined) this.topics.compressBy(new PayloadDeflater(compression, this.counters));
    const shared = new SharedArrayBuffer(4);
    this.budget = new BufferBudget(shared, maxBufferedBytes, this.counters, () => this.exceeded++);
    this.#env = {
      arena: this.arena,
      clock: this.clock,
      budget: this.budget,
      throttled: this.throttled,
      slices: this.slices,
      kernel,
      inflation,
      gatherBuffer: this.out,
      pinned: this.pinned,
      ...(deflation !== undefined && { deflation }),
      turn: this.turn,
      topics: this.topics,
      counters: this.counters,
      limits: { ...NO_LIMITS, maxPayloadBytes: 4 * MIB, ...limits },
      hooks: new Hooks(handler ?? {}, this.topics, {
        onHandlerError: (_connection, hook, error) => this.failures.push({ hook, error }),
        track: (promise) => this.tracked.push(promise),
      }),
      poison: poison ?? false,
      onLimit: (_connection, { counter, what }, detail) => {
        this.counters.add(counter, 1);
        this.incidents.push(what);
        if (detail !== undefined) this.details.push(detail);
      },
      onConnectionClosing: () => this.closing++,
      onConnectionClosed: (connection) => this.closed.push(connection),
    };
    this.#ownSlabs = this.arena.slabs.allocatedSlabs;
  }

  /** A connection that is open, if its hook does not object. */
  connect(head: Uint8Array = new Uint8Array(0)): Peer {
    const peer = this.connectInTurn(head);
    this.settle();
    return peer;
  }

  /** One that is opened while something else goes on. */
  connectInTurn(head: Uint8Array): Peer {
    const peer = this.#make();
    peer.connection.start(head);
    return peer;
  }

  /** A connection whose kernel takes nothing at once, and for which nothing was called yet. */
  connectWith(prepare: (wire: ScriptedTransport) => void): Peer {
    const peer = this.#make();
    prepare(peer.wire);
    peer.connection.start(new Uint8Array(0));
    this.settle();
    return peer;
  }

  /** A callback of the event loop, in which `act` happens. */
  inTurn(act: () => void): void {
    this.inPhase(() => {
      this.turn.begin();
      try {
        act();
      } finally {
        this.turn.end();
      }
    });
  }

  /** A phase of the event loop: several callbacks, of which each would be one of its own otherwise. */
  inPhase(act: () => void): void {
    this.#phases++;
    try {
      act();
    } finally {
      this.#phases--;
    }
    if (this.#phases === 0) this.settle();
  }

  /** Time goes by, a tick at a time. */
  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 1) {
      this.clock.tick(1);
      this.clock.recentMs = this.clock.nowMs;
      for (const { connection, wire } of this.peers) if (!wire.isClosed) connection.onTick();
      for (const connection of [...this.throttled]) {
        this.throttled.delete(connection);
        if (!connection.retry()) this.throttled.add(connection);
      }
      this.settle();
    }
  }

  /** The end of a phase of the event loop: whatever is not in use is overwritten, and transports go on by themselves. */
  settle(): void {
    this.turn.flush();
    for (const { wire } of this.peers) wire.overwriteWhatIsFree();
    overwriteGatherBuffer(this.arena);
    for (const { wire } of this.peers) wire.pump();
  }

  /** Lets the event loop go round until nothing waits to be sent, or so many times. @returns how often it has gone round */
  async iterations(most = 10_000): Promise<number> {
    let gone = 0;
    const isBusy = () => this.topics.hasPending || this.peers.some(({ connection }) => connection.bufferedAmount > 0);
    while (gone < most && isBusy()) {
      await new Promise((resolve) => setImmediate(resolve));
      this.settle();
      gone++;
    }
    return gone;
  }

  /** Lets what waits for a microtask happen. */
  async microtasks(): Promise<void> {
    await Promise.allSettled(this.tracked);
    await Promise.resolve();
    this.settle();
  }

  /** Slabs that connections have. */
  get allocatedSlabs(): number {
    return this.arena.slabs.allocatedSlabs - this.#ownSlabs;
  }

  /** Loses a connection, so that a test of many does not keep them all. */
  forget(peer: Peer): void {
    peer.wire.lose();
    expect(peer.wire.breaches).toEqual([]);
    expect(peer.wire.chunkUsers, 'users of chunks').toBe(0);
    this.peers.splice(this.peers.indexOf(peer), 1);
    this.closed.splice(this.closed.indexOf(peer.connection), 1);
  }

  /** Ends everything, and checks that nothing was left behind or done against the contract with the transport. */
  end(): void {
    for (const { wire } of this.peers) {
      wire.takes = (offered) => offered;
      wire.drain();
      wire.lose();
    }
    expect(this.peers.flatMap(({ wire }) => wire.breaches)).toEqual([]);
    expect(this.out.position - this.out.start, 'bytes left in the gather buffer').toBe(0);
    expect(this.allocatedSlabs, 'slabs that were not given back').toBe(0);
    expect(
      this.peers.reduce((users, { wire }) => users + wire.chunkUsers, 0),
      'users of chunks',
    ).toBe(0);
    expect(this.windows.takenBytes, 'bytes of windows that were not given back').toBe(0);
    expect(this.closed.length).toBe(this.peers.length);
    expect(this.budget.bytes, 'bytes that the budget knows to be held').toBe(0);
  }

  #make(): Peer {
    let wire: ScriptedTransport | undefined;
    const id = ++this.#made;
    const deflate = this.#deflate && { deflate: numberOfAgreement(this.#deflate) };
    const said = { path: '/room', query: 'a=b', subprotocol: 'chat', data: undefined };
    const info = { id, remoteAddress: '192.0.2.1', ...said, ...deflate };
    const connection = new HostedConnection(this.#env, info, (listener) => {
      wire = new ScriptedTransport(this.arena, listener, this.budget, this.#wires.length);
      this.#wires.push(wire);
      wire.onTold = () => {
        if (this.#phases === 0) this.turn.flush();
      };
      return wire;
    });
    const peer = { connection, wire: wire as unknown as ScriptedTransport };
    this.peers.push(peer);
    return peer;
  }
}

/** A thread for one test, which is checked when the test is over. */
export function startThread(options: ThreadOptions = {}): TestThread {
  const thread = new TestThread(options);
  onTestFinished(() => thread.end());
  return thread;
}

/** What the peer has got. */
export function framesOf({ wire }: Peer): string[] {
  return serverFrames(wire.output);
}
