import { characterRange, equalsIgnoringCase, isHost, spanEnd } from './header-grammar.js';

/** What {@link readTarget} takes, for error messages. */
export const TARGETS = '"/path?query" or an http, https, ws or wss URI with a host and without user or fragment';

/**
 * Visible ASCII without "#", because a fragment must not be sent (RFC 6455 section 3). It is wider than the grammar of URIs, because
 * browsers send some characters as they are that the grammar reserves, such as "|".
 */
const TARGET = characterRange('!', '~');
TARGET['#'.charCodeAt(0)] = 0;

/** The parts of a request target. */
export interface Target {
  /** The authority of an absolute target, which overrules Host (RFC 9112 section 3.2.2); undefined if the target is a path. */
  readonly authority: string | undefined;
  /** The path, which begins with "/". */
  readonly path: string;
  /** The query, which follows the "?"; empty if there is none. */
  readonly query: string;
}

/**
 * Reads the resource name (RFC 6455 sections 3 and 4.2.1, item 1) of a request target in origin-form or absolute-form (RFC 9112
 * section 3.2).
 *
 * @returns undefined if the target has neither of these forms.
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

/** What an authority is made of: it ends at the first character of the path or the query. */
const AUTHORITY = characterRange('!', '~');
AUTHORITY['/'.charCodeAt(0)] = 0;
AUTHORITY['?'.charCodeAt(0)] = 0;

/** RFC 6455 section 4.2.1 wants http or https. The schemes of WebSocket URIs are taken as well. */
function isScheme(target: string, end: number): boolean {
  return (
    equalsIgnoringCase(target, 'http', 0, end) ||
    equalsIgnoringCase(target, 'https', 0, end) ||
    equalsIgnoringCase(target, 'ws', 0, end) ||
    equalsIgnoringCase(target, 'wss', 0, end)
  );
}

/** Takes path and query apart. An empty path is "/" (RFC 6455 section 3). */
function splitResource(target: string, start: number, authority: string | undefined): Target {
  const mark = target.indexOf('?', start);
  const end = mark === -1 ? target.length : mark;
  return {
    authority,
    path: end === start ? '/' : target.slice(start, end),
    query: mark === -1 ? '' : target.slice(mark + 1),
  };
}
