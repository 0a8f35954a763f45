import { hexOf } from '../anatomy/hex.js';
import { ACCEPT_GUID, acceptKey } from '../protocol/opening/accept-key.js';
import { base64Of } from './base64.js';
import { sha1 } from './sha1.js';

/** How long the nonce of a client is, in bytes (RFC 6455 section 4.1). */
export const NONCE_BYTES = 16;

/** A key as a client sends it: 16 bytes in base64 have 22 digits, of which the last has two bits only, and two signs of equality. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** The way from Sec-WebSocket-Key to Sec-WebSocket-Accept (RFC 6455 section 4.2.2, step 5.4). */
export interface AcceptSteps {
  readonly key: string;
  readonly guid: string;
  /** The key, and the GUID behind it. */
  readonly joined: string;
  /** SHA-1 of that, in hexadecimal. */
  readonly sha1: string;
  /** The same bytes in base64: what the server answers. */
  readonly accept: string;
}

/** Goes from a key to its answer, step by step. The key need not be one that a client may send. */
export function acceptSteps(key: string): AcceptSteps {
  const bytesOf = (text: string) => new TextEncoder().encode(text);
  const joined = key + ACCEPT_GUID;
  const digest = sha1(bytesOf(joined));
  const accept = acceptKey(key, (text) => base64Of(sha1(bytesOf(text))));
  return { key, guid: ACCEPT_GUID, joined, sha1: hexOf(digest, ' '), accept };
}

/** Whether a client may send this key: 16 bytes in base64 (RFC 6455 section 4.1). */
export function isNonce(key: string): boolean {
  return KEY.test(key);
}

/** A key for a client. @param nonce 16 bytes, which must be random. */
export function keyOf(nonce: Uint8Array): string {
  return base64Of(nonce);
}
