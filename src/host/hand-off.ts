import type { Duplex } from 'node:stream';
import type { ConnectionInfo } from '../connection/connection-info.js';

/** A connection whose opening handshake is done, on its way to the host that is to have it. Its shape is the same in every thread. */
interface Opened {
  readonly info: ConnectionInfo;
  /** What was read of the connection behind its request, and is still to be handled. */
  readonly head: Uint8Array;
}

/** A connection on its way by its descriptor, which can cross threads. */
export interface HandOff extends Opened {
  readonly fd: number;
}

/** A connection on its way as a stream, within a thread. */
export interface StreamHandOff extends Opened {
  readonly stream: Duplex;
}
