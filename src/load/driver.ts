import type { LoadConnection } from './load-connection.js';
import type { ResolvedLoadOptions } from './resolved-load-options.js';
import type { Tally } from './tally.js';

/** What a driver has to do with. */
export interface DriverEnvironment {
  /** Of this thread. */
  readonly options: ResolvedLoadOptions;
  readonly tally: Tally;
  /** All that are open. */
  readonly connections: ReadonlySet<LoadConnection>;
  /** Opens one more. */
  connect(): void;
  /** What was waited for may have come: {@link Driver.isSettled}, or {@link Driver.isDone}. */
  wake(): void;
}

/** What a mode does with the connections of a thread. Between `start` and `stop` it counts what comes. */
export interface Driver {
  /** How many connections are to be open before it starts. */
  readonly connectionsBefore: number;
  /** Nothing is on its way. */
  readonly isSettled: boolean;
  /** The amount is done, and settled; or nothing more can be done. */
  readonly isDone: boolean;
  /** Begins, with at most so many messages. @param now in ms */
  start(amount: number, now: number): void;
  /**
   * Sends nothing more, and counts no more messages. With a rate, how long the last ones took is still noted, and how long those
   * have waited that were due and will not be sent. @param now in ms
   */
  stop(now: number): void;
  onOpen(connection: LoadConnection, now: number): void;
  onReplies(connection: LoadConnection, count: number): void;
  /** The system takes bytes again. */
  onDrain(connection: LoadConnection): void;
  /** A connection is over, or could not be opened; it is not among those that are open. */
  onClosed(connection: LoadConnection): void;
  /** Is called every ms, if there is a rate, and else now and then. */
  onTick(now: number): void;
  /** Nobody waits any more for what is on its way: how much that is. Connections that still owe something are given up. */
  abandon(): number;
}
