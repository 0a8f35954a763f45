import { acceptKey, type Sha1Base64 } from './accept-key.js';
import type { OpeningHandshake } from './handshake.js';
import { excerpt, HandshakeConfigError } from './handshake-error.js';
import { type Extension, formatExtensions, isFieldValue, isToken } from './header-grammar.js';

/** The value of a header to send, or several values. Each of these gets a field line of its own, as Set-Cookie needs it. */
export type HeaderValue = string | readonly string[];

/** Headers to send: pairs of name and value, as an array, a Map and WHATWG's Headers have them, or a record. */
export type HeaderSource =
  | Iterable<readonly [name: string, value: HeaderValue]>
  | Readonly<Record<string, HeaderValue>>;

/** What a server's opening handshake says when it accepts (RFC 6455 section 4.2.2, step 5). */
export interface AcceptOptions {
  /** The subprotocol that is chosen of those offered; none by default. */
  readonly subprotocol?: string | undefined;
  /** The extensions that are accepted of those offered, with their parameters, in the order of section 9.1; none by default. */
  readonly extensions?: readonly Extension[] | undefined;
  /** Headers of the application, such as Set-Cookie, in ASCII; none by default. */
  readonly headers?: HeaderSource | undefined;
}

/**
 * Writes a server's opening handshake, from "HTTP/1.1 101" to the empty line, in ASCII (RFC 6455 section 4.2.2, step 5).
 *
 * @param sha1Base64 for Sec-WebSocket-Accept.
 * @throws HandshakeConfigError if something was not offered, or a header cannot be sent or is the handshake's own
 */
export function renderAccept(handshake: OpeningHandshake, sha1Base64: Sha1Base64, options: AcceptOptions = {}): string {
  const { subprotocol, extensions, headers } = options;
  let head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(handshake.key, sha1Base64)}\r\n`;
  if (subprotocol !== undefined) {
    if (!handshake.subprotocols.includes(subprotocol)) {
      throw new HandshakeConfigError(
        'WSLOOM_SUBPROTOCOL_NOT_OFFERED',
        'subprotocol',
        `subprotocol must be one that the client offered ${listed(handshake.subprotocols)}, got ${shown(subprotocol)}`,
      );
    }
    head += `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
  }
  if (extensions !== undefined && extensions.length > 0) {
    checkExtensions(handshake, extensions);
    head += `Sec-WebSocket-Extensions: ${formatExtensions(extensions)}\r\n`;
  }
  if (headers !== undefined) head += renderHeaders(headers, OWNED_BY_ACCEPT);
  return `${head}\r\n`;
}

/** What a refusal says beside its status. */
export interface RefusalOptions {
  /**
   * Headers in addition to those of the refusal, in ASCII. A Content-Type replaces the default `text/plain; charset=utf-8`, and an
   * X-Content-Type-Options replaces the default `nosniff`.
   */
  readonly headers?: HeaderSource | undefined;
  /** The body, which is sent in UTF-8. Default: the reason phrase. */
  readonly body?: string | undefined;
  /** The reason phrase, in ASCII. Default: the usual one of the status. */
  readonly reason?: string | undefined;
}

/**
 * Writes a complete HTTP/1.1 response that refuses or redirects an opening handshake (RFC 6455 section 4.2.2, steps 2 to 4). It has
 * to be sent in UTF-8, and the connection to be closed behind it.
 *
 * @param status an integer from 300 to 599
 * @throws HandshakeConfigError if the status, the reason or a header cannot be sent
 */
export function renderRefusal(status: number, options: RefusalOptions = {}): string {
  if (!Number.isInteger(status) || status < 300 || status > 599) {
    throw new HandshakeConfigError(
      'WSLOOM_STATUS_INVALID',
      'status',
      `status of a refused handshake must be an integer from 300 to 599, got ${shown(status)}`,
    );
  }
  const reason = options.reason ?? REASONS.get(status) ?? REASONS_OF_CLASS[Math.floor(status / 100) - 3] ?? '';
  if (!isFieldValue(reason)) {
    throw new HandshakeConfigError(
      'WSLOOM_REASON_INVALID',
      'reason',
      `reason must be printable ASCII on one line, got ${shown(reason)}`,
    );
  }
  const body = options.body ?? reason;
  const own = new Set<string>();
  const headers = options.headers === undefined ? '' : renderHeaders(options.headers, OWNED_BY_REFUSAL, own);
  // A sender of Upgrade has to list it in Connection too (RFC 9110 section 7.8).
  let head = `HTTP/1.1 ${status} ${reason}\r\nConnection: ${own.has('upgrade') ? 'close, Upgrade' : 'close'}\r\n`;
  if (!own.has('content-type')) head += 'Content-Type: text/plain; charset=utf-8\r\n';
  if (!own.has('x-content-type-options')) head += 'X-Content-Type-Options: nosniff\r\n';
  return `${head}Content-Length: ${new TextEncoder().encode(body).length}\r\n${headers}\r\n${body}`;
}

