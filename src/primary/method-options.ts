import {
  count,
  milliseconds,
  type OptionRows,
  OptionSet,
  other,
  type ValuesOf,
  WrongValue,
} from '../options/define.js';
import { ConfigError } from '../options/option-error.js';
import { shown } from '../options/shown.js';
import { MAX_DRAIN_MS } from './drain-time.js';

/** The options of `server.listen`. */
export const LISTEN_ROWS = {
  port: count({
    least: 0,
    most: 65535,
    byDefault: 8080,
    flag: '--port',
    help: 'port to listen on; 0 for any',
  }),
  host: other({
    kind: 'text',
    flag: '--host',
    placeholder: 'address',
    help: 'address to listen on; 0.0.0.0 for all',
    defaultText: '127.0.0.1',
    read: readHost,
  }),
} as const;

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

const LISTEN_OPTIONS = new OptionSet(LISTEN_ROWS, { error: ConfigError });
const CLOSE_OPTIONS = new OptionSet(CLOSE_ROWS, { error: ConfigError });

/** @throws ConfigError */
export function resolveListen(options: unknown): ValuesOf<typeof LISTEN_ROWS> {
  return resolveMethod(LISTEN_OPTIONS, options, 'listen');
}

/** @throws ConfigError */
export function resolveClose(options: unknown, method: 'close' | 'reload'): ValuesOf<typeof CLOSE_ROWS> {
  return resolveMethod(CLOSE_OPTIONS, options, method);
}

/** @param options the argument of the method; undefined stands for an empty object. */
function resolveMethod<Rows extends OptionRows>(
  set: OptionSet<Rows>,
  options: unknown,
  method: string,
): ValuesOf<Rows> {
  const given = options === undefined ? {} : options;
  if (typeof given !== 'object' || given === null) {
    const names = Object.keys(set.rows).join(' and ');
    throw new ConfigError('options', `${method}() takes an object with ${names}, got ${shown(given)}`);
  }
  set.checkNames(given, `${method}(): `);
  return set.resolve(given);
}

/** Reads `host`. An empty string is refused, because Node would listen on every interface. */
function readHost(host: unknown): string {
  if (host === undefined) return '127.0.0.1';
  if (typeof host === 'string' && host !== '') return host;
  throw new WrongValue(`must be an address or a name, got ${shown(host)}`);
}

/** Reads a time in ms. It may have a fraction, as a measured time has. */
function readDrain(drainMs: unknown): number {
  if (typeof drainMs === 'number' && drainMs >= 0 && drainMs <= MAX_DRAIN_MS) return drainMs;
  throw new WrongValue(`must be a number of ms from 0 to ${MAX_DRAIN_MS}, got ${shown(drainMs)}`, {
    outOfRange: typeof drainMs === 'number' ? { got: drainMs, least: 0, greatest: MAX_DRAIN_MS } : undefined,
  });
}
