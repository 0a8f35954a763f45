import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import type { HostOptions } from '../host/host.js';
import { type Logger, stderrLogger } from '../host/logger.js';
import { KERNEL_CHOICES, type KernelChoice } from '../kernels/create-kernel.js';
import { MAX_ARENA_BYTES, MIN_ARENA_BYTES } from '../memory/arena.js';
import { hasDescriptors } from './descriptor.js';

/** Options of {@link createServer}. Sizes are in bytes, times in ms. */
export interface ServerOptions {
  /** The module with the application's hooks (see {@link defineHandler}): a file URL, or a path from the working directory. It is loaded in each thread. */
  readonly handler: URL | string;
  /**
   * Worker threads that host connections; default: one for each core. With 0 the primary thread hosts them, beside what else
   * it does: for systems where sockets cannot be handed to threads (Windows), for tests, for small machines.
   */
  readonly threads?: number;
  /** What unmasks and validates payloads; default 'auto', which chooses by operation and size. */
  readonly kernel?: KernelChoice;
  /**
   * Address space that each hosting thread reserves for reading, from 1 MiB to 4 GiB less 64 KiB; default 256 MiB. Only
   * what is used becomes resident, and stays so. Messages that do not fit any more are put on the heap, at the cost of a
   * copy.
   */
  readonly arenaBytes?: number;
  /**
   * Longest message that a client may send, its fragments in sum; default 16 MiB. A longer one is refused with 1009 when its
   * header has come. It bounds what a client can make a thread keep: raising it raises that for every connection.
   */
  readonly maxPayloadBytes?: number;
  /**
   * Above so many bytes that a client has been sent and does not take, it is not read any more and `send` returns false;
   * default 1 MiB. Raising it lets more of a burst be buffered, for every connection.
   */
  readonly highWaterMarkBytes?: number;
  /** How long a client may take to finish the closing handshake; default 5000. Its connection is destroyed then. */
  readonly closeTimeoutMs?: number;
  /**
   * How long a client may take to send its opening handshake, and an `upgrade` hook to decide about it; default 10 000.
   * Raising it lets silent clients hold descriptors for longer.
   */
  readonly handshakeTimeoutMs?: number;
  /** A connection that a worker has not taken for so long goes to another worker; default 2000. */
  readonly handOffTimeoutMs?: number;
  /** Paths that WebSockets are accepted on, exactly; default: all. */
  readonly path?: string | readonly string[];
  /**
   * For tests: each message gets an object of its own, and its bytes are overwritten when it is void, so that using a
   * message or a borrowed view too late is found. Default false.
   */
  readonly poison?: boolean;
  /** Where the server reports what goes wrong; default: standard error. */
  readonly log?: Logger;
}

/** An option has a value that cannot be used. */
export class ConfigError extends Error {
  readonly code = 'WSLOOM_CONFIG';
  override readonly name = 'ConfigError';
  /** Its name. */
  readonly option: string;

  constructor(option: string, message: string) {
    super(message);
    this.option = option;
  }
}

/** {@link ServerOptions}, checked and complete. */
export interface ResolvedOptions {
  readonly handler: string;
  readonly threads: number;
  readonly host: HostOptions;
  readonly handshakeTimeoutMs: number;
  readonly handOffTimeoutMs: number;
  /** Undefined: all. */
  readonly paths: ReadonlySet<string> | undefined;
  readonly log: Logger;
}

/** Default values, in bytes and ms. */
export const DEFAULTS = {
  arenaBytes: 256 * 1024 * 1024,
  maxPayloadBytes: 16 * 1024 * 1024,
  highWaterMarkBytes: 1024 * 1024,
  closeTimeoutMs: 5000,
  handshakeTimeoutMs: 10_000,
  handOffTimeoutMs: 2000,
} as const;

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Least and greatest value of each numeric option. */
const RANGES = {
  threads: [0, 1024],
  arenaBytes: [MIN_ARENA_BYTES, MAX_ARENA_BYTES],
  maxPayloadBytes: [1, 2 ** 32 - 1],
  highWaterMarkBytes: [1, 2 ** 32 - 1],
  closeTimeoutMs: [1, MAX_TIMEOUT_MS],
  handshakeTimeoutMs: [1, MAX_TIMEOUT_MS],
  handOffTimeoutMs: [1, MAX_TIMEOUT_MS],
} as const satisfies Partial<Record<keyof ServerOptions, readonly [number, number]>>;

