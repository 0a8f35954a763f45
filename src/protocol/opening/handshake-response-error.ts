/** What was wrong with a server's answer to an opening handshake (RFC 6455 section 4.1): stable names. */
export type HandshakeResponseErrorCode =
  | 'WSLOOM_RESPONSE_SYNTAX'
  | 'WSLOOM_RESPONSE_TOO_LARGE'
  | 'WSLOOM_RESPONSE_STATUS'
  | 'WSLOOM_RESPONSE_UPGRADE'
  | 'WSLOOM_RESPONSE_CONNECTION'
  | 'WSLOOM_RESPONSE_ACCEPT'
  | 'WSLOOM_RESPONSE_EXTENSIONS'
  | 'WSLOOM_RESPONSE_SUBPROTOCOL';

/** The server did not accept the opening handshake, or not as RFC 6455 section 4.1 wants it: the connection is to be failed. */
export class HandshakeResponseError extends Error {
  override readonly name = 'HandshakeResponseError';
  readonly code: HandshakeResponseErrorCode;
  /** The HTTP status that it answered with; undefined if it is not known. */
  readonly status: number | undefined;

  /** @param finding what of the answer is wrong, as the end of a sentence about it. */
  constructor(code: HandshakeResponseErrorCode, finding: string, status?: number) {
    super(`the server's answer to the opening handshake: ${finding}`);
    this.code = code;
    this.status = status;
  }
}
