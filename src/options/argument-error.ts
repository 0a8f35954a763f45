/**
 * Which argument of a method cannot be used: data to send, how to send it, a topic, a ping, or what `handleUpgrade`, `handleRequest` or
 * `attach` is given.
 */
export type ArgumentErrorCode =
  | 'WSLOOM_DATA'
  | 'WSLOOM_SEND_OPTIONS'
  | 'WSLOOM_TOPIC'
  | 'WSLOOM_PING'
  | 'WSLOOM_UPGRADE_EVENT'
  | 'WSLOOM_REQUEST_EVENT'
  | 'WSLOOM_HTTP_SERVER';

/** An argument of a method has another type than it must have. Nothing was done. Its `name` is `TypeError`. */
export class ArgumentTypeError extends TypeError {
  readonly code: ArgumentErrorCode;

  constructor(code: ArgumentErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** An argument of a method is longer than it may be. Nothing was done. Its `name` is `RangeError`. */
export class ArgumentRangeError extends RangeError {
  readonly code: ArgumentErrorCode;

  constructor(code: ArgumentErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
