import type { DeflateKernelChoice } from '../kernels/create-deflater.js';
import type { DeflateLevel } from '../kernels/deflater.js';

/** How a thread compresses messages. The object can be sent to other threads. */
export interface CompressionOptions {
  readonly kernel: DeflateKernelChoice;
  readonly level: DeflateLevel;
  /** Shorter messages are sent as they are, in bytes. */
  readonly thresholdBytes: number;
}
