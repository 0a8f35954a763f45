import type { ClientTls } from './client-tls.js';
import type { Message } from './message.js';

/**
 * What a connection can send: a string becomes a text message, bytes become a binary message, and a {@link Message} is forwarded
 * as the kind that it is.
 */
export type SendData = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView | Message;

/** How one message is sent: see {@link Connection.send}. */
export interface SendOptions {
  /**
   * Whether the message may be compressed, if that was agreed on with the client. With `false` it is sent as it is, and no other message
   * is compressed by its contents. Do so with a secret, if the same messages or the ones before and after it hold what somebody else has
   * chosen: how long a compressed message is tells how much of it is repeated.
   *
   * @default true
   */
  readonly compress?: boolean;
}

/**
 * One WebSocket connection, in the thread that hosts it. Its methods may be called in hooks, in timers and after an `await`, in
 * that thread only. `Data` is the type of what the hook `upgrade` has attached to it.
 *
 * @example
 * ```ts
 * import { defineHandler } from 'wsloom';
 *
 * export default defineHandler({
 *   message: (connection, message) => connection.send(message),
 * });
 * ```
 */
export interface Connection<Data = unknown> {
  /** The number of the connection, unique within the server in all of its threads. It is not used again. */
  readonly id: number;
  /**
   * The IP address of the client as Node prints it; behind a trusted proxy, what the proxy tells. Undefined if the client had reset
   * the connection before it could be asked, and for a unix socket whose client is not told.
   */
  readonly remoteAddress: string | undefined;
  /** The TLS of the connection, with the certificate of its client; undefined if the server does not speak TLS itself. */
  readonly tls: ClientTls | undefined;
  /** The path of the request, without its query: `/room`. It is not decoded. */
  readonly path: string;
  /** The query of the request, without its question mark; an empty string if there is none. It is not decoded. */
  readonly query: string;
  /** The subprotocol that the hook `upgrade` has chosen; an empty string if it has chosen none. */
  readonly subprotocol: string;
  /** The value that the hook `upgrade` has attached. The application may change and replace it; the server does not read it. */
  data: Data;
  /**
   * How many bytes were sent that the operating system has not taken yet. Of messages that wait to be compressed, all of their bytes
   * count; of compressed ones, those that are left of them.
   */
  readonly bufferedAmount: number;
  /** Whether messages can be sent: false once a Close frame was sent or received, or the connection was lost. */
  readonly isOpen: boolean;

  /**
   * Sends a message. `data` may be changed as soon as this returns.
   *
   * Messages of 8 KiB and more leave at once. Small messages of a hook leave together with those of other connections: when the event
   * loop has handled everything that it found to be read, or 0.2 ms after the first of them at the end of a hook. What is sent outside of
   * a hook, or after an `await`, leaves in the next microtask.
   *
   * If compression was agreed on with the client (permessage-deflate, RFC 7692), the message is compressed, unless it is short, does not
   * get smaller, or `options.compress` is false. What takes long to compress (a message of more than 32 KiB, or many messages at once) is
   * copied, and compressed in the next iterations of the event loop, for at most 2 ms at a stretch. Everything that is sent to the
   * connection meanwhile leaves behind it, also a Close and what is published.
   *
   * @returns false if more than `highWaterMarkBytes` are buffered after it: the message is sent, and the application should wait for the
   * hook `drain` before it sends the next. Also false if nothing was sent, because the connection is not open, or because
   * `maxBackpressureBytes` or `maxBufferedBytes` are exceeded.
   * @throws ArgumentTypeError if `data` is something else, or memory that was transferred to another thread; or if `options` has
   * other members, or a `compress` that is neither true nor false.
   * @throws MessageVoidError if `data` is a message whose callback is over.
   */
  send(data: SendData, options?: SendOptions): boolean;

  /**
   * Starts the closing handshake (RFC 6455 section 7.1.2). What was sent before leaves first, then the Close frame. The hook `message`
   * is not called any more; the hook `close` is called when the connection is over. A second call does nothing. A client that does not
   * answer within `closeTimeoutMs` is disconnected.
   *
   * @param code 1000 to 1003, 1007 to 1014, or 3000 to 4999. @default 1000
   * @param reason at most 123 bytes of UTF-8. @default ''
   * @throws CloseArgumentError if the code or the reason cannot be sent.
   */
  close(code?: number, reason?: string): void;

  /**
   * Sends a ping (RFC 6455 section 5.5.2). The server pings silent clients by itself: see `heartbeatIntervalMs`.
   *
   * @param payload at most 125 bytes, of a string as UTF-8. @default ''
   * @returns false as {@link send} does.
   * @throws ArgumentRangeError if the payload is longer.
   * @throws ArgumentTypeError if it is neither a string nor bytes, or memory that was transferred to another thread.
   */
  ping(payload?: string | Uint8Array): boolean;

  /**
   * Disconnects the client at once, without a Close frame. Bytes that were sent and that the operating system does not take now are
   * lost. The hook `close` follows, with 1006.
   */
  terminate(): void;

  /**
   * Subscribes this connection to a topic: it is sent all messages that are published to the topic from now on, in any thread. A second
   * call for the same topic does nothing.
   *
   * @throws ArgumentTypeError if the topic is no string.
   */
  subscribe(topic: string): void;

  /**
   * Ends the subscription to a topic. It also ends when the connection is closed.
   *
   * @throws ArgumentTypeError if the topic is no string.
   */
  unsubscribe(topic: string): void;

  /**
   * Publishes a message to all subscribers of a topic, in all threads of the server and in other servers by its `backplane`, except to this
   * connection itself. It leaves at the end of the hook, or in the next microtask outside of one. It is compressed at most once for all subscribers that have agreed on
   * compression with the same window.
   *
   * @param options `{ compress: false }` sends it uncompressed to all.
   * @returns false if a thread with subscribers of the topic has more than a quarter of `maxOwedBytes` to take. A connection whose hook has
   * published is then not read until there is room: nothing is lost, unless that thread has more than twice `maxOwedBytes` to take. Code
   * outside of hooks should await `roomToPublish()` before it publishes more: what it publishes above `maxOwedBytes`, and what a
   * hook `close` publishes, is dropped for that thread. What is published for a thread that takes nothing for
   * `slowThreadTimeoutMs` is dropped for it too, and then this returns true. `stats().limits.droppedPublications` counts all of these. It
   * also returns false, and such a connection is not read for at most `backplaneStallMs`, while the engine of `backplane` takes too little.
   * @throws ArgumentTypeError if `data` cannot be sent, the topic is no string, or the options cannot be used.
   * @throws MessageVoidError if `data` is a message whose callback is over.
   */
  publish(topic: string, data: SendData, options?: SendOptions): boolean;
}
