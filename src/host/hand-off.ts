import type { Duplex } from 'node:stream';
import type { ConnectionInfo } from '../connection/connection-info.js';

/** A connection whose opening handshake is done, on its way to its host. All threads use the same shape. */
interface Opened {
  readonly info: ConnectionInfo;
  /** The bytes that were read behind the request, and that the host has to handle. */
  readonly head: Uint8Array;
}

/** An opened connection that is handed off by its descriptor, which can cross threads. */
export interface OpenedHandOff extends Opened {
  readonly fd: number;
}

/** An opened connection that is handed off as a stream, within its thread. */
export interface StreamHandOff extends Opened {
  readonly stream: Duplex;
}

/** What is known of a connection when it is accepted. */
export type AcceptedInfo = Pick<ConnectionInfo, 'id' | 'remoteAddress'>;

/** An accepted connection of which nothing was read. The thread that takes it does the opening handshake. */
export interface UntouchedHandOff {
  readonly fd: number;
  readonly info: AcceptedInfo;
  readonly head?: undefined;
}

/** A connection that is handed off by its descriptor. */
export type HandOff = OpenedHandOff | UntouchedHandOff;

/** Whether the opening handshake is still to be done. */
export function isUntouched(handOff: HandOff): handOff is UntouchedHandOff {
  return handOff.head === undefined;
}
