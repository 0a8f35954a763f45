/** What a server appends to the key of a client (RFC 6455 section 1.3). */
export const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** SHA-1 of a text of ASCII characters, in base64. Each platform has its own, which is passed in. */
export type Sha1Base64 = (text: string) => string;

/** Sec-WebSocket-Accept for a Sec-WebSocket-Key as it was sent, still in base64 (RFC 6455 section 4.2.2, step 5.4). */
export function acceptKey(key: string, sha1Base64: Sha1Base64): string {
  return sha1Base64(key + ACCEPT_GUID);
}
