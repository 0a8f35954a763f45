import { characterRange, equalsIgnoringCase, isHost, spanEnd } from './header-grammar.js';

/** What {@link readTarget} takes, for messages. */
export const TARGETS = '"/path?query" or an http, https, ws or wss URI with a host and without user or fragment';

/**
 * Visible ASCII but "#": a fragment is not sent (RFC 6455 section 3). Otherwise wider than the URI grammar, since browsers
 * send some characters that it reserves, such as "|", as they are.
 */
const TARGET = characterRange('!', '~');
TARGET['#'.charCodeAt(0)] = 0;

/** A request-target, taken apart. */
export interface Target {
  /** Of an absolute target: it overrules Host (RFC 9112 section 3.2.2). */
  readonly authority: string | undefined;
  readonly path: string;
  readonly query: string;
}

/**
 * The /resource name/ (RFC 6455 sections 3 and 4.2.1, item 1) out of a request-target in origin-form or absolute-form
 * (RFC 9112 section 3.2).
 *
 * @returns undefined if it is neither.
 */
export function readTarget(target: string): Target | undefined {
  if (spanEnd(target, TARGET, 0) === target.length) {
    if (target.startsWith('/')) return splitResource(target, 0, undefined);
    const colon = target.indexOf(':');
    if (isScheme(target, colon) && target.startsWith('//', colon + 1)) {
      const start = colon + 3;
      const end = spanEnd(target, AUTHORITY, start);
      const authority = target.slice(start, end);
      if (isHost(authority)) return splitResource(target, end, authority);
    }
  }
  return undefined;
}

/** What an authority can contain ends at the first character of the path or the query. */
const AUTHORITY = characterRange('!', '~');
AUTHORITY['/'.charCodeAt(0)] = 0;
AUTHORITY['?'.charCodeAt(0)] = 0;

/** Section 4.1 says http and https; the URI's own scheme is taken as well. */
function isScheme(target: string, end: number): boolean {
  return (
    equalsIgnoringCase(target, 'http', 0, end) ||
    equalsIgnoringCase(target, 'https', 0, end) ||
    equalsIgnoringCase(target, 'ws', 0, end) ||
    equalsIgnoringCase(target, 'wss', 0, end)
  );
}

/** An empty path is "/" (RFC 6455 section 3). */
function splitResource(target: string, start: number, authority: string | undefined): Target {
  const mark = target.indexOf('?', start);
  const end = mark === -1 ? target.length : mark;
  return {
    authority,
    path: end === start ? '/' : target.slice(start, end),
    query: mark === -1 ? '' : target.slice(mark + 1),
  };
}
