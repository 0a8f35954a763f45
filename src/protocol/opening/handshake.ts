import { excerpt, HandshakeError, type HandshakeErrorCode, HeaderSyntaxError } from './handshake-error.js';
import { HandshakeHeaders } from './handshake-headers.js';
import {
  ALPHANUMERIC,
  characterSet,
  type Extension,
  isHost,
  listIncludes,
  parseExtensions,
  parseTokenList,
  spanEnd,
} from './header-grammar.js';
import { collectFields, type RequestFields } from './request-fields.js';
import { readTarget, TARGETS } from './request-target.js';

/** The one version of the protocol that is spoken here (RFC 6455 section 4.1, item 9). */
export const WEBSOCKET_VERSION = '13';

/**
 * A request as an HTTP/1 parser hands it over. IncomingMessage of node:http has the same properties under the same names, except
 * `target`, which is its `url`.
 */
export interface HandshakeRequest {
  /** The method, in the case in which it was sent. */
  readonly method: string;
  /** The request-target as it was sent, not normalised. */
  readonly target: string;
  /** The version of HTTP, as in "1.1". */
  readonly httpVersion: string;
  /** The names and values of all field lines in turn, as they came: one character per byte, without the space around values. */
  readonly rawHeaders: readonly string[];
}

/** An extension that the client offers (RFC 6455 section 9.1). */
export type ExtensionOffer = Extension;

/** A client's opening handshake that is valid (RFC 6455 section 4.2.1). */
export interface OpeningHandshake {
  /** The request-target as it was sent: "/path?query" or an absolute URI. */
  readonly target: string;
  /** The path, which begins with "/", percent-encoded as it was sent. Dot segments are not resolved. */
  readonly path: string;
  /** The query, which follows the "?", as it was sent; empty if there is none. */
  readonly query: string;
  /** The host, and the port, that the client has addressed: the authority of an absolute target, or else the Host header. */
  readonly host: string;
  /** The Origin header as it was sent, not judged; undefined if there is none. Every browser sends one. */
  readonly origin?: string | undefined;
  /** The Sec-WebSocket-Key header as it was sent: 24 characters. */
  readonly key: string;
  /** The subprotocols that the client offers, in its order of preference, no two alike; empty if it offers none. */
  readonly subprotocols: readonly string[];
  /** The extensions that the client offers, in its order of preference. A name may come twice, with other parameters. */
  readonly extensions: readonly ExtensionOffer[];
  /** All of the headers, for the application. */
  readonly headers: HandshakeHeaders;
}

/**
 * Reads a client's opening handshake, and checks everything that RFC 6455 section 4.2.1 wants. Its cost is linear in the size of the
 * request.
 *
 * A request that breaks several rules is refused for the first of them in this order: method, HTTP version, target, Host, body,
 * Upgrade, Connection, Sec-WebSocket-Version, and then what only version 13 defines.
 *
 * @throws HandshakeError with the status and the headers of the refusal.
 */
export function readHandshake(request: HandshakeRequest): OpeningHandshake {
  const { method, target, httpVersion, rawHeaders } = request;
  if (method !== 'GET') {
    throw new HandshakeError(
      405,
      'WSLOOM_HANDSHAKE_METHOD',
      `an opening handshake must be a GET request, got ${excerpt(method)}`,
      { Allow: 'GET' },
    );
  }
  checkHttpVersion(httpVersion);
  const resource = readTarget(target);
  if (resource === undefined) {
    throw badRequest('TARGET', `the request target must be ${TARGETS}, got ${excerpt(target)}`);
  }
  const { authority, path, query } = resource;
  const fields = collectFields(rawHeaders);
  checkHost(fields);
  if (fields.body !== undefined) {
    throw badRequest('BODY', `an opening handshake must not have a body, got the header ${excerpt(fields.body)}`);
  }
  checkUpgrade(fields);
  checkVersion(fields);
  checkKey(fields);
  if (fields.origins > 1) throw badRequest('ORIGIN', `Origin must come at most once, got it ${fields.origins} times`);
  return {
    target,
    path,
    query,
    host: authority ?? fields.host,
    origin: fields.origins === 0 ? undefined : fields.origin,
    key: fields.key,
    // Some embedded clients send the header without a value when they offer none.
    subprotocols: fields.protocols === undefined || fields.protocols === '' ? [] : readSubprotocols(fields.protocols),
    extensions: fields.extensions === undefined ? [] : readExtensions(fields.extensions),
    headers: new HandshakeHeaders(rawHeaders),
  };
}

type RuleOfStatus400 = 'TARGET' | 'HOST' | 'BODY' | 'CONNECTION' | 'KEY' | 'ORIGIN' | 'SUBPROTOCOLS' | 'EXTENSIONS';

function badRequest(rule: RuleOfStatus400, message: string, options?: ErrorOptions): HandshakeError {
  const code: HandshakeErrorCode = `WSLOOM_HANDSHAKE_${rule}`;
  return new HandshakeError(400, code, message, {}, options);
}

