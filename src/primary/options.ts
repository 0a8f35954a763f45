import { availableParallelism, totalmem } from 'node:os';
import { pathToFileURL } from 'node:url';
import type { ResourceLimits } from 'node:worker_threads';
import type { HostOptions } from '../host/host.js';
import { type Logger, stderrLogger } from '../host/logger.js';
import { KERNEL_CHOICES, type KernelChoice } from '../kernels/create-kernel.js';
import { MAX_ARENA_BYTES, MIN_ARENA_BYTES } from '../memory/arena.js';
import type { AdmissionOptions } from './admission.js';
import { descriptorLimit, hasDescriptors } from './descriptor.js';
import { type HostRule, hostRule, type OriginRule, originRule } from './origin.js';

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
   * Connections that may be open at a time, those that are being opened included; default: what the process may have of
   * descriptors, less 256. Beyond it 503. Each costs some KiB, its socket's buffers in the kernel, and a descriptor.
   */
  readonly maxConnections?: number;
  /**
   * The same for one address of the network, or one /64 for IPv6; default 0: no limit. Behind a proxy all have its address.
   * Beyond it 503. It bounds what one machine can take of `maxConnections`.
   */
  readonly maxConnectionsPerIp?: number;
  /**
   * Above so many bytes that a client has been sent and does not take, it is not read any more and `send` returns false;
   * default 1 MiB. Raising it lets more of a burst be buffered, for every connection.
   */
  readonly highWaterMarkBytes?: number;
  /**
   * What may be queued for a client that does not take it, in all; default 16 MiB. One message is always accepted when
   * nothing is queued. Beyond it: `slowConsumer`. It bounds the memory of a slow reader; raising it raises that for each.
   */
  readonly maxBackpressureBytes?: number;
  /**
   * What happens to a client when a message exceeds `maxBackpressureBytes`: 'close' (default) closes it with 1013, behind
   * what is queued; 'drop' does not send the message, and counts it.
   */
  readonly slowConsumer?: 'close' | 'drop';
  /**
   * What all connections may hold together of queued output and of messages still arriving; default: a quarter of the
   * machine's memory. Beyond it those that have held it for longest are closed with 1013.
   */
  readonly maxBufferedBytes?: number;
  /**
   * A client that was silent for so long is pinged, and is lost (1006) when it is silent for as long again; default 30 000;
   * 0: never. Any byte received is a sign of life. Raising it keeps dead connections for longer.
   */
  readonly heartbeatIntervalMs?: number;
  /** A connection without a message, either way, for so long is closed with 1001; default 0: never. */
  readonly idleTimeoutMs?: number;
  /**
   * From the first byte of a message to its last; default 300 000, which is 16 MiB at half a megabit a second. Beyond it
   * 1008; 0: no limit. Raising it lets unfinished messages hold memory for longer.
   */
  readonly messageTimeoutMs?: number;
  /**
   * A client that takes nothing of queued output for so long is lost (1006); default 30 000; 0: never. The only judge of a
   * connection that is not read because its output piles up.
   */
  readonly stallTimeoutMs?: number;
  /**
   * Messages and bytes that a client may send per second, on average and in a burst; default 0: no limit. Beyond them:
   * `rateLimitAction`.
   */
  readonly messagesPerSecond?: number;
  readonly bytesPerSecond?: number;
  /** What happens to a client that sends too fast: it is not read for a while ('pause', default), or closed with 1008. */
  readonly rateLimitAction?: 'pause' | 'close';
  /** Fragments without payload that may follow each other; default 100. Beyond it 1008. */
  readonly maxConsecutiveEmptyFragments?: number;
  /** How long a client may take to finish the closing handshake; default 5000. Its connection is destroyed then. */
  readonly closeTimeoutMs?: number;
  /**
   * How long a client may take to send its opening handshake, and an `upgrade` hook to decide about it; default 10 000.
   * Raising it lets silent clients hold descriptors for longer.
   */
  readonly handshakeTimeoutMs?: number;
  /** Of a request's head, in bytes; default 16 KiB. Beyond it 431. It bounds what a client that is not accepted yet can use. */
  readonly maxHeaderBytes?: number;
  /** Of a request; default 100. Beyond it 431. */
  readonly maxHeaderCount?: number;
  /**
   * Whose pages may connect: origins like 'https://example.org', or '*' for all. Default: pages of the same host and port as
   * the server is asked for, whatever the scheme. Clients that are no browsers send no Origin and are not concerned. Others
   * get 403.
   */
  readonly allowedOrigins?: readonly string[];
  /**
   * What the server may be asked for, in Host: names or addresses, with a port or without (then any), or '*' for all. Default:
   * localhost, 127.0.0.1 and [::1] when it listens on a loopback address, so that no name that somebody has pointed there is
   * served (DNS rebinding), else all. Others get 403.
   */
  readonly allowedHosts?: readonly string[];
  /**
   * What V8 may use in each worker thread, as in `node:worker_threads`: a thread that exceeds it dies alone, with its connections,
   * and is replaced. Default: as for the process.
   */
  readonly resourceLimits?: ResourceLimits;
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
  readonly admission: AdmissionOptions;
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
  readonly handshakeTimeoutMs: number;
  readonly handOffTimeoutMs: number;
  readonly resourceLimits: ResourceLimits;
  /** Undefined: all. */
  readonly paths: ReadonlySet<string> | undefined;
  readonly log: Logger;
}

