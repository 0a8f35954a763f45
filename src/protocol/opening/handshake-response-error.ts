/** What is wrong with a server's answer to an opening handshake (RFC 6455 section 4.1). The names are stable. */
export type HandshakeResponseErrorCode =
  | 'WSLOOM_RESPONSE_SYNTAX'
  | 'WSLOOM_RESPONSE_TOO_LARGE'
  | 'WSLOOM_RESPONSE_STATUS'
  | 'WSLOOM_RESPONSE_UPGRADE'
  | 'WSLOOM_RESPONSE_CONNECTION'
  | 'WSLOOM_RESPONSE_ACCEPT'
  | 'WSLOOM_RESPONSE_EXTENSIONS'
  | 'WSLOOM_RESPONSE_SUBPROTOCOL';

/** The server has not accepted the opening handshake, or not as RFC 6455 section 4.1 wants it. There is no connection then. */
export class HandshakeResponseError extends Error {
  override readonly name = 'HandshakeResponseError';
  readonly code: HandshakeResponseErrorCode;
  /** The HTTP status of the answer; undefined if it is not known. */
  readonly status: number | undefined;

  /** @param finding what is wrong with the answer: the end of a sentence about it. */
  constructor(code: HandshakeResponseErrorCode, finding: string, status?: number) {
    super(`the server's answer to the opening handshake: ${finding}`);
    this.code = code;
    this.status = status;
  }
}
