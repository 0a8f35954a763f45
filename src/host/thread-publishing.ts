import type { CompressionOptions } from '../compression/compression-options.js';
import { PayloadDeflater } from '../compression/payload-deflater.js';
import type { SendData, SendOptions } from '../connection/connection.js';
import { publishTo } from '../connection/publish-to.js';
import { Turn } from '../connection/turn.js';
import { FIN, Opcode } from '../protocol/opcode.js';
import { Bus, type BusLimits, type BusListener } from '../pubsub/bus.js';
import { FleetOutlet, type Uplink } from '../pubsub/fleet-outlet.js';
import type { ThreadLedger } from '../pubsub/thread-ledger.js';
import { Topics } from '../pubsub/topics.js';
import type { SystemCalls } from '../system/system-calls.js';
import { Counter, type Counters, Distribution } from '../telemetry/counters.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';

/** The first byte of the frame of a text. */
const TEXT = FIN | Opcode.TEXT;

/** The default limits of the publications that a thread may be owed. */
export const DEFAULT_BUS_LIMITS: BusLimits = { maxOwedBytes: 64 * 1024 * 1024, slowThreadTimeoutMs: 10_000 };

/** A listener for publications, and for those that other threads do not take. */
export interface PublishingReports extends Partial<Pick<BusListener, 'onDropped' | 'onSlowThread'>> {
  /** A message was published in this thread. */
  readonly onPublished?: (firstByte: number, bytes: number) => void;
}

/** Makes a listener that counts publications, and logs those that other threads do not take. */
export function reportsOf(counters: Counters, log: ThrottledLog): PublishingReports {
  const { PUBLISHED_TEXT_BYTES, PUBLISHED_BINARY_BYTES } = Distribution;
  return {
    onPublished: (firstByte, bytes) =>
      counters.observeSize(firstByte === TEXT ? PUBLISHED_TEXT_BYTES : PUBLISHED_BINARY_BYTES, bytes),
    onDropped: (messages, isForOthers) => {
      counters.add(Counter.DROPPED_PUBLICATIONS, messages);
      if (isForOthers) counters.add(Counter.BACKPLANE_DROPPED, messages);
      const { what } = LimitIncident.DROPPED_PUBLICATIONS;
      log.throttled('warn', what, what);
    },
    onSlowThread: () => {
      counters.add(Counter.SLOW_THREADS, 1);
      const { what } = LimitIncident.SLOW_THREADS;
      log.throttled('warn', what, what);
    },
  };
}

/** What a thread needs to publish: its topics, its bus to other threads, and its turn, at whose end publications leave. */
export class ThreadPublishing {
  readonly turn: Turn;
  readonly topics: Topics;
  readonly bus: Bus;
  readonly #uplink: Uplink | undefined;

  /**
   * @param limits the limits of what other threads may be owed.
   * @param reports is called for publications that other threads do not take.
   * @param ledger the ledger of this thread; a new one by default.
   * @param uplink carries the publications of all threads to other processes. Only the primary may have one.
   */
  constructor(
    limits: BusLimits = DEFAULT_BUS_LIMITS,
    reports: PublishingReports = {},
    ledger?: ThreadLedger,
    uplink?: Uplink,
  ) {
    this.#uplink = uplink;
    this.turn = new Turn(() => this.topics.flush());
    this.bus = new Bus(
      {
        receive: (runs) => {
          // What other threads publish goes out here; what the primary does, in `FleetOutlet.post`.
          if (uplink?.isOpen === true) for (const run of runs) uplink.publish(run);
          this.#inTurn(() => this.topics.receive(runs));
        },
        onMissed: (topics) => this.#inTurn(() => this.topics.miss(topics)),
        onDropped: (messages, isForOthers) => reports.onDropped?.(messages, isForOthers),
        onSlowThread: () => reports.onSlowThread?.(),
        onThreadGone: (peer) => this.topics.forgetThread(peer),
        takeHandOffs: () => this.takeHandOffs(),
      },
      limits,
      ledger,
    );
    const outlet = uplink === undefined ? this.bus : new FleetOutlet(this.bus, uplink);
    this.topics = new Topics(outlet, () => this.turn.schedule(), reports.onPublished);
  }

  /** Opens the connections whose hand-offs have reached this thread already. A worker sets this function. */
  takeHandOffs: () => void = () => {};

  #inTurn(action: () => void): void {
    this.turn.begin();
    try {
      action();
    } finally {
      this.turn.end();
    }
  }

  /**
   * From now on, publications go by system calls to subscribers for which nothing is queued, of all hosts that the thread has,
   * now or later.
   * @param counters count the messages that are sent in this way, and their bytes.
   */
  sendBy(calls: SystemCalls, counters: Counters): void {
    this.topics.sendBy({
      send: (fd, bytes, start, end) => calls.send(fd, bytes, start, end),
      count: (messages, bytes) => {
        counters.add(Counter.MESSAGES_OUT, messages);
        counters.add(Counter.DELIVERIES, messages);
        counters.add(Counter.BYTES_OUT, bytes);
      },
      discard: (bytes) => calls.discard(bytes),
    });
  }

  /**
   * From now on, publications are compressed for subscribers that have agreed on it.
   * @param counters count what is compressed.
   * @throws ArenaError if the memory for that cannot be had.
   */
  compressBy(options: CompressionOptions, counters: Counters): void {
    this.topics.compressBy(new PayloadDeflater(options, counters));
  }

  /**
   * Sends a message to all subscribers of a topic, in all threads. @returns false if the caller should wait before it
   * publishes again.
   */
  publish(topic: string, data: SendData, options?: SendOptions): boolean {
    return publishTo(this.topics, topic, undefined, data, options);
  }

  /**
   * Sends messages of another process to all subscribers of a topic, in all threads of this one. It leaves at the end of the turn or in the
   * next microtask, with what else comes in.
   * @param frames see {@link Topics.relay}.
   */
  relay(topic: string, frames: Uint8Array, messages: number, mayCompress: boolean): void {
    if (this.topics.has(topic) || this.bus.wants(topic)) this.topics.relay(topic, frames, messages, mayCompress);
  }

  /** Resolves when there is room to publish: no thread is owed too much, and the fleet takes what is published. */
  async room(): Promise<void> {
    await this.bus.room();
    await this.#uplink?.room();
  }
}
