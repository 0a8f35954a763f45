import { hash } from 'node:crypto';

/** The SHA-1 of a text, in base64. RFC 6455 section 4.2.2 wants that of Sec-WebSocket-Key; it protects nothing. */
export function sha1Base64(text: string): string {
  return hash('sha1', text, 'base64');
}
