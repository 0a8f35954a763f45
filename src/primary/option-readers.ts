import { pathToFileURL } from 'node:url';
import type { ResourceLimits } from 'node:worker_threads';
import type { BackplaneState } from '../connection/handler.js';
import { type Backplane, ENGINE_NAME } from '../fleet/backplane.js';
import { HandlerModuleError } from '../host/handler-module-error.js';
import { HOOKS } from '../host/hook-names.js';
import { type HandlerModule, handlerOfProgram } from '../host/module-exports.js';
import { NEVER_BYTES, THRESHOLD_NAMES, THRESHOLDS, type Thresholds } from '../kernels/thresholds.js';
import { CLIENT_HEADERS, type ClientHeader } from '../opening/client-address.js';
import { hostRule, originRule } from '../opening/origin.js';
import { TrustedProxies } from '../opening/trusted-proxies.js';
import { WrongValue } from '../options/define.js';
import { shown } from '../options/shown.js';
import { guardLogger, LOG_LEVELS, type Logger, stderrLogger } from '../telemetry/logger.js';
import { readTlsOptions } from '../tls/read-tls-options.js';
import type { TlsDescription } from '../tls/tls-description.js';

/** The limits of V8 whose defaults are not right for a server: see {@link ServerOptions.resourceLimits}. */
const DEFAULT_RESOURCES: ResourceLimits = { maxYoungGenerationSizeMb: 24 };

/** @returns a URL, or the hooks of an object. @throws WrongValue */
export function readHandler(handler: unknown): string | HandlerModule {
  const href = hrefOf(handler);
  if (href !== undefined) return href;
  if (typeof handler === 'string' && handler !== '') {
    return /^[a-z][a-z0-9+.-]+:/i.test(handler) ? handler : pathToFileURL(handler).href;
  }
  if (!mayHaveHooks(handler)) {
    throw new WrongValue(
      "must be the URL or the path of a module, like new URL('./handler.js', import.meta.url), or with threads: 0 an object of hooks",
    );
  }
  try {
    return handlerOfProgram(handler);
  } catch (error) {
    if (!(error instanceof HandlerModuleError)) throw error;
    throw new WrongValue(`cannot be used: ${error.message}`);
  }
}

/** Whether a value is an object with functions. What is wrong with these is said elsewhere. */
function mayHaveHooks(handler: unknown): handler is object {
  if (typeof handler !== 'object' || handler === null || Array.isArray(handler)) return false;
  const names = [...Object.keys(handler), ...HOOKS, 'upgrade', 'then'];
  return names.some((name) => typeof Reflect.get(handler, name) === 'function');
}

/** The href of a URL, which may be of another realm. */
function hrefOf(value: unknown): string | undefined {
  if (value instanceof URL) return value.href;
  if (typeof value !== 'object' || value === null) return undefined;
  const { href, protocol } = value as Readonly<Record<string, unknown>>;
  return typeof href === 'string' && typeof protocol === 'string' ? href : undefined;
}

/** @throws WrongValue */
export function readThresholds(thresholds: unknown): Thresholds {
  if (thresholds === undefined) return THRESHOLDS;
  if (typeof thresholds !== 'object' || thresholds === null || Array.isArray(thresholds)) {
    throw new WrongValue(`must be an object of bytes, ${THRESHOLD_NAMES.join(', ')}, got ${shown(thresholds)}`);
  }
  for (const [name, bytes] of Object.entries<unknown>({ ...thresholds })) {
    if (!THRESHOLD_NAMES.some((known) => known === name)) {
      throw new WrongValue(`have no '${name}'; there are ${THRESHOLD_NAMES.join(', ')}`);
    }
    if (!Number.isInteger(bytes) || (bytes as number) < 0 || (bytes as number) > NEVER_BYTES) {
      throw new WrongValue(`must be integers from 0 to ${NEVER_BYTES}, got ${shown(bytes)} for ${name}`);
    }
  }
  return { ...THRESHOLDS, ...thresholds };
}

/** @throws WrongValue */
export function readResourceLimits(limits: unknown): ResourceLimits {
  const names = ['maxYoungGenerationSizeMb', 'maxOldGenerationSizeMb', 'codeRangeSizeMb', 'stackSizeMb'];
  const given = limits ?? {};
  const isRight =
    typeof given === 'object' &&
    Object.entries(given).every(([name, value]) => names.includes(name) && typeof value === 'number' && value > 0);
  if (isRight) return { ...DEFAULT_RESOURCES, ...given };
  throw new WrongValue(`must be an object of positive numbers, ${names.join(', ')}, got ${shown(limits)}`);
}

/** @returns undefined for all paths. @throws WrongValue */
export function readPaths(path: unknown): ReadonlySet<string> | undefined {
  if (path === undefined) return undefined;
  const paths: readonly unknown[] = Array.isArray(path) ? path : [path];
  if (paths.length === 0) throw new WrongValue('must have at least one path, got []: leave it out to accept all paths');
  return new Set(paths.map(readPath));
}