/** Default values, in bytes and ms. */
export const DEFAULTS = {
  arenaBytes: 256 * 1024 * 1024,
  maxPayloadBytes: 16 * 1024 * 1024,
  maxConnectionsPerIp: 0,
  highWaterMarkBytes: 1024 * 1024,
  maxBackpressureBytes: 16 * 1024 * 1024,
  slowConsumer: 'close',
  heartbeatIntervalMs: 30_000,
  idleTimeoutMs: 0,
  messageTimeoutMs: 300_000,
  stallTimeoutMs: 30_000,
  closeTimeoutMs: 5000,
  messagesPerSecond: 0,
  bytesPerSecond: 0,
  rateLimitAction: 'pause',
  maxConsecutiveEmptyFragments: 100,
  handshakeTimeoutMs: 10_000,
  maxHeaderBytes: 16 * 1024,
  maxHeaderCount: 100,
  handOffTimeoutMs: 2000,
} as const;

/** Descriptors that are not for connections: the threads', the log's, files of the application. */
const RESERVED_DESCRIPTORS = 256;

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Least and greatest value of each numeric option. */
const RANGES = {
  threads: [0, 1024],
  arenaBytes: [MIN_ARENA_BYTES, MAX_ARENA_BYTES],
  maxPayloadBytes: [1, 2 ** 32 - 1],
  maxConnections: [1, 2 ** 31 - 1],
  maxConnectionsPerIp: [0, 2 ** 31 - 1],
  highWaterMarkBytes: [1, 2 ** 32 - 1],
  maxBackpressureBytes: [1, 2 ** 32 - 1],
  // Counted in KiB, by an int32; the least lets a message of the usual size arrive.
  maxBufferedBytes: [1024 * 1024, 2 ** 40],
  heartbeatIntervalMs: [0, MAX_TIMEOUT_MS],
  idleTimeoutMs: [0, MAX_TIMEOUT_MS],
  messageTimeoutMs: [0, MAX_TIMEOUT_MS],
  stallTimeoutMs: [0, MAX_TIMEOUT_MS],
  messagesPerSecond: [0, 2 ** 31 - 1],
  bytesPerSecond: [0, 2 ** 40],
  maxConsecutiveEmptyFragments: [0, 2 ** 31 - 1],
  maxHeaderBytes: [512, 1024 * 1024],
  maxHeaderCount: [8, 10_000],
  closeTimeoutMs: [1, MAX_TIMEOUT_MS],
  handshakeTimeoutMs: [1, MAX_TIMEOUT_MS],
  handOffTimeoutMs: [1, MAX_TIMEOUT_MS],
} as const satisfies Partial<Record<keyof ServerOptions, readonly [number, number]>>;

const CHOICES = {
  slowConsumer: ['close', 'drop'],
  rateLimitAction: ['pause', 'close'],
} as const;

