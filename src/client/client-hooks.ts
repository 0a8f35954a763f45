import type { ClientMessage } from './client-message.js';

/** The hooks that are told of a connection. They name its type as they are given it: see {@link ClientHooks}. */
export interface ConnectionHooks<Connection> {
  /** A message has come. */
  message?(connection: Connection, message: ClientMessage): void;
  /** A pong has come, asked for by {@link ClientConnection.ping} or not. */
  pong?(connection: Connection, payload: Buffer): void;
  /** After `send` has returned false: everything that was queued is with the system. */
  drain?(connection: Connection): void;
}