/**
 * Takes HTTP/1.1 and a later 1.x (RFC 6455 section 4.2.1, item 1). HTTP/1.0 has no Upgrade (RFC 9110 section 7.8), and 505 is the
 * status that names the cause.
 */
function checkHttpVersion(httpVersion: string): void {
  const minor = httpVersion.charCodeAt(2);
  if (httpVersion.length === 3 && httpVersion.startsWith('1.') && minor >= 0x31 && minor <= 0x39) return;
  throw new HandshakeError(
    505,
    'WSLOOM_HANDSHAKE_HTTP_VERSION',
    `an opening handshake must be made in HTTP/1.1 or a later 1.x, got HTTP version ${excerpt(httpVersion)}`,
  );
}

/** Host must be right even if an absolute target overrules it (RFC 9112 sections 3.2 and 3.2.2). */
function checkHost({ hosts, host }: RequestFields): void {
  if (hosts !== 1) throw badRequest('HOST', `Host must come exactly once, got it ${hosts} times`);
  if (!isHost(host))
    throw badRequest('HOST', `Host must be a host name or address and at most a port, got ${excerpt(host)}`);
}

/**
 * RFC 6455 section 4.2.1, items 3 and 4. A client that does not ask for the upgrade is answered with 426. The Upgrade header of that
 * answer says that only WebSockets are served (RFC 9110 section 15.5.22).
 */
function checkUpgrade({ upgrade, connection }: RequestFields): void {
  if (upgrade === undefined || !listIncludes(upgrade, 'websocket')) {
    throw new HandshakeError(
      426,
      'WSLOOM_HANDSHAKE_UPGRADE',
      `Upgrade must include "websocket", got ${found(upgrade)}`,
      { Upgrade: 'websocket' },
    );
  }
  if (connection === undefined || !listIncludes(connection, 'upgrade')) {
    throw badRequest('CONNECTION', `Connection must include "Upgrade", got ${found(connection)}`);
  }
}

/**
 * RFC 6455 section 4.2.1, item 6, and section 4.4. Everything but one header that says 13 is answered with the list of versions. So
 * is a request without that header, as clients of drafts before version 4 send it: the list is of more use to them than 400.
 */
function checkVersion({ versions, version }: RequestFields): void {
  if (versions === 1 && version === WEBSOCKET_VERSION) return;
  const got = versions > 1 ? `it ${versions} times` : found(versions === 0 ? undefined : version);
  throw new HandshakeError(
    426,
    'WSLOOM_HANDSHAKE_VERSION',
    `Sec-WebSocket-Version must come exactly once and be ${WEBSOCKET_VERSION}, got ${got}`,
    { 'Sec-WebSocket-Version': WEBSOCKET_VERSION, Upgrade: 'websocket' },
  );
}

const BASE64 = characterSet(`${ALPHANUMERIC}+/`);
/**
 * RFC 6455 section 4.2.1, item 5: the key is the base64 of 16 bytes, and comes once (section 11.3.1). The padding bits of its last
 * character may be set, as they are in the example of section 4.1: the key is never decoded.
 */
function checkKey({ keys, key }: RequestFields): void {
  if (keys !== 1) throw badRequest('KEY', `Sec-WebSocket-Key must come exactly once, got it ${keys} times`);
  const isBase64Of16Bytes = key.length === 24 && spanEnd(key, BASE64, 0, 22) === 22 && key.endsWith('==');
  if (!isBase64Of16Bytes) {
    throw badRequest('KEY', `Sec-WebSocket-Key must be the base64 of 16 bytes, got ${excerpt(key)}`);
  }
}

/** RFC 6455 section 4.1, item 10: at least one token, and no two alike. They are compared as they are: no rule folds their case. */
function readSubprotocols(list: string): string[] {
  const subprotocols = readList('SUBPROTOCOLS', 'Sec-WebSocket-Protocol', list, parseTokenList);
  const seen = new Set<string>();
  for (const subprotocol of subprotocols) {
    if (seen.has(subprotocol)) {
      throw badRequest(
        'SUBPROTOCOLS',
        `Sec-WebSocket-Protocol must name none twice, got ${excerpt(subprotocol)} again`,
      );
    }
    seen.add(subprotocol);
  }
  return subprotocols;
}

/** Reads the offered extensions (RFC 6455 section 4.2.1, item 9). */
function readExtensions(list: string): Extension[] {
  return readList('EXTENSIONS', 'Sec-WebSocket-Extensions', list, parseExtensions);
}

function readList<T>(
  rule: 'SUBPROTOCOLS' | 'EXTENSIONS',
  header: string,
  list: string,
  parse: (list: string) => T[],
): T[] {
  try {
    return parse(list);
  } catch (error) {
    if (!(error instanceof HeaderSyntaxError)) throw error;
    throw badRequest(rule, `${header} is malformed: ${error.message}`, { cause: error });
  }
}

function found(value: string | undefined): string {
  return value === undefined ? 'none' : excerpt(value);
}
