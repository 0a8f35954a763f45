import type { LoadConnection } from './load-connection.js';
import type { ResolvedLoadOptions } from './resolved-load-options.js';
import type { Tally } from './tally.js';

/** What a driver is given. */
export interface DriverEnvironment {
  /** The options of this thread. */
  readonly options: ResolvedLoadOptions;
  readonly tally: Tally;
  /** All open connections. */
  readonly connections: ReadonlySet<LoadConnection>;
  /** Opens one more connection. */
  connect(): void;
  /** To be called when {@link Driver.isSettled} or {@link Driver.isDone} may have become true. */
  wake(): void;
}

/** What a mode does with the connections of a thread. Between `start` and `stop` it counts what comes. */
export interface Driver {
  /** How many connections are to be open before it starts. */
  readonly connectionsBefore: number;
  /** Whether no message is on its way. */
  readonly isSettled: boolean;
  /** Whether the amount is done and no message is on its way, or nothing more can be done. */
  readonly isDone: boolean;
  /** Begins to send. @param amount messages at most. @param now in ms */
  start(amount: number, now: number): void;
  /**
   * Sends nothing more, and counts no more messages. With a rate two latencies are still noted: of messages that are on their way, and
   * of messages that were due and will not be sent. @param now in ms
   */
  stop(now: number): void;
  onOpen(connection: LoadConnection, now: number): void;
  onReplies(connection: LoadConnection, count: number): void;
  /** The system takes bytes again. */
  onDrain(connection: LoadConnection): void;
  /** A connection is over, or could not be opened. It is not among the open connections any more. */
  onClosed(connection: LoadConnection): void;
  /** Is called every ms if there is a rate, and otherwise now and then. */
  onTick(now: number): void;
  /** Gives up all messages that are on their way, and the connections that owe them. @returns how many messages. */
  abandon(): number;
}
