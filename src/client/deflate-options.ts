import { DEFLATE_LEVELS, type DeflateLevel } from '../kernels/deflater.js';
import { choice, count, type Option, OptionSet, size, toggle, WrongValue } from '../options/define.js';
import { OptionError } from '../options/option-error.js';
import { shown } from '../options/shown.js';
import { type DeflateSettings, MIN_PEER_WINDOW_BITS } from '../protocol/deflate/agreement.js';
import { MAX_WINDOW_BITS } from '../protocol/deflate/parameters.js';

/** How a client compresses messages: parts of the option `deflate` of {@link connect}. All of them may be left out. */
export interface ClientDeflateOptions {
  /**
   * How messages are compressed. 'fast' takes the first good match; 'small' looks for a better one: messages get up to a
   * quarter smaller, and take two to ten times as long, the longer the more.
   *
   * @default 'fast'
   */
  readonly level?: DeflateLevel | undefined;
  /**
   * Shorter messages are sent as they are, in bytes before they are compressed, of text in UTF-8. From 0 bytes to 4 GiB less 1 byte.
   *
   * @default 256 bytes
   */
  readonly thresholdBytes?: number | undefined;
  /**
   * Whether a message may refer to earlier messages, in both directions (RFC 7692 section 7.1.1). That makes similar small messages much
   * smaller, and costs a window each way for each connection. Do not use it where messages hold both a secret and what somebody else
   * chooses: the length of later messages then tells about the secret.
   *
   * @default false
   */
  readonly contextTakeover?: boolean | undefined;
  /**
   * With `contextTakeover`: the largest window of each direction, as a power of two in bytes: 12 is 4 KiB. From 9 to 15.
   *
   * @default 12
   */
  readonly windowBits?: number | undefined;
  /**
   * With `contextTakeover`: whether a window of 32 KiB is kept for a server that cannot be told to use a smaller one. If not, such a server
   * does not refer to earlier messages.
   *
   * @default false
   */
  readonly fullWindows?: boolean | undefined;
}

/** What a client does about messages that it sends. */
export interface DeflateChoice {
  readonly level: DeflateLevel;
  readonly thresholdBytes: number;
}

/** {@link ClientDeflateOptions}, checked and complete. */
export interface ResolvedDeflateOptions extends DeflateChoice {
  /** What the opening handshake offers. */
  readonly settings: DeflateSettings;
}

/** Every part of the option. */
export const CLIENT_DEFLATE_ROWS = {
  level: choice({ choices: DEFLATE_LEVELS, byDefault: 'fast', help: 'how messages are compressed' }),
  thresholdBytes: size({
    least: 0,
    most: 2 ** 32 - 1,
    byDefault: 256,
    help: 'shorter messages are sent as they are: their length before they are compressed',
  }),
  contextTakeover: toggle({ help: 'whether messages may refer to earlier ones' }),
  windowBits: count({
    least: MIN_PEER_WINDOW_BITS,
    most: MAX_WINDOW_BITS,
    byDefault: 12,
    help: 'largest window of a direction, as a power of two in bytes',
  }),
  fullWindows: toggle({ help: 'whether windows of 32 KiB are kept for servers that know no smaller ones' }),
} as const satisfies Record<keyof ClientDeflateOptions, Option<unknown>>;

const PARTS = new OptionSet(CLIENT_DEFLATE_ROWS, { error: OptionError, isNullMissing: true, partsOf: 'deflate' });

/**
 * Reads the option `deflate`: true, false, or an object. As in the options of a server, null stands for the default.
 * @returns undefined if nothing is to be compressed.
 * @throws WrongValue, or an OptionError that names the part.
 */
export function readDeflateOption(given: unknown): ResolvedDeflateOptions | undefined {
  if (given === undefined || given === null || given === false) return undefined;
  if (given !== true && (typeof given !== 'object' || Array.isArray(given))) {
    throw new WrongValue(`must be true, false or an object of options, got ${shown(given)}`);
  }
  const options = given === true ? {} : given;
  PARTS.checkNames(options);
  const { level, thresholdBytes, contextTakeover, windowBits, fullWindows } = PARTS.resolve(options);
  return {
    level,
    thresholdBytes,
    settings: { contextTakeover, windowBits, allowsFullWindows: fullWindows },
  };
}
