import { isUtf8 } from 'node:buffer';
import type { ReaderPlatform } from '../../dist/protocol/unmasked-frame-reader.js';

/** Memory that is not cleared, which a platform may give to a reader. */
export const PLATFORM: ReaderPlatform = { isUtf8, allocate: (length) => new Uint8Array(length).fill(0xdb) };
