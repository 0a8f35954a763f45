import { similarName } from '../options/similar-name.js';
import type { HeaderSource } from '../protocol/opening/handshake-response.js';
import { describeValue, oneLine } from '../telemetry/describe-value.js';

/**
 * An `upgrade` hook has given an answer that neither accepts nor refuses, and so the connection is refused. The message is one
 * line that names the answer and what is allowed.
 */
export class DecisionError extends Error {
  readonly code = 'WSLOOM_DECISION';
  override readonly name = 'DecisionError';
}

/** The connection is accepted. */
export interface Acceptance {
  readonly accepts: true;
  readonly subprotocol: string | undefined;
  readonly headers: HeaderSource | undefined;
  /** A structured clone of what the hook attached. */
  readonly data: unknown;
  /** Whether messages may be compressed. */
  readonly deflate: boolean;
}

/** The connection is refused. */
export interface Refusal {
  readonly accepts: false;
  readonly status: number;
  readonly headers: HeaderSource | undefined;
  readonly body: string | undefined;
}

const ACCEPTED: Acceptance = {
  accepts: true,
  subprotocol: undefined,
  headers: undefined,
  data: undefined,
  deflate: true,
};

const ACCEPTING: readonly string[] = ['subprotocol', 'headers', 'data', 'deflate'];
const REFUSING: readonly string[] = ['status', 'headers', 'body'];
const ALL: readonly string[] = ['status', 'headers', 'body', 'subprotocol', 'data', 'deflate'];

const ALLOWED =
  'it must return undefined or { subprotocol, headers, data, deflate } to accept, { status: 300 to 599, headers, body } to refuse';

/**
 * Reads the answer of an `upgrade` hook: the value that it has returned, or that its promise has resolved with. Two answers
 * accept: `undefined`, and a plain object that has no keys but those of an acceptance. Each property is read once. The values of
 * headers are checked later, when the response is made.
 *
 * @throws DecisionError for every other answer. A getter or a Proxy of the application may throw anything else.
 */
export function readDecision(answer: unknown): Acceptance | Refusal {
  if (answer === undefined) return ACCEPTED;
  if (!isPlainObject(answer)) throw wrong(`got ${describeValue(answer)}`);
  // Symbols and properties that are not enumerable count too, because an overlooked key may be the one that refuses.
  const keys = Reflect.ownKeys(answer);
  for (const key of keys) {
    if (typeof key === 'string' && ALL.includes(key)) continue;
    throw wrong(`got ${describeValue(answer)}: there is no ${describeValue(key)}${hint(key)}`);
  }
  const refuses = keys.includes('status');
  const other = keys.find((key) => !(refuses ? REFUSING : ACCEPTING).includes(key as string));
  if (other !== undefined) {
    throw wrong(
      `got ${describeValue(answer)}: ${String(other)} ${refuses ? 'does not go with status' : 'needs a status'}`,
    );
  }
  return refuses ? readRefusal(answer) : readAcceptance(answer);
}

function readRefusal(answer: object): Refusal {
  const status: unknown = own(answer, 'status');
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 300 || status > 599) {
    throw wrong(`status must be an integer from 300 to 599, got ${describeValue(status)}`);
  }
  const body: unknown = own(answer, 'body');
  if (body !== undefined && typeof body !== 'string') throw wrong(`body must be a string, got ${describeValue(body)}`);
  return { accepts: false, status, headers: readHeaders(answer), body };
}

function readAcceptance(answer: object): Acceptance {
  const subprotocol: unknown = own(answer, 'subprotocol');
  if (subprotocol !== undefined && typeof subprotocol !== 'string') {
    throw wrong(`subprotocol must be a string, got ${describeValue(subprotocol)}`);
  }
  const deflate: unknown = own(answer, 'deflate');
  if (deflate !== undefined && typeof deflate !== 'boolean') {
    throw wrong(`deflate must be true or false, got ${describeValue(deflate)}`);
  }
  const data = cloneData(own(answer, 'data'));
  return { accepts: true, subprotocol, headers: readHeaders(answer), data, deflate: deflate !== false };
}

function readHeaders(answer: object): HeaderSource | undefined {
  const headers: unknown = own(answer, 'headers');
  if (headers === undefined) return undefined;
  // Any other object, such as a promise, would silently add no headers.
  const isSource =
    typeof headers === 'object' && headers !== null && (Symbol.iterator in headers || isPlainObject(headers));
  if (isSource) return headers as HeaderSource;
  throw wrong(`headers must be a plain object, or pairs of name and value, got ${describeValue(headers)}`);
}

/** Clones the data even if no thread is crossed, because data that cannot be cloned must be found before the 101 is sent. */
function cloneData(data: unknown): unknown {
  try {
    return data === undefined ? undefined : structuredClone(data);
  } catch (error) {
    const why = error instanceof Error ? oneLine(error.message, 200) : describeValue(error);
    throw new DecisionError(`data must be what structuredClone can copy, got ${describeValue(data)}: ${why}`);
  }
}

/** Reads a property of the answer itself, and ignores whatever somebody has put into `Object.prototype`. */
function own(answer: object, key: string): unknown {
  return Object.hasOwn(answer, key) ? Reflect.get(answer, key) : undefined;
}

function wrong(what: string): DecisionError {
  return new DecisionError(`${ALLOWED}; ${what}`);
}

function hint(key: string | symbol): string {
  const meant = typeof key === 'string' ? (MEANT.get(key.toLowerCase()) ?? similarName(key, ALL)) : undefined;
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}

/** The keys that other libraries use, in lower case, and the keys that are meant. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ['statuscode', 'status'],
  ['code', 'status'],
  ['protocol', 'subprotocol'],
  ['reason', 'body'],
  ['message', 'body'],
]);

/**
 * Whether an object inherits from `Object.prototype`, maybe that of another realm, or from nothing. An inherited property could
 * contradict the answer that is read here.
 */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'hasOwnProperty');
}
