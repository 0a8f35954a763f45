import { similarName } from '../options/similar-name.js';
import type { HeaderSource } from '../protocol/opening/handshake-response.js';
import { describeValue, oneLine } from '../telemetry/describe-value.js';

/** What an `upgrade` hook has answered means nothing: nobody is let in by it. The message, one line, names the answer and what is allowed. */
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
}

/** The connection is refused. */
export interface Refusal {
  readonly accepts: false;
  readonly status: number;
  readonly headers: HeaderSource | undefined;
  readonly body: string | undefined;
}

const ACCEPTING: readonly string[] = ['subprotocol', 'headers', 'data'];
const REFUSING: readonly string[] = ['status', 'headers', 'body'];
const ALL: readonly string[] = ['status', 'headers', 'body', 'subprotocol', 'data'];

const ALLOWED =
  'it must return undefined or { subprotocol, headers, data } to accept, { status: 300 to 599, headers, body } to refuse';

/**
 * Reads what an `upgrade` hook has returned, or its promise has given. Only what can mean nothing else accepts: `undefined`, and a plain
 * object with no other keys than those of an acceptance. Each property is read once. Header values are checked when the response is made.
 *
 * @throws DecisionError for everything else; whatever a getter or a Proxy of the application throws
 */
export function readDecision(answer: unknown): Acceptance | Refusal {
  if (answer === undefined) return { accepts: true, subprotocol: undefined, headers: undefined, data: undefined };
  if (!isPlainObject(answer)) throw wrong(`got ${describeValue(answer)}`);
  // Symbols too, and what is not enumerable: a key that is overlooked may be the one that refuses.
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
  return { accepts: true, subprotocol, headers: readHeaders(answer), data: cloneData(own(answer, 'data')) };
}

function readHeaders(answer: object): HeaderSource | undefined {
  const headers: unknown = own(answer, 'headers');
  if (headers === undefined) return undefined;
  // Of any other object there would be no headers to be seen, and they would be left out in silence: a promise, for one.
  const isSource =
    typeof headers === 'object' && headers !== null && (Symbol.iterator in headers || isPlainObject(headers));
  if (isSource) return headers as HeaderSource;
  throw wrong(`headers must be a plain object, or pairs of name and value, got ${describeValue(headers)}`);
}

/** Here also when no thread is crossed: what cannot be cloned must be found before the 101 is sent. */
function cloneData(data: unknown): unknown {
  try {
    return data === undefined ? undefined : structuredClone(data);
  } catch (error) {
    const why = error instanceof Error ? oneLine(error.message, 200) : describeValue(error);
    throw new DecisionError(`data must be what structuredClone can copy, got ${describeValue(data)}: ${why}`);
  }
}

/** Not what somebody has put into `Object.prototype`. */
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

/** What other libraries call it, in lower case. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ['statuscode', 'status'],
  ['code', 'status'],
  ['protocol', 'subprotocol'],
  ['reason', 'body'],
  ['message', 'body'],
]);

/**
 * Whether an object has no other properties than its own, of whatever realm it is: what it inherits could say something else than
 * what is read here.
 */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'hasOwnProperty');
}
