export { excerpt } from '../../options/shown.js';

/** The rule of RFC 6455 section 4.2.1 that a client's opening handshake broke: stable names, for logs and metrics. */
export type HandshakeErrorCode =
  | 'WSLOOM_HANDSHAKE_METHOD'
  | 'WSLOOM_HANDSHAKE_HTTP_VERSION'
  | 'WSLOOM_HANDSHAKE_TARGET'
  | 'WSLOOM_HANDSHAKE_HOST'
  | 'WSLOOM_HANDSHAKE_BODY'
  | 'WSLOOM_HANDSHAKE_UPGRADE'
  | 'WSLOOM_HANDSHAKE_CONNECTION'
  | 'WSLOOM_HANDSHAKE_VERSION'
  | 'WSLOOM_HANDSHAKE_KEY'
  | 'WSLOOM_HANDSHAKE_ORIGIN'
  | 'WSLOOM_HANDSHAKE_SUBPROTOCOLS'
  | 'WSLOOM_HANDSHAKE_EXTENSIONS';

/**
 * The client's opening handshake is to be refused (RFC 6455 section 4.2.1): `status` and `headers` are for the refusal,
 * and the message, printable ASCII of bounded length, can be its body and go into the log.
 */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError';
  readonly code: HandshakeErrorCode;
  /** The HTTP status to answer with, 400–599. */
  readonly status: number;
  /** What the status obliges the answer to carry (405: Allow; 426: Upgrade). */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: HandshakeErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** What was wrong with an answer, or with a client's request, that the application asked for: stable names. */
export type HandshakeConfigErrorCode =
  | 'WSLOOM_SUBPROTOCOL_NOT_OFFERED'
  | 'WSLOOM_SUBPROTOCOL_INVALID'
  | 'WSLOOM_EXTENSION_NOT_OFFERED'
  | 'WSLOOM_EXTENSION_INVALID'
  | 'WSLOOM_HEADER_INVALID'
  | 'WSLOOM_HEADER_OWNED'
  | 'WSLOOM_STATUS_INVALID'
  | 'WSLOOM_REASON_INVALID';

/**
 * The application asked for an answer, or a request, that the protocol does not allow: a mistake of ours or the user's, not
 * the peer's.
 */
export class HandshakeConfigError extends Error {
  override readonly name = 'HandshakeConfigError';
  readonly code: HandshakeConfigErrorCode;
  /** The argument that is wrong. */
  readonly option: 'subprotocol' | 'subprotocols' | 'extensions' | 'headers' | 'status' | 'reason';

  constructor(code: HandshakeConfigErrorCode, option: HandshakeConfigError['option'], message: string) {
    super(message);
    this.code = code;
    this.option = option;
  }
}

/** A header field's value does not follow its grammar. Who reads the header decides what that means. */
export class HeaderSyntaxError extends Error {
  override readonly name = 'HeaderSyntaxError';
  readonly code = 'WSLOOM_HEADER_SYNTAX';
  /** Where the grammar was left, in characters from the value's start. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}
