import { readAddress } from '../client/address.js';
import { checkCertificates } from '../client/certificates.js';
import type { ResolvedDeflateOptions } from '../client/deflate-options.js';
import { Handshake } from '../client/handshake.js';
import { OptionSet } from '../options/define.js';
import { OptionError } from '../options/option-error.js';
import { HandshakeConfigError } from '../protocol/opening/handshake-error.js';
import type { HeaderSource, HeaderValue } from '../protocol/opening/handshake-response.js';
import { makeMessage } from './load-message.js';
import type { Expectation, LoadMode, LoadOptions } from './load-options.js';
import { LOAD_ROWS } from './load-rows.js';

/** {@link LoadOptions}, checked and complete, for one thread or all of them. They can be posted to threads. */
export interface ResolvedLoadOptions {
  readonly url: string;
  readonly title: string | undefined;
  readonly mode: LoadMode;
  readonly connections: number;
  readonly inFlight: number;
  /** Infinity: until the amount is done. */
  readonly durationMs: number;
  /** Infinity: no limit. */
  readonly amount: number;
  /** Infinity: as fast as it goes. */
  readonly ratePerSecond: number;
  readonly warmUpMs: number;
  readonly workers: number;
  readonly payload: Uint8Array;
  readonly isBinary: boolean;
  readonly expect: Expectation;
  readonly timeoutMs: number;
  readonly subprotocols: readonly string[];
  readonly headers: readonly (readonly [name: string, value: HeaderValue])[];
  /** Undefined if compression is not offered. */
  readonly deflate: ResolvedDeflateOptions | undefined;
  readonly rejectUnauthorized: boolean;
  readonly ca: string | undefined;
}

const LOAD_OPTIONS = new OptionSet(LOAD_ROWS);

/** Checks options and fills in defaults. @throws OptionError for the first that cannot be used. */
export function resolveLoadOptions(options: LoadOptions): ResolvedLoadOptions {
  if (typeof options !== 'object' || options === null) {
    throw new OptionError('options', `load needs an object of options, got ${String(options)}`);
  }
  LOAD_OPTIONS.checkNames(options);
  const given = LOAD_OPTIONS.resolve(options);
  const { mode, connections } = given;
  const hasAmount = options.amount !== undefined;
  const hasNoWarmUp = options.warmUpMs === undefined && (hasAmount || mode === 'idle');
  const { payload, isBinary } = makeMessage(options, given.sizeBytes);
  const resolved: ResolvedLoadOptions = {
    url: String(options.url),
    title: options.title,
    mode,
    connections,
    inFlight: given.inFlight,
    durationMs: hasAmount && options.durationMs === undefined ? Number.POSITIVE_INFINITY : given.durationMs,
    amount: given.amount,
    ratePerSecond: given.ratePerSecond,
    warmUpMs: hasNoWarmUp ? 0 : given.warmUpMs,
    workers: Math.min(given.workers, connections),
    payload,
    isBinary,
    expect: given.expect,
    timeoutMs: given.timeoutMs,
    subprotocols: [...(options.subprotocols ?? [])],
    headers: pairsOf(options.headers),
    deflate: given.deflate,
    rejectUnauthorized: options.rejectUnauthorized ?? true,
    ca: options.ca,
  };
  checkTogether(resolved);
  checkCertificates(resolved.ca);
  try {
    // The offer is checked before anything is connected to.
    new Handshake(readAddress(options.url), resolved, resolved.deflate?.settings);
  } catch (error) {
    if (!(error instanceof HandshakeConfigError)) throw error;
    throw new OptionError(error.option, error.message, { cause: error });
  }
  return resolved;
}

/** The share of one thread. @param index from 0 */
export function shareOfThread(options: ResolvedLoadOptions, index: number): ResolvedLoadOptions {
  const { workers } = options;
  const share = (whole: number) =>
    Number.isFinite(whole) ? Math.floor(whole / workers) + (index < whole % workers ? 1 : 0) : Number.POSITIVE_INFINITY;
  return {
    ...options,
    connections: share(options.connections),
    amount: share(options.amount),
    ratePerSecond: options.ratePerSecond / workers,
  };
}

/** What makes no sense together. */
function checkTogether({ mode, workers, amount, ratePerSecond, expect }: ResolvedLoadOptions): void {
  if (mode === 'broadcast' && workers > 1) {
    throw new OptionError(
      'workers',
      `workers must be 1 in the mode broadcast, whose one publisher waits for all subscribers, got ${workers}`,
    );
  }
  if (mode === 'idle' && Number.isFinite(amount)) {
    throw new OptionError('amount', `amount cannot be used in the mode idle, which sends nothing, got ${amount}`);
  }
  if ((mode === 'idle' || mode === 'connect') && Number.isFinite(ratePerSecond)) {
    throw new OptionError('ratePerSecond', `ratePerSecond cannot be used in the mode ${mode}, got ${ratePerSecond}`);
  }
  if (mode === 'broadcast' && expect === 'none') {
    throw new OptionError('expect', "expect must be 'echo' in the mode broadcast, got 'none'");
  }
}

/** As threads can be given them. */
function pairsOf(headers: HeaderSource | undefined): ResolvedLoadOptions['headers'] {
  if (headers === undefined) return [];
  return Symbol.iterator in headers ? [...headers] : Object.entries(headers);
}
