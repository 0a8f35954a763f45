import type { Duplex } from 'node:stream';
import type { ConnectionInfo } from '../connection/connection-info.js';

/** A connection whose opening handshake is done, on its way to its host. All threads use the same shape. */
interface Opened {
  readonly info: ConnectionInfo;
  /** The bytes that were read behind the request, and that the host has to handle. */
  readonly head: Uint8Array;
}

/** A connection that is handed off by its descriptor, which can cross threads. */
export interface HandOff extends Opened {
  readonly fd: number;
}

/** A connection that is handed off as a stream, within its thread. */
export interface StreamHandOff extends Opened {
  readonly stream: Duplex;
}
