import type { Connection } from './connection.js';
import type { Message } from './message.js';

/**
 * What a hook may return: nothing, or a promise of nothing. A boolean is allowed so that a hook can be written as
 * `(connection, message) => connection.send(message)`; it means nothing here.
 */
export type HookResult = void | boolean | Promise<void | boolean>;

/**
 * What has become of the connection to the engine by which the servers of a fleet exchange publications (`backplane`). While it is `lost`,
 * publications reach the subscribers in their own process only.
 */
export type BackplaneState = 'lost' | 'back';

/**
 * What an application does with its connections: the default export of a handler module, made with `defineHandler`.
 *
 * Hooks run in the thread that hosts the connection, one at a time. Each thread loads a copy of the module, with a state of its own.
 * A hook that throws, or whose promise rejects, closes its connection with 1011 and is logged; other connections go on.
 */
export interface Handler<Data = unknown> {
  /**
   * Called when a connection has been opened. If this returns a promise, nothing is read from the connection until the promise is
   * settled.
   *
   * It cannot refuse a client by what it returns: use the hook `upgrade` for that, or call `connection.close(1008, reason)`. If it
   * returns or promises `false`, or an object with a status of 300 or more, the connection is closed with 1011 and logged: that looks
   * like a refusal. So do not return what `send` has returned.
   */
  open?(connection: Connection<Data>): void | Promise<void>;

  /**
   * Called for each message, in the order in which they arrive. The next message does not wait for the promise of an earlier one.
   * The message can be used until this returns or first awaits; copy what is needed later, with `message.bytes()` or `.text()`.
   */
  message?(connection: Connection<Data>, message: Message): HookResult;

  /** Called after `send` has returned false, when at most half of `highWaterMarkBytes` is left to be taken: the application can send on. */
  drain?(connection: Connection<Data>): HookResult;

  /**
   * Called when the connection is over. It is the last call for a connection, and always comes if `open` was called.
   *
   * @param code the code of the client's Close frame, 1005 if that frame had none; else the code with which the server has failed the
   * connection; else 1006, because it was lost.
   * @param reason the reason that belongs to the code; an empty string if there is none.
   */
  close?(connection: Connection<Data>, code: number, reason: string): HookResult;

  /**
   * Called in each thread that hosts connections when the connection to the engine of `backplane` is lost, and when it is back. What other
   * servers have published in between did not come, or only in part: with `back` it is time to bring clients up to date. A thread that
   * starts while the connection is lost is told so before its first client. With several engines, `lost` is the first that is lost, and
   * `back` is when all are there again. If it throws or rejects, that is logged and counted, and nothing else happens.
   */
  backplane?(state: BackplaneState): HookResult;
}
