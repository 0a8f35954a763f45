import { isUtf8 } from 'node:buffer';
import { readAddress } from '../client/address.js';
import { checkCertificates } from '../client/certificates.js';
import { Handshake } from '../client/handshake.js';
import { OptionError } from '../client/option-error.js';
import { HandshakeConfigError } from '../protocol/handshake-error.js';
import type { HeaderSource, HeaderValue } from '../protocol/handshake-response.js';
import { shown, unknownOption } from '../options/shown.js';
import { kindOf, viewOf } from '../protocol/view-of.js';
import { LOAD_DEFAULTS } from './load-defaults.js';
import { EXPECTATIONS, type Expectation, LOAD_MODES, type LoadMode, type LoadOptions } from './load-options.js';

/** {@link LoadOptions}, checked and complete, for one thread or all of them. It can be posted to threads. */
export interface Plan {
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
  readonly rejectUnauthorized: boolean;
  readonly ca: string | undefined;
}

const MAX_TIME_MS = 2 ** 31 - 1;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Least and greatest value of each numeric option. */
const RANGES = {
  connections: [1, 1_000_000],
  inFlight: [1, 10_000],
  durationMs: [1, MAX_TIME_MS],
  amount: [1, Number.MAX_SAFE_INTEGER],
  ratePerSecond: [1, 1e9],
  warmUpMs: [0, MAX_TIME_MS],
  workers: [1, 1024],
  sizeBytes: [0, MAX_MESSAGE_BYTES],
  timeoutMs: [1, MAX_TIME_MS],
} as const satisfies Partial<Record<keyof LoadOptions, readonly [number, number]>>;

const OTHERS = ['url', 'title', 'mode', 'message', 'isBinary', 'expect', 'subprotocols', 'headers'];
const OPTIONS: readonly string[] = [...Object.keys(RANGES), ...OTHERS, 'rejectUnauthorized', 'ca'];

/** Checks options and fills in defaults. @throws OptionError for the first that cannot be used. */
export function planLoad(options: LoadOptions): Plan {
  if (typeof options !== 'object' || options === null) {
    throw new OptionError('options', `load needs an object of options, got ${String(options)}`);
  }
  const unknown = unknownOption(options, OPTIONS);
  if (unknown !== undefined) throw new OptionError(unknown.name, unknown.message);
  const number = (name: keyof typeof RANGES, byDefault: number) =>
    options[name] === undefined ? byDefault : checkNumber(name, options[name]);
  const mode = checkChoice('mode', options.mode ?? LOAD_DEFAULTS.mode, LOAD_MODES);
  const connections = number('connections', LOAD_DEFAULTS.connections);
  const hasAmount = options.amount !== undefined;
  const { payload, isBinary } = planMessage(options, number('sizeBytes', LOAD_DEFAULTS.sizeBytes));
  const plan: Plan = {
    url: String(options.url),
    title: options.title,
    mode,
    connections,
    inFlight: number('inFlight', LOAD_DEFAULTS.inFlight),
    durationMs: number('durationMs', hasAmount ? Number.POSITIVE_INFINITY : LOAD_DEFAULTS.durationMs),
    amount: number('amount', Number.POSITIVE_INFINITY),
    ratePerSecond: number('ratePerSecond', Number.POSITIVE_INFINITY),
    warmUpMs: number('warmUpMs', hasAmount || mode === 'idle' ? 0 : LOAD_DEFAULTS.warmUpMs),
    workers: Math.min(number('workers', LOAD_DEFAULTS.workers), connections),
    payload,
    isBinary,
    expect: checkChoice('expect', options.expect ?? LOAD_DEFAULTS.expect, EXPECTATIONS),
    timeoutMs: number('timeoutMs', LOAD_DEFAULTS.timeoutMs),
    subprotocols: [...(options.subprotocols ?? [])],
    headers: pairsOf(options.headers),
    rejectUnauthorized: options.rejectUnauthorized ?? true,
    ca: options.ca,
  };
  checkTogether(plan);
  checkCertificates(plan.ca);
  try {
    // The offer is checked before anything is connected to.
    new Handshake(readAddress(options.url), plan);
  } catch (error) {
    if (!(error instanceof HandshakeConfigError)) throw error;
    throw new OptionError(error.option, error.message, { cause: error });
  }
  return plan;
}

/** The part of one thread. @param index from 0 */
export function planOfThread(plan: Plan, index: number): Plan {
  const share = (whole: number) =>
    Number.isFinite(whole)
      ? Math.floor(whole / plan.workers) + (index < whole % plan.workers ? 1 : 0)
      : Number.POSITIVE_INFINITY;
  return {
    ...plan,
    connections: share(plan.connections),
    amount: share(plan.amount),
    ratePerSecond: plan.ratePerSecond / plan.workers,
  };
}

/** What makes no sense together. */
function checkTogether({ mode, workers, amount, ratePerSecond, expect }: Plan): void {
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

function planMessage(options: LoadOptions, sizeBytes: number): Pick<Plan, 'payload' | 'isBinary'> {
  const { message } = options;
  const isBinary = options.isBinary ?? (message !== undefined && typeof message !== 'string');
  if (message === undefined) return { payload: fill(sizeBytes, isBinary), isBinary };
  if (options.sizeBytes !== undefined) {
    throw new OptionError('sizeBytes', 'sizeBytes must not be given with a message, which has its own size');
  }
  const payload = typeof message === 'string' ? Buffer.from(message) : viewOf(message);
  if (payload === undefined) {
    throw new OptionError('message', `message must be a string or a Uint8Array, got ${kindOf(message)}`);
  }
  if (payload.length > MAX_MESSAGE_BYTES) {
    throw new OptionError('message', `message must be at most ${MAX_MESSAGE_BYTES} bytes, got ${payload.length}`);
  }
  if (!isBinary && !isUtf8(payload)) {
    throw new OptionError('message', 'message must be UTF-8 to be sent as text: send it as binary');
  }
  return { payload, isBinary };
}

/** Bytes that look random and are the same each time (a xorshift generator); letters, digits and the like if it is text. */
function fill(length: number, isBinary: boolean): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  let state = 0x9e3779b9;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const byte = state >>> 24;
    bytes[i] = isBinary ? byte : 0x20 + (byte % 95);
  }
  return bytes;
}

/** As threads can be given them. */
function pairsOf(headers: HeaderSource | undefined): Plan['headers'] {
  if (headers === undefined) return [];
  return Symbol.iterator in headers ? [...headers] : Object.entries(headers);
}

function checkNumber(name: keyof typeof RANGES, value: unknown): number {
  const [least, greatest] = RANGES[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= greatest) return value;
  throw new OptionError(name, `${name} must be an integer from ${least} to ${greatest}, got ${shown(value)}`);
}

function checkChoice<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  const known = choices.find((choice) => choice === value);
  if (known !== undefined) return known;
  throw new OptionError(name, `${name} must be one of ${choices.join(', ')}, got ${shown(value)}`);
}
