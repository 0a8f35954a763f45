import type { DeflateKernelChoice } from '../kernels/create-deflater.js';
import type { DeflateLevel } from '../kernels/deflater.js';

/** How one side compresses messages with permessage-deflate (RFC 7692), and what it agrees on with the other. */
export interface DeflateOptions {
  /**
   * How hard the thread tries to make a message smaller. With 'fast' it takes the first good match. With 'small' it looks for a better one:
   * messages get up to a quarter smaller, and take two to ten times as long, the longer the more.
   *
   * @default 'fast'
   */
  readonly level?: DeflateLevel;
  /**
   * The length of the shortest message that is compressed, in bytes before that, of text in UTF-8. Shorter ones are sent as they are, and so is every message that does
   * not get smaller. From 0 bytes to 4 GiB less 1 byte.
   *
   * @default 256 bytes
   */
  readonly thresholdBytes?: number;
  /**
   * How much of the earlier messages is kept for each direction of a connection with `contextTakeover`, as a power of two in bytes: 12 is
   * 4 KiB. A larger window makes messages somewhat smaller, and costs its size twice for each connection. With less than 12, long
   * publications get larger for clients that ask for a window, as browsers do not. Without `contextTakeover` nothing is kept, and it limits nothing. From 9 to 15.
   *
   * @default 12
   */
  readonly windowBits?: number;
  /**
   * Whether a message may refer to earlier messages of its connection and direction, so that messages that are alike get much smaller.
   * Each connection then holds two windows. It gives away more about secrets by the length of messages: docs/security.md says when not to
   * turn it on.
   *
   * @default false
   */
  readonly contextTakeover?: boolean;
  /**
   * Whether a window of 32 KiB is kept for a client that cannot be told to use a smaller one, as Firefox and Safari cannot. If not, such
   * a client is told to begin each of its messages without the earlier ones. It matters with `contextTakeover` only.
   *
   * @default false
   */
  readonly fullWindows?: boolean;
  /**
   * The code that compresses and decompresses: 'wasm', 'native', which is zlib, or 'auto', which chooses what was measured to be faster.
   *
   * @default 'auto'
   */
  readonly kernel?: DeflateKernelChoice;
}
