import { ArgumentTypeError } from '../options/argument-error.js';
import { kindOf, viewOf } from '../protocol/view-of.js';
import type { SendData } from './connection.js';
import { LentMessage } from './message.js';

/**
 * The bytes of what an application wants to send, as a view.
 * @throws ArgumentTypeError if it is nothing that can be sent, or its memory was transferred elsewhere.
 */
export function payloadOf(data: Exclude<SendData, string>): Uint8Array {
  // Hot. A view of memory that was transferred is empty.
  if (data instanceof Uint8Array && data.length > 0) return data;
  const view = viewOf(data);
  if (view !== undefined) return view;
  throw new ArgumentTypeError(
    'WSLOOM_DATA',
    `only a string, an ArrayBuffer, a typed array or a Message can be sent, got ${kindOf(data)}`,
  );
}

/** How many payload bytes it makes. */
export function payloadBytes(data: SendData): number {
  if (data instanceof LentMessage) return data.size;
  return typeof data === 'string' ? Buffer.byteLength(data) : payloadOf(data).length;
}
