import type { HandshakeRequest } from './handshake.js';
import {
  ALPHANUMERIC,
  characterRange,
  characterSet,
  equalsIgnoringCase,
  listIncludes,
  spanEnd,
} from './header-grammar.js';

/** What the name of a field is made of (RFC 9110 section 5.6.2). */
const TOKEN = characterSet(`${ALPHANUMERIC}!#$%&'*+-.^_\`|~`);
/** What the value of a field is made of (RFC 9110 section 5.5): visible characters, those beyond ASCII included, spaces and tabs. */
const FIELD_VALUE = characterRange(' ', '\u00ff');
FIELD_VALUE[0x7f] = 0;
FIELD_VALUE[9] = 1;
const WHITESPACE = characterSet(' \t');
/** What the request target is made of. */
const TARGET = characterRange('!', '~');

const METHOD = 'GET ';
const PATH = 'GET /';
const VERSION = ' HTTP/1.1';
const END_OF_LINE = '\r\n';

/**
 * Reads the head of a request that asks for an upgrade to WebSocket (RFC 9112 sections 2 to 5), if it is an ordinary one: GET of a
 * path, HTTP/1.1, no body (one Content-Length of 0 is none), lines that end with CR LF, names without a space behind them, values
 * without line folding. Any other request is for an HTTP parser to judge. The cost is linear in the length of the head.
 *
 * @param head the head up to its empty line, which is included; one character per byte.
 * @param maxHeaders how many headers an ordinary request has at most.
 * @returns undefined if the request is not ordinary, or asks for something else.
 */
export function readUpgradeRequest(head: string, maxHeaders: number): HandshakeRequest | undefined {
  if (!head.startsWith(PATH)) return undefined;
  const targetEnd = spanEnd(head, TARGET, METHOD.length);
  const lineEnd = targetEnd + VERSION.length;
  if (!head.startsWith(VERSION, targetEnd) || !head.startsWith(END_OF_LINE, lineEnd)) {
    return undefined;
  }
  const rawHeaders: string[] = [];
  let asksForWebSocket = false;
  let asksForUpgrade = false;
  let hasLength = false;
  let at = lineEnd + END_OF_LINE.length;
  while (!head.startsWith(END_OF_LINE, at)) {
    const nameEnd = spanEnd(head, TOKEN, at);
    if (nameEnd === at || head[nameEnd] !== ':' || rawHeaders.length === 2 * maxHeaders) return undefined;
    const valueStart = spanEnd(head, WHITESPACE, nameEnd + 1);
    const fieldEnd = spanEnd(head, FIELD_VALUE, valueStart);
    if (!head.startsWith(END_OF_LINE, fieldEnd)) return undefined;
    let valueEnd = fieldEnd;
    while (valueEnd > valueStart && WHITESPACE[head.charCodeAt(valueEnd - 1)] === 1) valueEnd--;
    if (equalsIgnoringCase(head, 'content-length', at, nameEnd)) {
      // Compared to the end of the line: Node takes no tab behind the value.
      if (hasLength || !equalsIgnoringCase(head, '0', valueStart, fieldEnd)) return undefined;
      hasLength = true;
    }
    if (equalsIgnoringCase(head, 'transfer-encoding', at, nameEnd)) return undefined;
    if (equalsIgnoringCase(head, 'upgrade', at, nameEnd)) {
      asksForWebSocket = equalsIgnoringCase(head, 'websocket', valueStart, valueEnd);
    }
    const value = head.slice(valueStart, valueEnd);
    if (equalsIgnoringCase(head, 'connection', at, nameEnd)) asksForUpgrade ||= listIncludes(value, 'upgrade');
    rawHeaders.push(head.slice(at, nameEnd), value);
    at = fieldEnd + END_OF_LINE.length;
  }
  // An Upgrade that Connection does not name is to be ignored (RFC 9110 section 7.8).
  if (!asksForWebSocket || !asksForUpgrade || at + END_OF_LINE.length !== head.length) return undefined;
  return { method: 'GET', target: head.slice(METHOD.length, targetEnd), httpVersion: '1.1', rawHeaders };
}
