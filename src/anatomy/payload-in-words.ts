import { advance, Utf8 } from '../kernels/utf8.js';
import { printableJson } from '../telemetry/printable.js';
import type { Contents } from './dissected-frame.js';
import { hexOf } from './hex.js';

/** A number of bytes, such as `1 byte`. */
export function bytesInWords(bytes: number): string {
  return bytes === 1 ? '1 byte' : `${bytes} bytes`;
}

/**
 * A payload for people, on one line: text in quotes, in which what a terminal would obey is escaped, and else bytes in hexadecimal. If
 * some of it is not shown, that is said.
 * @param payload the beginning of the payload, unmasked.
 * @param bytes the length of the whole payload.
 */
export function payloadInWords(payload: Uint8Array, bytes: number, contents: Contents): string {
  if (bytes === 0) return 'empty';
  const hidden = bytes - payload.length;
  if (payload.length === 0) return `${bytesInWords(bytes)}, not shown`;
  const rest = hidden > 0 ? ` … and ${hidden} more` : '';
  if (contents === 'text') return `${quotedText(payload, hidden > 0)}${rest}`;
  const hex = `${hexOf(payload, ' ')}${rest}`;
  return contents === 'control' && hasOnlyText(payload) ? `${hex}, ${quotedText(payload, false)}` : hex;
}

/**
 * Bytes as text in quotes. What is not UTF-8 is shown by the replacement character.
 * @param isCut whether a character at the end may lack bytes: then it is left out.
 */
export function quotedText(bytes: Uint8Array, isCut: boolean): string {
  return printableJson(textOf(bytes, isCut));
}

/** Bytes as text. What is not UTF-8 becomes the replacement character. @param isCut as with {@link quotedText}. */
export function textOf(bytes: Uint8Array, isCut: boolean): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: isCut });
}

/** Whether bytes are UTF-8 without control characters of ASCII, as a Ping of a person is. */
function hasOnlyText(bytes: Uint8Array): boolean {
  return advance(bytes, 0, bytes.length, Utf8.ACCEPT) === Utf8.ACCEPT && bytes.every((byte) => byte >= 0x20);
}
