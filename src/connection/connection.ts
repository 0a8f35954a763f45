import type { Message } from './message.js';

/** What can be sent: a string goes as a text message, bytes as a binary one, a {@link Message} as what it was. */
export type SendData = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView | Message;

/**
 * One WebSocket connection, in the thread that hosts it. `Data` is the type of what `upgrade` attached to it.
 */
export interface Connection<Data = unknown> {
  /** Unique within the server, in all its threads. */
  readonly id: number;
  /** Of the peer, as Node prints it; undefined if it had reset the connection before it could be asked. */
  readonly remoteAddress: string | undefined;
  /** Of the request, without its query: `/room`. */
  readonly path: string;
  /** Of the request, without the question mark, or ''. */
  readonly query: string;
  /** That was agreed on, or ''. */
  readonly subprotocol: string;
  /** What `upgrade` attached; yours to change and replace. */
  data: Data;
  /** Sent and not yet taken by the kernel, in bytes. */
  readonly bufferedAmount: number;
  /** Whether `send` still sends: false once a Close was sent or received, or the connection was lost. */
  readonly isOpen: boolean;

  /**
   * Sends a message. You may reuse `data` as soon as `send` returns: it is copied, or has been written. Small messages go out
   * together: when the event loop has handled all that it has found to be read, at the latest 0.2 ms after the first and a hook that
   * takes longer; those that are sent outside of a hook, or after an `await`, in the next microtask.
   *
   * @returns false if `bufferedAmount` is then above `highWaterMarkBytes`: the message is sent all the same, but it would be
   * better to wait for `drain` with the next; also false if the connection is not open and nothing was sent.
   * @throws TypeError for data of another type. @throws MessageVoidError for a message outside its callback.
   */
  send(data: SendData): boolean;

  /**
   * Starts the closing handshake (RFC 6455 section 7.1.2): what was sent before goes first, then the Close frame. No more
   * messages are delivered. Does nothing if it has begun already. The connection is destroyed if the peer does not answer
   * within `closeTimeoutMs`.
   *
   * @param code 1000 to 1003, 1007 to 1014, or 3000 to 4999; default 1000.
   * @param reason at most 123 bytes of UTF-8; default ''.
   * @throws CloseArgumentError if they cannot be sent.
   */
  close(code?: number, reason?: string): void;

  /**
   * Sends a ping (section 5.5.2).
   * @param payload at most 125 bytes (a string as UTF-8). @returns as `send`. @throws RangeError if it is longer.
   */
  ping(payload?: string | Uint8Array): boolean;

  /** Drops the connection at once, without a Close frame, and what was sent that the kernel does not take now. `close` follows, with 1006. */
  terminate(): void;

  /** From now on publications to this topic are sent to this connection. Nothing happens if they are already. */
  subscribe(topic: string): void;

  /** Ends {@link subscribe}. Also done when the connection closes. */
  unsubscribe(topic: string): void;

  /**
   * Sends a message to all subscribers of a topic, in all threads of the server, but not to this connection itself.
   *
   * @returns false if a thread with subscribers of the topic is owed more than a quarter of `maxOwedBytes`. If a hook of this connection
   * has published, the connection is not read until there is room, and the message is dropped only for a thread that is owed more
   * than twice `maxOwedBytes`. Other code (timers, what comes after an `await`) should await `roomToPublish()` before the next: beyond
   * `maxOwedBytes` what it publishes is dropped for that thread, and so is what a `close` hook publishes: there is no connection left that
   * could be held back. What is published for a thread that is waited for no more (`slowThreadTimeoutMs`) is dropped, too, and then
   * this returns true. What is dropped is counted.
   * @throws TypeError for data of another type. @throws MessageVoidError for a message outside its callback.
   */
  publish(topic: string, data: SendData): boolean;
}
