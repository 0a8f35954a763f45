import type { Connection } from './connection.js';
import type { Message } from './message.js';

/** What a hook may return: nothing, or whatever `send` and `publish` return, which means nothing here; or a promise of it. */
export type HookResult = void | boolean | Promise<void | boolean>;

/**
 * What an application does with its connections: the default export of a handler module, made with `defineHandler`.
 * Hooks run in the thread that hosts the connection, one at a time; each thread has its own copy of the module and of its
 * state. A hook that throws, or whose promise rejects, closes its connection with 1011 and is logged.
 */
export interface Handler<Data = unknown> {
  /**
   * A connection has been opened. If this returns a promise, nothing is read from the connection until it is settled. It refuses nobody
   * by what it returns: to do that, use `upgrade`, or call `connection.close(1008, reason)`. A connection whose `open` returns or
   * promises `false`, or an object with a status from 300 on, is closed with 1011 and logged: do not return what `send` has returned.
   */
  open?(connection: Connection<Data>): void | Promise<void>;

  /**
   * A message has arrived. Messages of a connection come in order; they do not wait for the promise of an earlier one.
   * The message is void when this returns or first awaits.
   */
  message?(connection: Connection<Data>, message: Message): HookResult;

  /** After `send` has returned false: half of what was buffered has been taken, it is time to send on. */
  drain?(connection: Connection<Data>): HookResult;

  /**
   * The connection is over; always the last call, and always called if `open` was.
   * @param code of the peer's Close frame (1005 if it had none), else the code with which we failed the connection, else
   * 1006: it was lost.
   */
  close?(connection: Connection<Data>, code: number, reason: string): HookResult;
}