/** Reads one path. What could never be the path of a request is refused, and so is what looks like a pattern. */
function readPath(path: unknown): string {
  if (typeof path !== 'string' || !path.startsWith('/') || /[?#\s]/.test(path)) {
    throw new WrongValue(`must begin with '/' and have no query, got ${shown(path)}`);
  }
  if (IS_PATTERN.test(path)) {
    const instead = 'name each path, or accept all and have the hook upgrade look at request.path';
    throw new WrongValue(`is compared as it is, and cannot be a pattern like ${shown(path)}: ${instead}`);
  }
  if (!/^[!-~]*$/.test(path)) {
    const inRequests = shown(new URL(`http://localhost${path}`).pathname);
    throw new WrongValue(`must be ASCII, as in requests, got ${shown(path)}: write ${inRequests}`);
  }
  return path;
}

/** The patterns that frameworks know: `/live/*`, `/rooms/:id`, `/rooms/{id}`. */
const IS_PATTERN = /[*{}]|\/:/;

/**
 * Makes a reader for the path of the page, of the health, of the readiness or of the metrics.
 * @returns a function that returns undefined for a path that is turned off, and throws WrongValue
 */
export function readRoute(byDefault: string): (path: unknown) => string | undefined {
  return (path = byDefault) => {
    if (path === false || path === 'off') return undefined;
    // The path as it stands in requests, where all other characters are percent-encoded. null is refused, because it may be meant
    // as off.
    if (typeof path === 'string' && /^\/[!-~]*$/.test(path) && !/[?#]/.test(path)) return path;
    const allowed = "'off' or a path that begins with '/', in ASCII and without a query";
    throw new WrongValue(`must be ${allowed}, got ${JSON.stringify(path)}`);
  };
}

/** @returns undefined for the default. @throws WrongValue */
export function readOrigins(value: unknown): readonly string[] | undefined {
  return value === undefined ? undefined : readList(value, originRule);
}

/** @returns undefined for the default. @throws WrongValue */
export function readHosts(value: unknown): readonly string[] | undefined {
  return value === undefined ? undefined : readList(value, hostRule);
}

/** @returns an empty list by default. @throws WrongValue */
export function readTrustedProxies(value: unknown): readonly string[] {
  return value === undefined ? [] : readList(value, (list) => new TrustedProxies(list));
}

/** @returns undefined for none. @throws WrongValue */
export function readProxyHeader(value: unknown): ClientHeader | undefined {
  if (value === undefined) return undefined;
  const name = typeof value === 'string' ? value.toLowerCase() : value;
  const known = CLIENT_HEADERS.find((one) => one === name);
  if (known !== undefined) return known;
  throw new WrongValue(`must be one of ${CLIENT_HEADERS.join(', ')}, got ${shown(value)}`);
}

/**
 * Reads a list, and checks it by making its rule. The rule is not kept, because each thread makes its own.
 * @param makeRule throws an error that says what the list may hold.
 */
function readList(value: unknown, makeRule: (list: readonly string[]) => unknown): readonly string[] {
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
    throw new WrongValue(`must be an array of strings, got ${shown(value)}`);
  }
  try {
    makeRule(value);
  } catch (error) {
    throw new WrongValue((error as Error).message);
  }
  return [...value];
}

/** @returns undefined without TLS. @throws ConfigError that names the part of the option */
export function readTls(tls: unknown): TlsDescription | undefined {
  return tls === undefined || tls === null ? undefined : readTlsOptions(tls);
}

/**
 * Reads engines, in their order. URLs are read at the start, with the code of their engines.
 * @returns undefined for none. @throws WrongValue, whose message has nothing of a URL: there may be a password in it
 */
export function readBackplanes(value: unknown): readonly (string | Backplane)[] | undefined {
  if (value === undefined || value === null) return undefined;
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (given.length === 0) throw new WrongValue('must have at least one engine, got []: leave it out for none');
  return given.map(readBackplane);
}

function readBackplane(value: unknown): string | Backplane {
  const href = hrefOf(value) ?? value;
  if (typeof href === 'string' && href !== '') return href;
  if (typeof value === 'object' && value !== null) {
    const { name, connect } = value as Readonly<Record<string, unknown>>;
    if (typeof name === 'string' && typeof connect === 'function') {
      // It is not shown: the log and the health would show it, and it may be the URL of the engine.
      if (!ENGINE_NAME.test(name)) {
        throw new WrongValue('must have a name of 1 to 40 letters, digits, spaces, ., _ and -, got another one');
      }
      return value as Backplane;
    }
  }
  const allowed = 'the URL of an engine, an object with name and connect, or a list of these';
  throw new WrongValue(
    `must be ${allowed}, got ${value === '' || value === null ? JSON.stringify(value) : typeof value}`,
  );
}

/** @returns undefined if nobody is to be told. @throws WrongValue */
export function readOnBackplane(value: unknown): ((state: BackplaneState) => unknown) | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'function') return value as (state: BackplaneState) => unknown;
  throw new WrongValue(`must be a function, got ${shown(value)}`);
}

/** @throws WrongValue */
export function readLogger(log: unknown): Logger {
  if (log === undefined || log === null) return stderrLogger;
  const found =
    typeof log === 'object'
      ? LOG_LEVELS.filter((level) => typeof Reflect.get(log, level) !== 'function').map((level) => `no ${level}`)
      : [typeof log];
  if (found.length === 0) return guardLogger(log as Logger);
  throw new WrongValue(`must be an object with the methods info, warn and error, got ${found.join(', ')}`);
}
