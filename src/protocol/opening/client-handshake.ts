import type { DeflateAgreement, DeflateSettings } from '../deflate/agreement.js';
import { deflateOffers, readDeflateAnswer } from '../deflate/offer.js';
import { acceptKey, type Sha1Base64 } from './accept-key.js';
import { WEBSOCKET_VERSION } from './handshake.js';
import { excerpt, HandshakeConfigError } from './handshake-error.js';
import { HandshakeHeaders } from './handshake-headers.js';
import { type HeaderSource, renderHeaders } from './handshake-response.js';
import { HandshakeResponseError, type HandshakeResponseErrorCode } from './handshake-response-error.js';
import { equalsIgnoringCase, formatExtensions, isToken, listIncludes } from './header-grammar.js';
import type { ResponseHead } from './response-head.js';

/** What a client's opening handshake says (RFC 6455 section 4.1). */
export interface ClientHandshake {
  /** The request target: "/path?query", percent-encoded. */
  readonly target: string;
  /** The value of the Host header: the host, and the port if it is not the scheme's own. */
  readonly host: string;
  /** The value of Sec-WebSocket-Key: the base64 of 16 bytes that nobody can predict (section 4.1, item 7). */
  readonly key: string;
  /** The subprotocols that are offered, in the order of preference, no two alike; none by default. */
  readonly subprotocols?: readonly string[] | undefined;
  /** Headers in addition to those of the handshake, in ASCII; none by default. */
  readonly headers?: HeaderSource | undefined;
  /** How messages are to be compressed (RFC 7692); by default no extension is offered. */
  readonly deflate?: DeflateSettings | undefined;
}

const OWNED_BY_REQUEST: ReadonlySet<string> = new Set([
  'host',
  'upgrade',
  'connection',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
  'sec-websocket-accept',
  'content-length',
  'transfer-encoding',
]);

/**
 * Writes a client's opening handshake, from "GET" to the empty line, in ASCII (RFC 6455 section 4.1).
 *
 * @throws HandshakeConfigError if a subprotocol is no token or is named twice, or a header cannot be sent or is the
 * handshake's own
 */
export function renderRequest(handshake: ClientHandshake): string {
  const { target, host, key, subprotocols = [], headers, deflate } = handshake;
  checkSubprotocols(subprotocols);
  let head = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: ${WEBSOCKET_VERSION}\r\n`;
  if (subprotocols.length > 0) head += `Sec-WebSocket-Protocol: ${subprotocols.join(', ')}\r\n`;
  if (deflate !== undefined) head += `Sec-WebSocket-Extensions: ${formatExtensions(deflateOffers(deflate))}\r\n`;
  if (headers !== undefined) head += renderHeaders(headers, OWNED_BY_REQUEST);
  return `${head}\r\n`;
}

function checkSubprotocols(subprotocols: readonly string[]): void {
  const seen = new Set<string>();
  for (const subprotocol of subprotocols) {
    if (typeof subprotocol === 'string' && isToken(subprotocol) && !seen.has(subprotocol)) {
      seen.add(subprotocol);
      continue;
    }
    throw new HandshakeConfigError(
      'WSLOOM_SUBPROTOCOL_INVALID',
      'subprotocols',
      `subprotocols must be tokens, no two alike, got ${excerpt(String(subprotocol))}`,
    );
  }
}

/** What a server has accepted, in an answer that is valid (RFC 6455 section 4.1). */
export interface Acceptance {
  /** The subprotocol that the server has chosen of those offered; empty if it has chosen none. */
  readonly subprotocol: string;
  /** How messages are compressed, as the client sees it (RFC 7692); undefined if they are not. */
  readonly deflate: DeflateAgreement | undefined;
  /** All of the headers of the answer. */
  readonly headers: HandshakeHeaders;
}

/**
 * Checks everything that RFC 6455 section 4.1 wants of the server's answer, in the section's order: status, Upgrade, Connection,
 * Sec-WebSocket-Accept, extensions, subprotocol.
 *
 * @param sha1Base64 for Sec-WebSocket-Accept.
 * @throws HandshakeResponseError for the first of these that is wrong.
 */
export function readAcceptance(
  head: ResponseHead,
  { key, subprotocols = [], deflate }: ClientHandshake,
  sha1Base64: Sha1Base64,
): Acceptance {
  const headers = new HandshakeHeaders(head.rawHeaders);
  const wrong = (code: HandshakeResponseErrorCode, finding: string) =>
    new HandshakeResponseError(code, finding, head.status);
  if (head.status !== 101) {
    throw wrong('WSLOOM_RESPONSE_STATUS', `its status must be 101, got ${head.status} ${excerpt(head.reason)}`);
  }
  const upgrade = headers.get('upgrade');
  if (upgrade === undefined || !equalsIgnoringCase(upgrade, 'websocket')) {
    throw wrong('WSLOOM_RESPONSE_UPGRADE', `Upgrade must be "websocket", got ${found(upgrade)}`);
  }
  const connection = headers.get('connection');
  if (connection === undefined || !listIncludes(connection, 'upgrade')) {
    throw wrong('WSLOOM_RESPONSE_CONNECTION', `Connection must include "Upgrade", got ${found(connection)}`);
  }
  const accept = headers.get('sec-websocket-accept');
  const wanted = acceptKey(key, sha1Base64);
  if (accept !== wanted) {
    throw wrong('WSLOOM_RESPONSE_ACCEPT', `Sec-WebSocket-Accept must be ${wanted}, got ${found(accept)}`);
  }
  const agreement = readDeflateAnswer(deflate, headers.get('sec-websocket-extensions'));
  const subprotocol = headers.get('sec-websocket-protocol');
  if (subprotocol !== undefined && !subprotocols.includes(subprotocol)) {
    const offered = subprotocols.length === 0 ? 'none was offered' : `of those offered (${subprotocols.join(', ')})`;
    throw wrong(
      'WSLOOM_RESPONSE_SUBPROTOCOL',
      `it must choose no subprotocol but one, ${offered}, got ${found(subprotocol)}`,
    );
  }
  return { subprotocol: subprotocol ?? '', deflate: agreement, headers };
}

function found(value: string | undefined): string {
  return value === undefined ? 'none' : excerpt(value);
}
