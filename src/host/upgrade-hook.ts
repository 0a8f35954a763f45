import type { ClientTls } from '../connection/client-tls.js';
import type { HandshakeHeaders } from '../protocol/opening/handshake-headers.js';
import type { HeaderSource } from '../protocol/opening/handshake-response.js';

/** The request that the hook `upgrade` accepts or refuses: a valid opening handshake (RFC 6455 section 4.2.1). */
export interface UpgradeRequest {
  /** The path of the request, without its query: `/room`. It is not decoded. */
  readonly path: string;
  /** The query of the request, without its question mark; an empty string if there is none. It is not decoded. */
  readonly query: string;
  /** The host that the client has addressed, with the port if it has named one: `example.org:8080`. */
  readonly host: string;
  /** The origin of the page that a browser connects from, such as `https://example.org`; undefined for most other clients. */
  readonly origin: string | undefined;
  /** The subprotocols that the client offers, in the order of its preference; empty if it offers none. */
  readonly subprotocols: readonly string[];
  /** All headers of the request. */
  readonly headers: HandshakeHeaders;
  /**
   * The IP address of the client as Node prints it; behind a trusted proxy, what the proxy tells. Undefined if the client had reset
   * the connection before it could be asked, and for a unix socket whose client is not told.
   */
  readonly remoteAddress: string | undefined;
  /**
   * The TLS of the connection, with the certificate of its client; undefined if the server does not speak TLS itself. With
   * `requestCert: 'optional'`, `tls.authorized` is false for a client without a certificate that is trusted.
   */
  readonly tls: ClientTls | undefined;
}

/**
 * An answer of the hook `upgrade` that refuses the connection. An answer that has `subprotocol`, `data` or `deflate` too is a
 * mistake: the client gets 500.
 */
export interface UpgradeRefusal {
  /** The status of the HTTP response: an integer from 300 to 599. */
  readonly status: number;
  /** Headers that are added to the response. @default none */
  readonly headers?: HeaderSource;
  /** The body of the response: plain text, unless `headers` name another type. @default the reason phrase of the status */
  readonly body?: string;
  /** Not allowed in a refusal: the client gets 500. */
  readonly subprotocol?: never;
  /** Not allowed in a refusal: the client gets 500. */
  readonly data?: never;
  /** Not allowed in a refusal: the client gets 500. */
  readonly deflate?: never;
}

/** An answer of the hook `upgrade` that accepts the connection. */
export interface UpgradeAcceptance {
  /**
   * Not allowed in an acceptance. An answer with the key `status` is a refusal, even if the value is undefined. Without a valid
   * status the client gets 500.
   */
  readonly status?: never;
  /** The subprotocol of the connection: one of those that the client offers, or else the client gets 500. @default none */
  readonly subprotocol?: string | undefined;
  /** Headers that are added to the 101 response. @default none */
  readonly headers?: HeaderSource;
  /**
   * The value that becomes `connection.data`: anything that the structured clone algorithm can copy to another thread. @default
   * undefined
   */
  readonly data?: unknown;
  /**
   * Whether messages of this connection may be compressed, if the server has the option `deflate` and the client offers it. With false they
   * are not: for a client that cannot do what it offers, and for connections on which secrets must not be told by their lengths.
   *
   * @default true
   */
  readonly deflate?: boolean | undefined;
}

/**
 * The hook `upgrade` of a handler module, which accepts or refuses each connection before it is opened. It is an export of the
 * module, or a property of its default export. It runs in the primary thread.
 *
 * The hook returns `undefined` or an {@link UpgradeAcceptance} to accept, an {@link UpgradeRefusal} to refuse, or a promise of
 * one of these. So a bare `return` accepts. Every other answer refuses the client with 500, and a line in the log names the
 * answer: `false`, `null`, a number, an object with other properties or of a class, headers that cannot be sent, data that cannot
 * be cloned, a throw, a rejection.
 *
 * The hook has `handshakeTimeoutMs` to decide. After that the client gets 503, and the answer is ignored.
 */
export type Upgrade = (
  request: UpgradeRequest,
) =>
  | UpgradeAcceptance
  | UpgradeRefusal
  | undefined
  | void
  | Promise<UpgradeAcceptance | UpgradeRefusal | undefined | void>;
