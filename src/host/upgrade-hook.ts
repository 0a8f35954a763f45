import type { HandshakeHeaders } from '../protocol/opening/handshake-headers.js';
import type { HeaderSource } from '../protocol/opening/handshake-response.js';

/** What an `upgrade` hook can judge a connection by: a valid opening handshake (RFC 6455 section 4.2.1). */
export interface UpgradeRequest {
  /** The path of the request, without its query: `/room`. It is not decoded. */
  readonly path: string;
  /** The query of the request, without its question mark; '' if there is none. It is not decoded. */
  readonly query: string;
  /** The name and port that the client asked for: `example.org:8080`. */
  readonly host: string;
  /** The origin of the page that a browser connects from: `https://example.org`; undefined for most other clients. */
  readonly origin: string | undefined;
  /** The subprotocols that the client offers, the one it likes best first. */
  readonly subprotocols: readonly string[];
  /** All of the request's headers. */
  readonly headers: HandshakeHeaders;
  /** The IP address of the client as Node prints it; undefined if it has gone already. */
  readonly remoteAddress: string | undefined;
}

/** Refuses a connection. With a property that only {@link UpgradeAcceptance} has, the answer is an error: the client gets 500. */
export interface UpgradeRefusal {
  /** Status of the HTTP response, an integer from 300 to 599. */
  readonly status: number;
  /** Headers to be added to the response. */
  readonly headers?: HeaderSource;
  /** The body of the response, plain text; default: what the status means. */
  readonly body?: string;
  /** Not allowed here: what belongs to an acceptance beside a status is answered with 500. */
  readonly subprotocol?: never;
  /** Not allowed here, likewise. */
  readonly data?: never;
}

/** Accepts a connection. */
export interface UpgradeAcceptance {
  /**
   * Not allowed here: an answer that has a `status`, even `status: undefined`, is a refusal, and one that is incomplete is answered
   * with 500.
   */
  readonly status?: never;
  /** The subprotocol that is chosen, one of those that the client offers; default none. */
  readonly subprotocol?: string | undefined;
  /** Headers to be added to the 101 response. */
  readonly headers?: HeaderSource;
  /** Becomes `connection.data`: anything that the structured clone algorithm can copy to another thread. */
  readonly data?: unknown;
}

/**
 * The export `upgrade` of a handler module: asked before a connection is accepted, in the thread that does the opening
 * handshake, which is the primary. It may also be the property `upgrade` of the default export.
 *
 * It returns, or promises, `undefined` or an {@link UpgradeAcceptance} to accept, an {@link UpgradeRefusal} to refuse. So a bare
 * `return` accepts. Everything else lets nobody in: `false`, `null`, a number, an object with other properties or of a class, headers
 * that cannot be sent, data that cannot be cloned, a throw, a rejection. It is answered with 500, and a line in the log names it.
 * The hook has `handshakeTimeoutMs` of its own, counted from when it is asked; then the client gets 503, and its answer is ignored.
 */
export type Upgrade = (
  request: UpgradeRequest,
) =>
  | UpgradeAcceptance
  | UpgradeRefusal
  | undefined
  | void
  | Promise<UpgradeAcceptance | UpgradeRefusal | undefined | void>;
