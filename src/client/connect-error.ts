/** There is no connection: refused, no such host, TLS that failed (`WSLOOM_CONNECT`), or not in time. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly code: 'WSLOOM_CONNECT' | 'WSLOOM_HANDSHAKE_TIMEOUT';

  /** @param options its `cause` is the system's error, if there was one. */
  constructor(code: ConnectError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
