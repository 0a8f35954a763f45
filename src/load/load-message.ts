import { isUtf8 } from 'node:buffer';
import { OptionError } from '../options/option-error.js';
import { kindOf, viewOf } from '../protocol/view-of.js';
import type { LoadOptions } from './load-options.js';
import { MAX_MESSAGE_BYTES } from './load-rows.js';

/** The message that a load sends, again and again. */
export interface LoadMessage {
  readonly payload: Uint8Array;
  readonly isBinary: boolean;
}

/** The message that is given, or one of `sizeBytes`. @throws OptionError */
export function makeMessage(options: LoadOptions, sizeBytes: number): LoadMessage {
  const { message } = options;
  const isBinary = options.isBinary ?? (message !== undefined && typeof message !== 'string');
  if (message === undefined) return { payload: fill(sizeBytes, isBinary), isBinary };
  if (options.sizeBytes !== undefined) {
    throw new OptionError('sizeBytes', 'sizeBytes must not be given with a message, which has its own size');
  }
  const payload = typeof message === 'string' ? Buffer.from(message) : viewOf(message);
  if (payload === undefined) {
    throw new OptionError('message', `message must be a string or a Uint8Array, got ${kindOf(message)}`);
  }
  if (payload.length > MAX_MESSAGE_BYTES) {
    throw new OptionError('message', `message must be at most ${MAX_MESSAGE_BYTES} bytes, got ${payload.length}`);
  }
  if (!isBinary && !isUtf8(payload)) {
    throw new OptionError('message', 'message must be UTF-8 to be sent as text: send it as binary');
  }
  return { payload, isBinary };
}

/** Bytes that look random and are the same each time (a xorshift generator); letters, digits and the like if it is text. */
function fill(length: number, isBinary: boolean): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  let state = 0x9e3779b9;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const byte = state >>> 24;
    bytes[i] = isBinary ? byte : 0x20 + (byte % 95);
  }
  return bytes;
}
