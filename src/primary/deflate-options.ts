import type { CompressionOptions } from '../compression/compression-options.js';
import type { DeflateOptions } from '../compression/deflate-options.js';
import { DEFLATE_ROWS } from '../compression/deflate-rows.js';
import { type Option, OptionSet, size, WrongValue } from '../options/define.js';
import { ConfigError } from '../options/option-error.js';
import { shown } from '../options/shown.js';
import type { DeflateSettings } from '../protocol/deflate/agreement.js';
import { defaultWindowMemoryBytes, MAX_WINDOW_MEMORY_BYTES, MIN_WINDOW_MEMORY_BYTES } from './machine-limits.js';
import { Group } from './option-groups.js';

/** The parts of the option `deflate` of a server. */
export interface ServerDeflateOptions extends DeflateOptions {
  /**
   * The memory for the windows of all connections together, in bytes. What a connection with `contextTakeover` may need, 8 KiB by default,
   * is reserved when it is accepted. Beyond it new connections keep no windows: they are compressed without context takeover. Raising it
   * risks that the process runs out of memory and ends, and with it all connections. From 1 MiB to 1 TiB.
   *
   * @default an eighth of memory
   */
  readonly maxMemoryBytes?: number;
}

/** Every option of {@link ServerDeflateOptions}. */
export const SERVER_DEFLATE_ROWS = {
  ...DEFLATE_ROWS,
  maxMemoryBytes: size({
    least: MIN_WINDOW_MEMORY_BYTES,
    most: MAX_WINDOW_MEMORY_BYTES,
    byDefault: defaultWindowMemoryBytes,
    defaultText: 'an eighth of memory',
    flag: '--max-deflate-memory',
    help: 'for what is kept of earlier messages, of all; beyond: nothing is kept for new connections',
    beyond: 'a new connection keeps no windows: each of its messages is compressed without the earlier ones',
  }),
} as const;

/** The same rows by the full names of the options: `deflate.level`. */
export const FULL_DEFLATE_ROWS: Readonly<Record<string, Option<unknown>>> = Object.fromEntries(
  Object.entries<Option<unknown>>(SERVER_DEFLATE_ROWS).map(([name, row]) => [
    `deflate.${name}`,
    { ...row, group: Group.COMPRESSION },
  ]),
);

const OPTIONS = new OptionSet(SERVER_DEFLATE_ROWS, { error: ConfigError, isNullMissing: true, partsOf: 'deflate' });

/** The option `deflate`, checked and complete. */
export interface ResolvedDeflate {
  /** How the threads compress. */
  readonly compression: CompressionOptions;
  /** What is agreed on with clients. */
  readonly settings: DeflateSettings;
  readonly maxMemoryBytes: number;
}

/** @returns undefined if nothing is compressed. @throws WrongValue, or ConfigError that names the part of the option */
export function readDeflate(deflate: unknown): ResolvedDeflate | undefined {
  if (deflate === undefined || deflate === null || deflate === false) return undefined;
  const given = deflate === true ? {} : deflate;
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw new WrongValue(`must be true, false or an object of options, got ${shown(deflate)}`);
  }
  OPTIONS.checkNames(given);
  const { kernel, level, thresholdBytes, ...others } = OPTIONS.resolve(given);
  const { contextTakeover, windowBits, fullWindows, maxMemoryBytes } = others;
  return {
    compression: { kernel, level, thresholdBytes },
    settings: { contextTakeover, windowBits, allowsFullWindows: fullWindows },
    maxMemoryBytes,
  };
}
