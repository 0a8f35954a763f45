import { milliseconds, type OptionRows, OptionSet, type ValuesOf, WrongValue } from '../options/define.js';
import { ConfigError } from '../options/option-error.js';
import { shown } from '../options/shown.js';
import { MAX_DRAIN_MS } from './drain-time.js';

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

const CLOSE_OPTIONS = new OptionSet(CLOSE_ROWS, { error: ConfigError });

/** @throws ConfigError */
export function resolveClose(options: unknown, method: 'close' | 'reload'): ValuesOf<typeof CLOSE_ROWS> {
  return resolveMethod(CLOSE_OPTIONS, options, method);
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

/** Reads a time in ms. It may have a fraction, as a measured time has. */
function readDrain(drainMs: unknown): number {
  if (typeof drainMs === 'number' && drainMs >= 0 && drainMs <= MAX_DRAIN_MS) return drainMs;
  throw new WrongValue(`must be a number of ms from 0 to ${MAX_DRAIN_MS}, got ${shown(drainMs)}`);
}
