import { availableParallelism, totalmem } from 'node:os';
import { pathToFileURL } from 'node:url';
import type { ResourceLimits } from 'node:worker_threads';
import { DEFAULT_BUS_LIMITS } from '../host/exchange.js';
import type { HostOptions } from '../host/host.js';
import { guardLogger, LOG_LEVELS, type Logger, stderrLogger } from '../telemetry/logger.js';
import { ThrottledLog, tellTo } from '../telemetry/throttled-log.js';
import { KERNEL_CHOICES, type KernelChoice } from '../kernels/create-kernel.js';
import { NEVER_BYTES, THRESHOLD_NAMES, THRESHOLDS, type Thresholds } from '../kernels/thresholds.js';
import { MAX_ARENA_BYTES, MIN_ARENA_BYTES } from '../memory/arena.js';
import { shown, unknownOption } from '../options/shown.js';
import { descriptorLimit, hasDescriptors } from '../system/descriptor.js';
import type { AdmissionOptions } from './admission.js';
import { ConfigError } from './config-error.js';
import { type HostRule, hostRule, type OriginRule, originRule } from './origin.js';
import type { ServerOptions } from './server-options.js';

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
  readonly startTimeoutMs: number;
  readonly resourceLimits: ResourceLimits;
  /** Undefined: all. */
  readonly paths: ReadonlySet<string> | undefined;
  /** Path of the page; undefined: there is none. */
  readonly page: string | undefined;
  /** Path of the health; undefined: there is none. */
  readonly health: string | undefined;
  readonly log: ThrottledLog;
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
  maxOwedBytes: DEFAULT_BUS_LIMITS.maxOwedBytes,
  slowThreadTimeoutMs: DEFAULT_BUS_LIMITS.slowThreadTimeoutMs,
  page: '/',
  health: '/healthz',
  startTimeoutMs: 60_000,
} as const;

/** See {@link ServerOptions.resourceLimits}. */
const DEFAULT_RESOURCES: ResourceLimits = { maxYoungGenerationSizeMb: 24 };

/** Descriptors that are not for connections that count: the threads', the log's, files of the application, clients that are refused. */
const RESERVED_DESCRIPTORS = 256;

/** Connections that may be closing at a time, as a share of those that may be open, and for each thread at least. */
const CLOSING_SHARE = 1 / 8;
const MIN_CLOSING = 16;

/** What a timer can hold, in ms: with more, it fires at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** An hour; the primary waits for somewhat longer than the threads do. */
const MAX_START_MS = 3_600_000;

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
  maxOwedBytes: [1024 * 1024, 2 ** 40],
  slowThreadTimeoutMs: [1, MAX_TIMEOUT_MS],
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
  startTimeoutMs: [1, MAX_START_MS],
} as const satisfies Partial<Record<keyof ServerOptions, readonly [number, number]>>;

const CHOICES = {
  slowConsumer: ['close', 'drop'],
  rateLimitAction: ['pause', 'close'],
} as const;

const OTHERS = [
  'resourceLimits',
  'handler',
  'kernel',
  'thresholds',
  'path',
  'page',
  'health',
  'poison',
  'log',
  'allowedOrigins',
  'allowedHosts',
];
const OPTIONS: readonly string[] = [...Object.keys(RANGES), ...Object.keys(CHOICES), ...OTHERS];

/**
 * What somebody has given to a method that takes an object of options; undefined stands for one without any.
 * @throws ConfigError if it is no object, or has an option that there is not: a wrong name would change nothing, silently.
 */
export function checkNames<Options extends object>(
  options: Options | undefined,
  method: string,
  names: readonly string[],
): Options {
  if (options === undefined) return {} as Options; // each of its options may be left out
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError('options', `${method}() takes an object with ${names.join(' and ')}, got ${shown(options)}`);
  }
  const unknown = unknownOption(options, names);
  if (unknown !== undefined) throw new ConfigError(unknown.name, `${method}(): ${unknown.message}`);
  return options;
}

