import type { SendData } from './connection.js';
import { LentMessage } from './message.js';

/** The bytes of what an application wants to send, as a view. @throws TypeError if it is nothing that can be sent. */
export function payloadOf(data: Exclude<SendData, string>): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) return new Uint8Array(data);
  const found = data === null ? 'null' : typeof data;
  throw new TypeError(`only a string, an ArrayBuffer, a typed array or a Message can be sent, got ${found}`);
}

/** How many payload bytes it makes. */
export function payloadBytes(data: SendData): number {
  if (data instanceof LentMessage) return data.size;
  return typeof data === 'string' ? Buffer.byteLength(data) : payloadOf(data).length;
}
