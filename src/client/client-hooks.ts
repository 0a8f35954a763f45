import type { ClientMessage } from './client-message.js';

/** The hooks that are called for a connection of the type `Connection`: see {@link ClientHooks}. */
export interface ConnectionHooks<Connection> {
  /** Called for each message. The message may be kept. */
  message?(connection: Connection, message: ClientMessage): void;
  /** Called for each pong, whether {@link ClientConnection.ping} has asked for it or not. */
  pong?(connection: Connection, payload: Buffer): void;
  /** Called when everything that was queued is with the operating system, after `send` has returned false. */
  drain?(connection: Connection): void;
}
