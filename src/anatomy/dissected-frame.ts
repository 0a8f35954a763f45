import { MASKING_KEY_BYTES } from '../protocol/client-frame.js';
import { MASK } from '../protocol/frame-header.js';
import type { BrokenRule } from './broken-rule.js';

/** What the bytes of a payload are: whether they are text says the first frame of their message, which may not be known. */
export type Contents = 'text' | 'binary' | 'compressed' | 'control' | 'unknown';

/** A Close frame's payload, also if it breaks a rule. */
export interface DissectedClose {
  readonly code: number;
  /** What is not UTF-8 in it is shown by the replacement character. */
  readonly reason: string;
}

/** A message whose last frame has come (RFC 6455 section 5.4). */
export interface DissectedMessage {
  /** `compressed` only if it was not decompressed. */
  readonly contents: Contents;
  /** How many frames it has come in. */
  readonly frames: number;
  /** Its length in bytes. */
  readonly bytes: number;
  /** The length that it was sent with, of a message that was decompressed. */
  readonly compressedBytes: number | undefined;
  /** The beginning of it, unmasked: as much as is kept. */
  readonly payload: Uint8Array;
}

/** A frame that was taken apart (RFC 6455 section 5.2). */
export interface DissectedFrame {
  /** Where the frame begins in what was fed, in bytes. */
  readonly at: number;
  /** The header, or as much of it as has come. */
  readonly header: Uint8Array;
  /** The length that the header declares, in bytes. Above 2^53 it is rounded. Undefined if the header is cut off. */
  readonly declaredBytes: number | undefined;
  /** How many bytes of the payload have come. */
  readonly payloadBytes: number;
  /** The beginning of the payload, unmasked: as much as is kept. */
  readonly payload: Uint8Array;
  readonly contents: Contents;
  /** The code and the reason of a Close frame that is whole and has them. */
  readonly close: DissectedClose | undefined;
  /** The message that ends with this frame. */
  readonly message: DissectedMessage | undefined;
  /** The rules that this frame breaks. */
  readonly broken: readonly BrokenRule[];
}

/** The masking key of a frame; undefined if it is not masked, or cut off before the end of the key. */
export function maskingKeyOf({ header, declaredBytes }: DissectedFrame): Uint8Array | undefined {
  const isMasked = ((header[1] ?? 0) & MASK) !== 0;
  return isMasked && declaredBytes !== undefined ? header.subarray(-MASKING_KEY_BYTES) : undefined;
}
