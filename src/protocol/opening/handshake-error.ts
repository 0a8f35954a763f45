export { excerpt } from '../../options/shown.js';

/** The rule of RFC 6455 section 4.2.1 that a client's opening handshake has broken. The names are stable, for logs and metrics. */
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
 * A client's opening handshake must be refused (RFC 6455 section 4.2.1). `status` and `headers` are for the refusal. The message is
 * printable ASCII of bounded length, so that it can be the body of the refusal and go into the log.
 */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError';
  readonly code: HandshakeErrorCode;
  /** The HTTP status to answer with, 400 to 599. */
  readonly status: number;
  /** Headers that an answer with this status must have: Allow with 405, Upgrade with 426. */
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

/** What is wrong with the answer, or with the client's request, that the application has asked for. The names are stable. */
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
 * The application has asked for an answer to an opening handshake, or for a client's request, that RFC 6455 section 4 or HTTP does
 * not allow. The peer has done nothing wrong.
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

/** The value of a header field does not follow its grammar (RFC 6455 sections 4.3 and 9.1). Its reader decides what follows. */
export class HeaderSyntaxError extends Error {
  override readonly name = 'HeaderSyntaxError';
  readonly code = 'WSLOOM_HEADER_SYNTAX';
  /** Where the value stops following the grammar, in characters from its beginning. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}