/** Checks options and fills in defaults. @throws ConfigError for the first that cannot be used. */
export function resolveOptions(options: ServerOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError('options', `createServer needs an object of options, got ${String(options)}`);
  }
  const unknown = unknownOption(options, OPTIONS);
  if (unknown !== undefined) throw new ConfigError(unknown.name, unknown.message);
  const number = (name: keyof typeof RANGES, byDefault: number) => checkNumber(name, options[name] ?? byDefault);
  /** Of those that have a constant default. */
  const numberOf = (name: keyof typeof RANGES & keyof typeof DEFAULTS) => number(name, DEFAULTS[name]);
  const threads = number('threads', hasDescriptors ? availableParallelism() : 0);
  if (threads > 0 && !hasDescriptors) {
    throw new ConfigError('threads', 'threads must be 0 on this system: sockets cannot be handed to other threads');
  }
  const maxConnections = number('maxConnections', defaultConnections());
  return {
    handler: checkHandler(options.handler),
    threads,
    host: {
      arenaBytes: numberOf('arenaBytes'),
      kernel: checkKernel(options.kernel ?? 'auto'),
      thresholds: options.thresholds === undefined ? THRESHOLDS : checkThresholds(options),
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
      bus: { maxOwedBytes: numberOf('maxOwedBytes'), slowThreadTimeoutMs: numberOf('slowThreadTimeoutMs') },
      maxClosing: Math.max(MIN_CLOSING, Math.ceil((CLOSING_SHARE * maxConnections) / Math.max(1, threads))),
      poison: checkBoolean('poison', options.poison ?? false),
    },
    admission: {
      maxConnections,
      maxConnectionsPerIp: numberOf('maxConnectionsPerIp'),
      allowedOrigins: options.allowedOrigins === undefined ? undefined : checkOrigins(options.allowedOrigins),
      allowedHosts: options.allowedHosts === undefined ? undefined : checkHosts(options.allowedHosts),
    },
    maxHeaderBytes: numberOf('maxHeaderBytes'),
    maxHeaderCount: numberOf('maxHeaderCount'),
    handshakeTimeoutMs: numberOf('handshakeTimeoutMs'),
    handOffTimeoutMs: numberOf('handOffTimeoutMs'),
    startTimeoutMs: numberOf('startTimeoutMs'),
    resourceLimits: { ...DEFAULT_RESOURCES, ...checkResourceLimits(options.resourceLimits ?? {}) },
    paths: options.path === undefined ? undefined : checkPaths(options.path),
    ...checkRoutes(options),
    log: new ThrottledLog(tellTo(checkLogger(options.log))),
  };
}

function checkNumber(name: keyof typeof RANGES, value: unknown): number {
  const [least, greatest] = RANGES[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= greatest) return value;
  const outOfRange = typeof value === 'number' ? { got: value, least, greatest } : undefined;
  throw new ConfigError(
    name,
    `${name} must be an integer from ${least} to ${greatest}, got ${shown(value)}`,
    outOfRange,
  );
}

function checkChoice<Name extends keyof typeof CHOICES>(name: Name, value: unknown): (typeof CHOICES)[Name][number] {
  const choices: readonly string[] = CHOICES[name];
  if (choices.includes(value as string)) return value as (typeof CHOICES)[Name][number];
  throw new ConfigError(name, `${name} must be one of ${choices.join(', ')}, got ${shown(value)}`);
}

/** What the process may have of descriptors, less what is not for connections, and less those that may be closing meanwhile. */
function defaultConnections(): number {
  const limit = Math.min(descriptorLimit(), RANGES.maxConnections[1]);
  const left = limit > 2 * RESERVED_DESCRIPTORS ? limit - RESERVED_DESCRIPTORS : limit / 2;
  return Math.max(1, Math.floor(left / (1 + CLOSING_SHARE)));
}

/** A quarter of the memory that the process may have: of the machine's, or of its container's. */
function defaultBufferedBytes(): number {
  const constrained = process.constrainedMemory();
  const memory = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.min(Math.max(Math.floor(memory / 4), RANGES.maxBufferedBytes[0]), RANGES.maxBufferedBytes[1]);
}

function checkList(name: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw new ConfigError(name, `${name} must be an array of strings, got ${shown(value)}`);
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
  throw new ConfigError(name, `${name} must be true or false, got ${shown(value)}`);
}

