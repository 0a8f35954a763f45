import type { Kernel } from '../kernels/kernel.js';
import type { Arena } from '../memory/arena.js';
import type { Topics } from '../pubsub/topics.js';
import type { BufferBudget } from './buffer-budget.js';
import type { Clock } from './clock.js';
import type { Counters } from './counters.js';
import type { Handler } from './handler.js';
import type { HostedConnection } from './hosted-connection.js';
import type { Incident } from './incident.js';
import type { MessageLimits } from './input.js';
import type { OutBuffer } from './out-buffer.js';
import type { PinnedMemory } from './pinned-memory.js';
import type { Rates } from './rate-limit.js';
import type { TimeSlices } from './time-slices.js';
import type { Turn } from './turn.js';
import type { TimeLimits } from './vigil.js';

/** What bounds a connection. */
export interface ConnectionLimits extends MessageLimits, TimeLimits, Rates {
  /** Above this many buffered bytes a connection is not read and `send` returns false. */
  readonly highWaterMarkBytes: number;
  /** What may be queued for a peer that takes nothing, in bytes. One message is always accepted when nothing is queued. */
  readonly maxBackpressureBytes: number;
  /** What happens to a peer that has as much to take: it is closed with 1013, or does not get the message. */
  readonly slowConsumer: 'close' | 'drop';
  /** What happens to a peer that sends too fast: it is not read for a while, or closed with 1008. */
  readonly rateLimitAction: 'pause' | 'close';
}

/** What the connections of one thread have in common. */
export interface ConnectionEnvironment {
  readonly arena: Arena;
  readonly kernel: Kernel;
  readonly outBuffer: OutBuffer;
  readonly pinned: PinnedMemory;
  readonly turn: Turn;
  readonly topics: Topics;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly budget: BufferBudget;
  /** Those that are not read for a while because they send too fast: see {@link HostedConnection.retry}. */
  readonly throttled: { add(connection: HostedConnection): void };
  readonly slices: TimeSlices;
  readonly limits: ConnectionLimits;
  readonly handler: Handler;
  /** Whether each message gets an object of its own, and its bytes are overwritten afterwards: finds stale uses. */
  readonly poison: boolean;

  /** A connection was closed, or restrained, by one of the limits. @param detail what there is to add, for the log. */
  onLimit(connection: HostedConnection, incident: Incident, detail?: string): void;
  /** A hook has thrown or rejected. */
  onHandlerError(connection: HostedConnection, hook: string, error: unknown): void;
  /** Waits for a hook's promise: {@link Host.drain} does not cut off what it may still send. */
  track(promise: PromiseLike<unknown>): void;
  /** The connection is not open any more: closing has begun, or it was lost. Once, before {@link onConnectionClosed}. */
  onConnectionClosing(connection: HostedConnection): void;
  /** The connection is over. */
  onConnectionClosed(connection: HostedConnection): void;
}
