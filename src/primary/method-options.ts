import { milliseconds, type OptionRows, OptionSet, other, type ValuesOf, WrongValue } from '../options/define.js';
import { ConfigError } from '../options/option-error.js';
import { shown } from '../options/shown.js';
import { MAX_DRAIN_MS } from './drain-time.js';
import { readTls } from './option-readers.js';

/** The options of `server.close` and `server.reload`. */
export const CLOSE_ROWS = {
  drainMs: {
    ...milliseconds({
      least: 0,
      most: MAX_DRAIN_MS,
      byDefault: 5000,
      flag: '--drain',
      help: 'how long connections have to be closed at the end',
    }),
    read: readDrain,
  },
} as const;

/** The options of `server.reload`. */
export const RELOAD_ROWS = {
  ...CLOSE_ROWS,
  only: other({ help: 'what is loaded again', defaultText: 'certificates and the handler', read: readOnly }),
  tls: other({ help: 'the option tls from now on', defaultText: 'that of before', read: readTls }),
} as const;

const CLOSE_OPTIONS = new OptionSet(CLOSE_ROWS, { error: ConfigError });
const RELOAD_OPTIONS = new OptionSet(RELOAD_ROWS, { error: ConfigError });

/** @throws ConfigError */
export function resolveClose(options: unknown): ValuesOf<typeof CLOSE_ROWS> {
  return resolveMethod(CLOSE_OPTIONS, options, 'close');
}

/** @throws ConfigError */
export function resolveReload(options: unknown): ValuesOf<typeof RELOAD_ROWS> {
  return resolveMethod(RELOAD_OPTIONS, options, 'reload');
}

/**
 * Reads the argument of a method of the server.
 * @param options undefined stands for an empty object.
 * @throws ConfigError
 */
export function resolveMethod<Rows extends OptionRows>(
  set: OptionSet<Rows>,
  options: unknown,
  method: string,
): ValuesOf<Rows> {
  const given = options === undefined ? {} : options;
  if (typeof given !== 'object' || given === null) {
    const names = Object.keys(set.rows).join(', ');
    throw new ConfigError('options', `${method}() takes an object with ${names}, got ${shown(given)}`);
  }
  set.checkNames(given, `${method}(): `);
  return set.resolve(given);
}

function readOnly(only: unknown): 'tls' | 'handler' | undefined {
  if (only === undefined || only === 'tls' || only === 'handler') return only;
  throw new WrongValue(`must be 'tls', 'handler' or undefined, got ${shown(only)}`);
}

/** Reads a time in ms. It may have a fraction, as a measured time has. */
function readDrain(drainMs: unknown): number {
  if (typeof drainMs === 'number' && drainMs >= 0 && drainMs <= MAX_DRAIN_MS) return drainMs;
  throw new WrongValue(`must be a number of ms from 0 to ${MAX_DRAIN_MS}, got ${shown(drainMs)}`, {
    outOfRange: typeof drainMs === 'number' ? { got: drainMs, least: 0, greatest: MAX_DRAIN_MS } : undefined,
  });
}
