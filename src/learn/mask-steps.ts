import { MASKING_KEY_BYTES, maskedCopy } from '../protocol/client-frame.js';

/** One byte of a payload, and how it is masked (RFC 6455 section 5.3). */
export interface MaskStep {
  /** Where it is in the payload. */
  readonly index: number;
  /** Where the byte is in the masking key that it meets: the index modulo 4. */
  readonly keyIndex: number;
  readonly plain: number;
  readonly key: number;
  readonly masked: number;
}

/**
 * Masks a payload, byte by byte.
 * @throws RangeError for a key that does not have four bytes.
 */
export function maskSteps(payload: Uint8Array, key: Uint8Array): readonly MaskStep[] {
  if (key.length !== MASKING_KEY_BYTES) throw new RangeError(`a masking key has 4 bytes, not ${key.length}`);
  const masked = maskedCopy(payload, key, 0);
  return Array.from(payload, (plain, index) => {
    const keyIndex = index % MASKING_KEY_BYTES;
    // Both have a byte for each index.
    return { index, keyIndex, plain, key: key[keyIndex] as number, masked: masked[index] as number };
  });
}
