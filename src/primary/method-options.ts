import { milliseconds, type OptionRows, OptionSet, other, type ValuesOf, WrongValue } from '../options/define.js';
import { ConfigError } from '../options/option-error.js';
import { shown } from '../options/shown.js';
import { MAX_DRAIN_MS } from './drain-time.js';
import { MAX_TIMEOUT_MS } from './machine-limits.js';
import { readTls } from './option-readers.js';

/** The options of `server.close` and `server.reload`. */
const DRAIN_ROWS = {
  drainMs: {
    ...milliseconds({
      least: 0,
      most: MAX_DRAIN_MS,
      byDefault: 5000,
      flag: '--drain',
      help: 'how long connections have to be closed at the end',
    }),
    read: timeUpTo(MAX_DRAIN_MS),
  },
  drainSpreadMs: {
    ...milliseconds({
      least: 0,
      most: MAX_DRAIN_MS,
      byDefault: 0,
      zero: 'at once',
      flag: '--drain-spread',
      help: 'over which connections are closed evenly, before --drain',
    }),
    read: timeUpTo(MAX_DRAIN_MS),
  },
} as const;

/** The options of `server.close`. */
export const CLOSE_ROWS = {
  shutdownDelayMs: {
    ...milliseconds({
      least: 0,
      most: MAX_TIMEOUT_MS,
      byDefault: 0,
      zero: 'none',
      flag: '--shutdown-delay',
      help: 'goes on serving at the end while /readyz is 503, so that load balancers notice',
    }),
    read: timeUpTo(MAX_TIMEOUT_MS),
  },
  ...DRAIN_ROWS,
} as const;

/** The options of `server.reload`. */
export const RELOAD_ROWS = {
  ...DRAIN_ROWS,
  only: other({ help: 'what is loaded again', defaultText: 'certificates and the handler', read: readOnly }),
  tls: other({ help: 'the option tls from now on', defaultText: 'that of before', read: readTls }),
} as const;

/** The options of `server.close`, checked and complete. */
export type CloseTimes = ValuesOf<typeof CLOSE_ROWS>;

const CLOSE_OPTIONS = new OptionSet(CLOSE_ROWS, { error: ConfigError });
const RELOAD_OPTIONS = new OptionSet(RELOAD_ROWS, { error: ConfigError });

/** @throws ConfigError */
export function resolveClose(options: unknown): CloseTimes {
  return drainable(resolveMethod(CLOSE_OPTIONS, options, 'close'));
}

/** @throws ConfigError */
export function resolveReload(options: unknown): ValuesOf<typeof RELOAD_ROWS> {
  return drainable(resolveMethod(RELOAD_OPTIONS, options, 'reload'));
}

/** Checks that one timer can hold the times to drain. @throws ConfigError */
function drainable<Times extends ValuesOf<typeof DRAIN_ROWS>>(times: Times): Times {
  const { drainMs, drainSpreadMs } = times;
  if (drainMs + drainSpreadMs <= MAX_DRAIN_MS) return times;
  const found = `got ${drainSpreadMs} and ${drainMs}`;
  throw new ConfigError(
    'drainSpreadMs',
    `drainSpreadMs and drainMs (--drain) together must be at most ${MAX_DRAIN_MS} ms, ${found}`,
  );
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

/** Makes a reader for a time in ms. It may have a fraction, as a measured time has. */
function timeUpTo(most: number): (ms: unknown) => number {
  return (ms) => {
    if (typeof ms === 'number' && ms >= 0 && ms <= most) return ms;
    throw new WrongValue(`must be a number of ms from 0 to ${most}, got ${shown(ms)}`, {
      outOfRange: typeof ms === 'number' ? { got: ms, least: 0, greatest: most } : undefined,
    });
  };
}
