import type { Deflation } from '../compression/deflation.js';
import type { Inflation } from '../compression/inflation.js';
import type { Kernel } from '../kernels/kernel.js';
import type { Arena } from '../memory/arena.js';
import type { Topics } from '../pubsub/topics.js';
import type { Counters } from '../telemetry/counters.js';
import type { LimitIncident } from '../telemetry/limit-incident.js';
import type { Connection } from './connection.js';
import type { JudgedLimits, LimiterEnvironment } from './connection-limiter.js';
import type { GatherBuffer } from './gather-buffer.js';
import type { Hooks } from './hooks.js';
import type { MessageLimits } from './input.js';
import type { PinnedMemory } from './pinned-memory.js';
import type { TimeSlices } from './time-slices.js';
import type { Turn } from './turn.js';

/** What bounds a connection. */
export interface ConnectionLimits extends MessageLimits, JudgedLimits {
  /** With more bytes buffered than this, a connection is not read and `send` returns false. */
  readonly highWaterMarkBytes: number;
}

/** A connection that is not read for a while. */
export interface Throttled {
  /** Reads on if it may. @returns whether there is no more to be done */
  retry(): boolean;
}

/**
 * What the connections of one thread have in common.
 * @typeParam Hosted what the host keeps of each connection.
 */
export interface ConnectionEnvironment<Hosted = Connection> extends LimiterEnvironment {
  readonly arena: Arena;
  readonly kernel: Kernel;
  /** What compressed messages are inflated with; undefined if no connection compresses. */
  readonly inflation?: Inflation<Buffer> | undefined;
  readonly gatherBuffer: GatherBuffer;
  readonly pinned: PinnedMemory;
  /** Compresses what is sent to connections that have agreed on that; undefined if none may. */
  readonly deflation?: Deflation;
  readonly turn: Turn;
  readonly topics: Topics;
  readonly counters: Counters;
  readonly throttled: { add(connection: Throttled): void };
  readonly slices: TimeSlices;
  readonly limits: ConnectionLimits;
  readonly hooks: Hooks;
  /** Whether each message gets an object of its own, and its bytes are overwritten afterwards: finds stale uses. */
  readonly poison: boolean;

  /** A connection was closed, or restrained, by one of the limits. @param detail what there is to add, for the log. */
  onLimit(connection: Connection, incident: LimitIncident, detail?: string): void;
  /** The connection is not open any more: closing has begun, or it was lost. Once, before {@link onConnectionClosed}. */
  onConnectionClosing(connection: Hosted): void;
  /** The connection is over. */
  onConnectionClosed(connection: Hosted): void;
}
