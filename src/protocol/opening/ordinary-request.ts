import { excerpt } from '../../options/shown.js';
import { equalsIgnoringCase, isHost } from './header-grammar.js';
import { readTarget, TARGETS } from './request-target.js';

/** A request that asks for no upgrade, as an HTTP/1 parser hands it over. */
export interface OrdinaryRequestHead {
  /** The request-target as it was sent, not normalised. */
  readonly target: string;
  /** The version of HTTP, as in "1.1". */
  readonly httpVersion: string;
  /** The names and values of all field lines in turn, as they came. */
  readonly rawHeaders: readonly string[];
}

/** What an ordinary request asks for. */
export interface OrdinaryRequest {
  /** The path, percent-encoded as it was sent, without the query. "*" is the server as a whole (RFC 9110 section 9.3.7). */
  readonly path: string;
  /** The host, and the port, that the client has addressed; undefined if a client of HTTP/1.0 has named none, which it need not. */
  readonly host: string | undefined;
}

/** A request that is answered with 400. */
export interface MalformedRequest {
  /** What is wrong with it, in printable ASCII of bounded length. */
  readonly problem: string;
}

/**
 * Reads target and Host of a request (RFC 9112 section 3.2). Host must come exactly once and be well-formed. Only before HTTP/1.1 it
 * may be missing: simple health checks speak HTTP/1.0 and send none.
 */
export function readOrdinaryRequest(request: OrdinaryRequestHead): OrdinaryRequest | MalformedRequest {
  const { target, httpVersion, rawHeaders } = request;
  const resource = target === '*' ? SERVER_AS_A_WHOLE : readTarget(target);
  if (resource === undefined) return { problem: `the request target must be ${TARGETS}, got ${excerpt(target)}` };
  let host: string | undefined;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!equalsIgnoringCase(rawHeaders[i] ?? '', 'host')) continue;
    host = rawHeaders[i + 1] ?? '';
    hosts++;
  }
  const mayBeMissing = httpVersion === '1.0' || httpVersion === '0.9';
  if (hosts > 1 || (hosts === 0 && !mayBeMissing)) {
    return { problem: `Host must come exactly once, got it ${hosts} times` };
  }
  if (host !== undefined && !isHost(host)) {
    return { problem: `Host must be a host name or address and at most a port, got ${excerpt(host)}` };
  }
  return { path: resource.path, host: resource.authority ?? host };
}

const SERVER_AS_A_WHOLE = { path: '*', authority: undefined };
