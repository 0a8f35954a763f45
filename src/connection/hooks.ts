import { CloseCode } from '../protocol/close.js';
import type { Publisher } from '../pubsub/subscriber.js';
import type { Connection } from './connection.js';
import type { BackplaneState, Handler } from './handler.js';
import { isPromise } from './is-promise.js';
import { problemOfOpen } from './open-answer.js';

/** A connection whose hooks are called. */
export interface HookedConnection extends Connection, Publisher {
  /** Fails the connection, unless it is over. */
  fail(code: number, reason: string): void;
}

/** Where it is noted whose hook runs: the topics of the thread, which hold publishers back. */
export interface PublisherSlot {
  publisher: Publisher | undefined;
}

/**
 * One of so many batches of messages is timed: those of a thread that were found in one read, and are handed out together. Two readings
 * of the clock for each batch would cost over 10 % of a small message.
 */
const BATCHES_PER_TIMED = 64;

/** The host, as far as it has to know what becomes of hooks. */
export interface HookReports {
  /** A hook has thrown or rejected. @param connection undefined for a hook that is about none */
  onHandlerError(connection: Connection | undefined, hook: string, error: unknown): void;
  /** Waits for a hook's promise: a host that drains does not cut off what it may still send. */
  track(promise: PromiseLike<unknown>): void;
}

/**
 * The handler's hooks as the connections of one thread call them. While a hook runs, its connection is the one that publishes; a
 * promise is tracked until it is settled; and a hook that throws or rejects fails its connection with 1011, and no other.
 *
 * The hook `message` is called by the connection itself, in a loop that has to stay small.
 */
export class Hooks {
  readonly handler: Handler;
  readonly #topics: PublisherSlot;
  readonly #reports: HookReports;
  #batchesUntilTimed = BATCHES_PER_TIMED;

  constructor(handler: Handler, topics: PublisherSlot, reports: HookReports) {
    this.handler = handler;
    this.#topics = topics;
    this.#reports = reports;
  }

  /**
   * Notes that a hook of the connection runs, until {@link leave}.
   * @returns the connection whose hook ran before: that hook may have opened this connection, or written to its stream.
   */
  enter(connection: Publisher): Publisher | undefined {
    const { publisher } = this.#topics;
    this.#topics.publisher = connection;
    return publisher;
  }

  leave(previous: Publisher | undefined): void {
    this.#topics.publisher = previous;
  }

  /** Whether the messages that are handed out next are those whose hooks are timed. */
  takesTime(): boolean {
    if (--this.#batchesUntilTimed > 0) return false;
    this.#batchesUntilTimed = BATCHES_PER_TIMED;
    return true;
  }

  /** Calls `open`. @param onOpened is called when the hook is over, also if it has failed */
  open(connection: HookedConnection, onOpened: () => void): void {
    const previous = this.enter(connection);
    try {
      const answer: unknown = this.handler.open?.(connection);
      if (!isPromise(answer)) {
        this.#judgeOpen(connection, answer);
        onOpened();
        return;
      }
      const opened: Promise<unknown> = Promise.resolve(answer);
      this.#reports.track(opened);
      opened.then(
        (later) => {
          this.#judgeOpen(connection, later);
          onOpened();
        },
        (error: unknown) => {
          this.fail(connection, 'open', error);
          onOpened();
        },
      );
    } catch (error) {
      this.fail(connection, 'open', error);
      onOpened();
    } finally {
      this.leave(previous);
    }
  }

  drain(connection: HookedConnection): void {
    const previous = this.enter(connection);
    try {
      this.watch(connection, 'drain', this.handler.drain?.(connection));
    } catch (error) {
      this.fail(connection, 'drain', error);
    } finally {
      this.leave(previous);
    }
  }

  /** Calls `close`, for a connection that is over. */
  close(connection: HookedConnection, code: number, reason: string): void {
    try {
      this.watch(connection, 'close', this.handler.close?.(connection, code, reason));
    } catch (error) {
      this.#reports.onHandlerError(connection, 'close', error);
    }
  }

  /** Calls `backplane`, which is about no connection. */
  backplane(state: BackplaneState): void {
    const failed = (error: unknown) => this.#reports.onHandlerError(undefined, 'backplane', error);
    try {
      const result: unknown = this.handler.backplane?.(state);
      if (!isPromise(result)) return;
      const settled = Promise.resolve(result);
      this.#reports.track(settled);
      settled.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }

  /** Waits for the result of a hook, if it is a promise. @throws whatever the getter of its `then` throws */
  watch(connection: HookedConnection, hook: string, result: unknown): void {
    if (!isPromise(result)) return;
    const settled = Promise.resolve(result); // the same, unless it only looks like a promise, and may settle more than once
    this.#reports.track(settled);
    settled.then(undefined, (error: unknown) => this.fail(connection, hook, error));
  }

  /** Fails the connection whose hook, or whose input, has failed. */
  fail(connection: HookedConnection, hook: string, error: unknown): void {
    this.#reports.onHandlerError(connection, hook, error);
    connection.fail(CloseCode.INTERNAL_ERROR, 'internal error');
  }

  /** A value that was meant to refuse must not let anybody in: see {@link problemOfOpen}. */
  #judgeOpen(connection: HookedConnection, answer: unknown): void {
    if (!connection.isOpen) return;
    try {
      const problem = problemOfOpen(answer);
      if (problem !== undefined) this.fail(connection, 'open', problem);
    } catch (error) {
      this.fail(connection, 'open', error); // by a Proxy or a getter of the application
    }
  }
}
