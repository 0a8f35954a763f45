/**
 * The peer broke the protocol, or a limit of ours: the connection is to be failed (RFC 6455 section 7.1.7) with
 * `closeCode`. The message says what was found; it goes into the log and, where it fits, into the close reason.
 */
export class ProtocolError extends Error {
  readonly code = 'WSLOOM_PROTOCOL';
  override readonly name = 'ProtocolError';
  /** The code for our Close frame: 1002, 1007, 1008 or 1009 (section 7.4.1). */
  readonly closeCode: number;

  constructor(closeCode: number, message: string) {
    super(message);
    this.closeCode = closeCode;
  }
}
