import { CloseCode } from '../protocol/close.js';
import type { Publisher } from '../pubsub/subscriber.js';
import type { Connection } from './connection.js';
import type { Handler } from './handler.js';
import { isPromise } from './is-promise.js';
import { problemOfOpen } from './open-answer.js';

/** A connection whose hooks are called. */
export interface HookedConnection extends Connection, Publisher {
  /** Fails the connection, unless it is over. */
  fail(code: number, reason: string): void;
}

/** Who publishes from within a hook: the topics of the thread. */
export interface PublisherSlot {
  publisher: Publisher | undefined;
}

/** Who is told what becomes of hooks: the host. */
export interface HookReports {
  /** A hook has thrown or rejected. */
  onHandlerError(connection: Connection, hook: string, error: unknown): void;
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

  constructor(handler: Handler, topics: PublisherSlot, reports: HookReports) {
    this.handler = handler;
    this.#topics = topics;
    this.#reports = reports;
  }

  /**
   * From now on the connection publishes, until {@link leave}.
   * @returns who did so before: the hook of another connection may have opened this one, or written to its stream.
   */
  enter(connection: Publisher): Publisher | undefined {
    const { publisher } = this.#topics;
    this.#topics.publisher = connection;
    return publisher;
  }

  leave(previous: Publisher | undefined): void {
    this.#topics.publisher = previous;
  }

  /** @param onOpened is called when the hook has come to its end, also if it has failed. */
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

  /** For a connection that is over. */
  close(connection: HookedConnection, code: number, reason: string): void {
    try {
      this.watch(connection, 'close', this.handler.close?.(connection, code, reason));
    } catch (error) {
      this.#reports.onHandlerError(connection, 'close', error);
    }
  }

  /** Waits for what a hook has returned, if it is a promise. @throws whatever looking at it throws */
  watch(connection: HookedConnection, hook: string, result: unknown): void {
    if (!isPromise(result)) return;
    const settled = Promise.resolve(result); // the same, unless it only looks like a promise, and may settle more than once
    this.#reports.track(settled);
    settled.then(undefined, (error: unknown) => this.fail(connection, hook, error));
  }

  /** A hook, or what it was called for, has failed. */
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