function checkHandler(handler: unknown): string {
  const href = hrefOf(handler);
  if (href !== undefined) return href;
  if (typeof handler === 'string' && handler !== '') {
    return /^[a-z][a-z0-9+.-]+:/i.test(handler) ? handler : pathToFileURL(handler).href;
  }
  throw new ConfigError(
    'handler',
    "handler must be the URL or the path of a module, like new URL('./handler.js', import.meta.url)",
  );
}

/** Of a URL, which may be of another realm. */
function hrefOf(value: unknown): string | undefined {
  if (value instanceof URL) return value.href;
  if (typeof value !== 'object' || value === null) return undefined;
  const { href, protocol } = value as Readonly<Record<string, unknown>>;
  return typeof href === 'string' && typeof protocol === 'string' ? href : undefined;
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
    `resourceLimits must be an object of positive numbers, ${names.join(', ')}, got ${shown(limits)}`,
  );
}

function checkKernel(kernel: unknown): KernelChoice {
  const known = KERNEL_CHOICES.find((name) => name === kernel);
  if (known !== undefined) return known;
  throw new ConfigError('kernel', `kernel must be one of ${KERNEL_CHOICES.join(', ')}, got ${shown(kernel)}`);
}

function checkThresholds({ thresholds, kernel }: ServerOptions): Thresholds {
  const refuse = (what: string): never => {
    throw new ConfigError('thresholds', `thresholds ${what}`);
  };
  if (typeof thresholds !== 'object' || thresholds === null || Array.isArray(thresholds)) {
    return refuse(`must be an object of bytes, ${THRESHOLD_NAMES.join(', ')}, got ${shown(thresholds)}`);
  }
  for (const [name, bytes] of Object.entries<unknown>(thresholds)) {
    if (!THRESHOLD_NAMES.some((known) => known === name)) {
      return refuse(`have no '${name}'; there are ${THRESHOLD_NAMES.join(', ')}`);
    }
    if (!Number.isInteger(bytes) || (bytes as number) < 0 || (bytes as number) > NEVER_BYTES) {
      return refuse(`must be integers from 0 to ${NEVER_BYTES}, got ${shown(bytes)} for ${name}`);
    }
  }
  if (kernel !== undefined && kernel !== 'auto') return refuse(`are for the kernel auto, and this one is ${kernel}`);
  return { ...THRESHOLDS, ...thresholds };
}

function checkPaths(path: unknown): ReadonlySet<string> {
  const paths: readonly unknown[] = Array.isArray(path) ? path : [path];
  for (const one of paths) {
    if (typeof one === 'string' && one.startsWith('/') && !/[?#\s]/.test(one)) continue;
    throw new ConfigError('path', `path must begin with '/' and have no query, got ${shown(one)}`);
  }
  return new Set(paths as string[]);
}

/** @returns undefined for what is turned off. */
function checkRoutes(options: ServerOptions): Pick<ResolvedOptions, 'page' | 'health'> {
  // null is no default here: it may be meant as off.
  const { page = DEFAULTS.page, health = DEFAULTS.health } = options;
  const routes = { page: checkRoute('page', page), health: checkRoute('health', health) };
  if (routes.page === undefined || routes.page !== routes.health) return routes;
  throw new ConfigError(
    'health',
    `health must have another path than page, got ${JSON.stringify(routes.health)} for both: move one of them, or turn it off`,
  );
}

function checkRoute(name: 'page' | 'health', path: unknown): string | undefined {
  if (path === false || path === 'off') return undefined;
  // As it stands in requests, where everything else is percent-encoded.
  if (typeof path === 'string' && /^\/[!-~]*$/.test(path) && !/[?#]/.test(path)) return path;
  throw new ConfigError(
    name,
    `${name} must be 'off' or a path that begins with '/', in ASCII and without a query, got ${JSON.stringify(path)}`,
  );
}

function checkLogger(log: unknown): Logger {
  if (log === undefined || log === null) return stderrLogger;
  const found =
    typeof log === 'object'
      ? LOG_LEVELS.filter((level) => typeof Reflect.get(log, level) !== 'function').map((level) => `no ${level}`)
      : [typeof log];
  if (found.length === 0) return guardLogger(log as Logger);
  throw new ConfigError('log', `log must be an object with the methods info, warn and error, got ${found.join(', ')}`);
}
