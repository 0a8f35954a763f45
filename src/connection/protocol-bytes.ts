import type { Duplex } from 'node:stream';

/**
 * The most that may wait of answers of TLS, in bytes. A client may ask for new keys (RFC 8446 section 4.6.3) as often as it likes, and
 * OpenSSL keeps each answer that the client does not take. It is more than what a transport gives to TLS at a time.
 */
export const MAX_PROTOCOL_BYTES = 256 * 1024;

/** Whether a stream is a TLS socket of Node. */
export function speaksTls(stream: Duplex): boolean {
  return Reflect.get(stream, 'encrypted') === true;
}

/** What a TLS socket has encrypted and the system has not taken: answers of TLS, and a part of what was written. 0 without TLS. */
export function protocolBytesOf(stream: Duplex): number {
  if (!speaksTls(stream)) return 0;
  // Not documented; the same in Node 20, 22, 24 and 26.
  const handle = Reflect.get(stream, '_handle') as { readonly writeQueueSize?: number } | null | undefined;
  return handle?.writeQueueSize ?? 0;
}