const OWNED_BY_ACCEPT: ReadonlySet<string> = new Set([
  'upgrade',
  'connection',
  'sec-websocket-accept',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
  'sec-websocket-version',
  'sec-websocket-key',
  'content-length',
  'transfer-encoding',
]);

const OWNED_BY_REFUSAL: ReadonlySet<string> = new Set(['connection', 'content-length', 'transfer-encoding']);

/** The reason phrases of RFC 9110 section 15, for the statuses that a handshake is likely to be refused with. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [300, 'Multiple Choices'],
  [301, 'Moved Permanently'],
  [302, 'Found'],
  [303, 'See Other'],
  [307, 'Temporary Redirect'],
  [308, 'Permanent Redirect'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [402, 'Payment Required'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [406, 'Not Acceptable'],
  [408, 'Request Timeout'],
  [409, 'Conflict'],
  [410, 'Gone'],
  [413, 'Content Too Large'],
  [414, 'URI Too Long'],
  [421, 'Misdirected Request'],
  [426, 'Upgrade Required'],
  [429, 'Too Many Requests'],
  [431, 'Request Header Fields Too Large'],
  [500, 'Internal Server Error'],
  [501, 'Not Implemented'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
  [505, 'HTTP Version Not Supported'],
]);

const REASONS_OF_CLASS = ['Redirection', 'Client Error', 'Server Error'] as const;

/** Checks that each extension was offered, since an offer can be accepted once only (RFC 6455 sections 4.2.2 and 9.1). */
function checkExtensions(handshake: OpeningHandshake, extensions: readonly Extension[]): void {
  const offered = handshake.extensions.map(({ name }) => name);
  const left = [...offered];
  for (const { name, parameters } of extensions) {
    const at = left.indexOf(name);
    if (at === -1) {
      throw new HandshakeConfigError(
        'WSLOOM_EXTENSION_NOT_OFFERED',
        'extensions',
        `extensions must be among those that the client offered ${listed(offered)}, and each offer can be accepted once, got ${shown(name)}`,
      );
    }
    left.splice(at, 1);
    for (const { name: parameter, value } of parameters) {
      if (isText(parameter) && isToken(parameter) && (value === undefined || (isText(value) && isToken(value))))
        continue;
      throw new HandshakeConfigError(
        'WSLOOM_EXTENSION_INVALID',
        'extensions',
        `the parameters of ${name} and their values must be tokens, got ${shown(parameter)} with the value ${shown(value)}`,
      );
    }
  }
}

/**
 * Writes the field lines of either side (RFC 9110 section 5). Each name and value is checked: a line break in one of them could
 * smuggle in more headers.
 *
 * @param owned the names, in lower case, of the headers that the handshake sets itself.
 * @param seen gets the names that are written, in lower case.
 * @throws HandshakeConfigError if a header cannot be sent, or is owned.
 */
export function renderHeaders(headers: HeaderSource, owned: ReadonlySet<string>, seen?: Set<string>): string {
  if (typeof headers !== 'object' || headers === null) {
    throw invalidHeader(`headers must be a record or pairs of name and value, got ${shown(headers)}`);
  }
  const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
  let lines = '';
  for (const pair of pairs) {
    // A flat list of names and values would otherwise be read by its letters.
    if (!Array.isArray(pair)) throw invalidHeader(`headers must be pairs of name and value, got ${shown(pair)}`);
    const [name, value] = pair as readonly [unknown, unknown];
    if (!isText(name) || !isToken(name)) throw invalidHeader(`a header's name must be a token, got ${shown(name)}`);
    const lowerCase = name.toLowerCase();
    if (owned.has(lowerCase)) {
      throw new HandshakeConfigError(
        'WSLOOM_HEADER_OWNED',
        'headers',
        `headers must not contain ${name}: the handshake sets it itself`,
      );
    }
    seen?.add(lowerCase);
    for (const line of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
      if (!isText(line) || !isFieldValue(line)) {
        throw invalidHeader(`the header ${name} must be a string of printable ASCII on one line, got ${shown(line)}`);
      }
      lines += `${name}: ${line}\r\n`;
    }
  }
  return lines;
}

function invalidHeader(message: string): HandshakeConfigError {
  return new HandshakeConfigError('WSLOOM_HEADER_INVALID', 'headers', message);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Names a value that TypeScript would have refused by its type: to turn an object into a string would run its code. */
function shown(value: unknown): string {
  if (isText(value)) return excerpt(value);
  return typeof value === 'number' || value === undefined || value === null ? String(value) : `a ${typeof value}`;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? '(it offered none)' : `(${excerpt(names.join(', '))})`;
}
