/**
 * There is no connection. It was refused, the host is unknown, or TLS failed (`WSLOOM_CONNECT`); or it took too long
 * (`WSLOOM_HANDSHAKE_TIMEOUT`).
 */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** WSLOOM_HANDSHAKE_TIMEOUT if `handshakeTimeoutMs` was exceeded; WSLOOM_CONNECT for every other cause. */
  readonly code: 'WSLOOM_CONNECT' | 'WSLOOM_HANDSHAKE_TIMEOUT';

  /** @param options `cause` is the error of the system, if there was one. */
  constructor(code: ConnectError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
