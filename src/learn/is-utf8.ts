import { advance, Utf8 } from '../kernels/utf8.js';

/** Whether bytes are UTF-8 as a whole, as Node's `isUtf8` says it. */
export function isUtf8(bytes: Uint8Array): boolean {
  return advance(bytes, 0, bytes.length, Utf8.ACCEPT) === Utf8.ACCEPT;
}
