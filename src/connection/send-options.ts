import { ArgumentTypeError } from '../options/argument-error.js';
import { describeValue } from '../telemetry/describe-value.js';

/** Options of a message that is sent or published. */
export interface SendOptions {
  /**
   * Whether the message may be compressed, for receivers that have agreed on it. With `false` it is sent as it is, and no other message is
   * compressed by its contents. Do so with a secret, if the same messages, or the ones before and after it, hold what somebody else has
   * chosen: over TLS, the length of what is compressed tells about the secret (CRIME, BREACH).
   *
   * @default true
   */
  readonly compress?: boolean | undefined;
}

/**
 * Whether a message may be compressed. What cannot be understood is refused: a name that is spelt wrong could give a secret away.
 * @throws ArgumentTypeError
 */
export function mayCompress(options: SendOptions | undefined): boolean {
  if (options === undefined) return true;
  if (typeof options !== 'object' || options === null) {
    throw wrong(`the options of a message must be an object, got ${describeValue(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (name !== 'compress') throw wrong(`a message has only the option compress, got ${describeValue(name)}`);
  }
  const { compress = true } = options;
  if (typeof compress !== 'boolean') throw wrong(`compress must be true or false, got ${describeValue(compress)}`);
  return compress;
}

function wrong(message: string): ArgumentTypeError {
  return new ArgumentTypeError('WSLOOM_SEND_OPTIONS', message);
}
