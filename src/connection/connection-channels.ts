import { channel } from 'node:diagnostics_channel';
import type { Connection } from './connection.js';

/** What is published on `wsloom:open`: a connection is open, and its hook `open` is called next. */
export interface ConnectionOpened {
  /** The connection: the same object as in the hooks, and in all later events of it. */
  readonly connection: Connection;
}

/** What is published on `wsloom:close`: a connection is over, and its hook `close` is called next. */
export interface ConnectionClosed {
  /** The connection, of which `wsloom:open` has told. */
  readonly connection: Connection;
  /** The code that the hook `close` gets: 1005 if the client's Close frame had none, 1006 if the connection was lost. */
  readonly code: number;
  /** The reason beside the code; an empty string if there is none. */
  readonly reason: string;
}

/** What is published on `wsloom:messages`: messages of one connection have been handled. */
export interface MessagesReceived {
  /** The connection that has sent the messages. */
  readonly connection: Connection;
  /** How many messages have been handled since the last event: at least 1. */
  readonly messages: number;
  /**
   * How many bytes were read of the connection since messages of it were handled last, with the headers of frames, as they came: before
   * they are inflated, and after they are decrypted.
   */
  readonly bytes: number;
}

const openChannel = channel('wsloom:open');
const closeChannel = channel('wsloom:close');
const messagesChannel = channel('wsloom:messages');

// An event is made only for subscribers. What one of them throws, Node throws again when the turn is over: nothing here is cut short.

/** Tells subscribers that a connection is open. */
export function tellOpened(connection: Connection): void {
  if (openChannel.hasSubscribers) openChannel.publish({ connection } satisfies ConnectionOpened);
}

/** Tells subscribers that a connection is over. */
export function tellClosed(connection: Connection, code: number, reason: string): void {
  if (closeChannel.hasSubscribers) closeChannel.publish({ connection, code, reason } satisfies ConnectionClosed);
}

/** Whether somebody has subscribed to messages. Asked in each read. */
export function areMessagesTold(): boolean {
  return messagesChannel.hasSubscribers;
}

/** Tells subscribers of messages. Call it only if {@link areMessagesTold}. */
export function tellMessages(connection: Connection, messages: number, bytes: number): void {
  messagesChannel.publish({ connection, messages, bytes } satisfies MessagesReceived);
}