const OPTIONS: readonly string[] = [...Object.keys(RANGES), 'handler', 'kernel', 'path', 'poison', 'log'];

/** Checks options and fills in defaults. @throws ConfigError for the first that cannot be used. */
export function resolveOptions(options: ServerOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError('options', `createServer needs an object of options, got ${String(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name)) {
      throw new ConfigError(name, `there is no option '${name}'; there are ${OPTIONS.toSorted().join(', ')}`);
    }
  }
  const number = (name: keyof typeof RANGES, byDefault: number) => checkNumber(name, options[name] ?? byDefault);
  const threads = number('threads', hasDescriptors ? availableParallelism() : 0);
  if (threads > 0 && !hasDescriptors) {
    throw new ConfigError('threads', 'threads must be 0 on this system: sockets cannot be handed to other threads');
  }
  return {
    handler: checkHandler(options.handler),
    threads,
    host: {
      arenaBytes: number('arenaBytes', DEFAULTS.arenaBytes),
      kernel: checkKernel(options.kernel ?? 'auto'),
      limits: {
        maxPayloadBytes: number('maxPayloadBytes', DEFAULTS.maxPayloadBytes),
        highWaterMarkBytes: number('highWaterMarkBytes', DEFAULTS.highWaterMarkBytes),
        closeTimeoutMs: number('closeTimeoutMs', DEFAULTS.closeTimeoutMs),
      },
      poison: checkBoolean('poison', options.poison ?? false),
    },
    handshakeTimeoutMs: number('handshakeTimeoutMs', DEFAULTS.handshakeTimeoutMs),
    handOffTimeoutMs: number('handOffTimeoutMs', DEFAULTS.handOffTimeoutMs),
    paths: options.path === undefined ? undefined : checkPaths(options.path),
    log: checkLogger(options.log ?? stderrLogger),
  };
}

function checkNumber(name: keyof typeof RANGES, value: unknown): number {
  const [least, greatest] = RANGES[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= greatest) return value;
  throw new ConfigError(name, `${name} must be an integer from ${least} to ${greatest}, got ${JSON.stringify(value)}`);
}

function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new ConfigError(name, `${name} must be true or false, got ${JSON.stringify(value)}`);
}

function checkHandler(handler: unknown): string {
  if (handler instanceof URL) return handler.href;
  if (typeof handler === 'string' && handler !== '') {
    return /^[a-z][a-z0-9+.-]+:/i.test(handler) ? handler : pathToFileURL(handler).href;
  }
  throw new ConfigError(
    'handler',
    "handler must be the URL or the path of a module, like new URL('./handler.js', import.meta.url)",
  );
}

function checkKernel(kernel: unknown): KernelChoice {
  const known = KERNEL_CHOICES.find((name) => name === kernel);
  if (known !== undefined) return known;
  throw new ConfigError('kernel', `kernel must be one of ${KERNEL_CHOICES.join(', ')}, got ${JSON.stringify(kernel)}`);
}

function checkPaths(path: unknown): ReadonlySet<string> {
  const paths: readonly unknown[] = Array.isArray(path) ? path : [path];
  for (const one of paths) {
    if (typeof one === 'string' && one.startsWith('/') && !/[?#\s]/.test(one)) continue;
    throw new ConfigError('path', `path must begin with '/' and have no query, got ${JSON.stringify(one)}`);
  }
  return new Set(paths as string[]);
}

function checkLogger(log: unknown): Logger {
  const levels: readonly (keyof Logger)[] = ['info', 'warn', 'error'];
  if (
    typeof log === 'object' &&
    log !== null &&
    levels.every((level) => typeof Reflect.get(log, level) === 'function')
  ) {
    return log as Logger;
  }
  throw new ConfigError('log', 'log must have the methods info, warn and error');
}
