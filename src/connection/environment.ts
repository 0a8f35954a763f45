import type { Kernel } from '../kernels/kernel.js';
import type { Arena } from '../memory/arena.js';
import type { Topics } from '../pubsub/topics.js';
import type { Counters } from './counters.js';
import type { Handler } from './handler.js';
import type { HostedConnection } from './hosted-connection.js';
import type { OutBuffer } from './output.js';
import type { Turn } from './turn.js';

/** What bounds a connection. */
export interface ConnectionLimits {
  /** Longest message, its fragments in sum, in bytes; beyond it 1009. */
  readonly maxPayloadBytes: number;
  /** Above this many buffered bytes a connection is not read and `send` returns false. */
  readonly highWaterMarkBytes: number;
  /** How long the peer may take to finish a closing handshake before the connection is destroyed. */
  readonly closeTimeoutMs: number;
}

/** What the connections of one thread have in common. */
export interface ConnectionEnvironment {
  readonly arena: Arena;
  readonly kernel: Kernel;
  readonly outBuffer: OutBuffer;
  readonly turn: Turn;
  readonly topics: Topics;
  readonly counters: Counters;
  readonly limits: ConnectionLimits;
  readonly handler: Handler;
  /** Whether each message gets an object of its own, and its bytes are overwritten afterwards: finds stale uses. */
  readonly poison: boolean;

  /** Calls `connection.onDeadline()` in `delayMs`, or not much later, unless there is another call or `clearDeadline`. */
  setDeadline(connection: HostedConnection, delayMs: number): void;
  clearDeadline(connection: HostedConnection): void;
  /** A hook has thrown or rejected. */
  onHandlerError(connection: HostedConnection, hook: string, error: unknown): void;
  /** Waits for a hook's promise: {@link Host.drain} does not cut off what it may still send. */
  track(promise: PromiseLike<void>): void;
  /** The connection is over. */
  onConnectionClosed(connection: HostedConnection): void;
}