const OTHERS = ['resourceLimits', 'handler', 'kernel', 'path', 'poison', 'log', 'allowedOrigins', 'allowedHosts'];
const OPTIONS: readonly string[] = [...Object.keys(RANGES), ...Object.keys(CHOICES), ...OTHERS];

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
  /** Of those that have a constant default. */
  const numberOf = (name: keyof typeof RANGES & keyof typeof DEFAULTS) => number(name, DEFAULTS[name]);
  const threads = number('threads', hasDescriptors ? availableParallelism() : 0);
  if (threads > 0 && !hasDescriptors) {
    throw new ConfigError('threads', 'threads must be 0 on this system: sockets cannot be handed to other threads');
  }
  return {
    handler: checkHandler(options.handler),
    threads,
    host: {
      arenaBytes: numberOf('arenaBytes'),
      kernel: checkKernel(options.kernel ?? 'auto'),
      limits: {
        maxPayloadBytes: numberOf('maxPayloadBytes'),
        maxConsecutiveEmptyFragments: numberOf('maxConsecutiveEmptyFragments'),
        highWaterMarkBytes: numberOf('highWaterMarkBytes'),
        maxBackpressureBytes: numberOf('maxBackpressureBytes'),
        slowConsumer: checkChoice('slowConsumer', options.slowConsumer ?? DEFAULTS.slowConsumer),
        heartbeatIntervalMs: numberOf('heartbeatIntervalMs'),
        idleTimeoutMs: numberOf('idleTimeoutMs'),
        messageTimeoutMs: numberOf('messageTimeoutMs'),
        stallTimeoutMs: numberOf('stallTimeoutMs'),
        closeTimeoutMs: numberOf('closeTimeoutMs'),
        messagesPerSecond: numberOf('messagesPerSecond'),
        bytesPerSecond: numberOf('bytesPerSecond'),
        rateLimitAction: checkChoice('rateLimitAction', options.rateLimitAction ?? DEFAULTS.rateLimitAction),
      },
      maxBufferedBytes: number('maxBufferedBytes', defaultBufferedBytes()),
      buffered: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
      poison: checkBoolean('poison', options.poison ?? false),
    },
    admission: {
      maxConnections: number('maxConnections', defaultConnections()),
      maxConnectionsPerIp: numberOf('maxConnectionsPerIp'),
      allowedOrigins: options.allowedOrigins === undefined ? undefined : checkOrigins(options.allowedOrigins),
      allowedHosts: options.allowedHosts === undefined ? undefined : checkHosts(options.allowedHosts),
    },
    maxHeaderBytes: numberOf('maxHeaderBytes'),
    maxHeaderCount: numberOf('maxHeaderCount'),
    handshakeTimeoutMs: numberOf('handshakeTimeoutMs'),
    handOffTimeoutMs: numberOf('handOffTimeoutMs'),
    resourceLimits: checkResourceLimits(options.resourceLimits ?? {}),
    paths: options.path === undefined ? undefined : checkPaths(options.path),
    log: checkLogger(options.log ?? stderrLogger),
  };
}

function checkNumber(name: keyof typeof RANGES, value: unknown): number {
  const [least, greatest] = RANGES[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= greatest) return value;
  throw new ConfigError(name, `${name} must be an integer from ${least} to ${greatest}, got ${JSON.stringify(value)}`);
}

function checkChoice<Name extends keyof typeof CHOICES>(name: Name, value: unknown): (typeof CHOICES)[Name][number] {
  const choices: readonly string[] = CHOICES[name];
  if (choices.includes(value as string)) return value as (typeof CHOICES)[Name][number];
  throw new ConfigError(name, `${name} must be one of ${choices.join(', ')}, got ${JSON.stringify(value)}`);
}

/** What the process may have of descriptors, less what is not for connections. */
function defaultConnections(): number {
  const limit = descriptorLimit();
  return Math.max(1, limit > 2 * RESERVED_DESCRIPTORS ? limit - RESERVED_DESCRIPTORS : Math.floor(limit / 2));
}

/** A quarter of the memory that the process may have: of the machine's, or of its container's. */
function defaultBufferedBytes(): number {
  const constrained = process.constrainedMemory();
  const memory = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.min(Math.max(Math.floor(memory / 4), RANGES.maxBufferedBytes[0]), RANGES.maxBufferedBytes[1]);
}

function checkList(name: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw new ConfigError(name, `${name} must be an array of strings, got ${JSON.stringify(value)}`);
}

function checkOrigins(value: unknown): OriginRule {
  try {
    return originRule(checkList('allowedOrigins', value));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError('allowedOrigins', `allowedOrigins ${(error as Error).message}`);
  }
}

function checkHosts(value: unknown): HostRule {
  try {
    return hostRule(checkList('allowedHosts', value));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError('allowedHosts', `allowedHosts ${(error as Error).message}`);
  }
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

function checkResourceLimits(limits: unknown): ResourceLimits {
  const names = ['maxYoungGenerationSizeMb', 'maxOldGenerationSizeMb', 'codeRangeSizeMb', 'stackSizeMb'];
  const isRight =
    typeof limits === 'object' &&
    limits !== null &&
    Object.entries(limits).every(([name, value]) => names.includes(name) && typeof value === 'number' && value > 0);
  if (isRight) return limits;
  throw new ConfigError(
    'resourceLimits',
    `resourceLimits must be an object of positive numbers, ${names.join(', ')}, got ${JSON.stringify(limits)}`,
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
