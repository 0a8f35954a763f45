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

/** What is known of a connection of which nothing but a header of the PROXY protocol was read. */
export interface AcceptedInfo extends Pick<ConnectionInfo, 'id' | 'remoteAddress'> {
  /** Undefined if no such header is expected. */
  readonly proxied?: Proxied;
}

/** A connection that has begun with a header of the PROXY protocol. */
export interface Proxied {
  /** Whether the header has told the address. If not, `remoteAddress` is that of the proxy, or undefined on a unix socket. */
  readonly isTold: boolean;
  /** How long the connection has waited for the header, in ms. */
  readonly waitedMs: number;
}

/** An accepted connection whose request is still to be read, and over TLS all of TLS. The thread that takes it does the opening handshake. */
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
