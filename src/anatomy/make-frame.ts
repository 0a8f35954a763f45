import { MASKING_KEY_BYTES, maskedCopy } from '../protocol/client-frame.js';
import { frameHeaderBytes, MASK, writeFrameHeader } from '../protocol/frame-header.js';
import { FIN } from '../protocol/opcode.js';

/** How a length can be encoded (RFC 6455 section 5.2): the lengths that are encoded so in the shortest way, by the number of bits. */
const LENGTHS: ReadonlyMap<number, { readonly least: number; readonly most: number }> = new Map([
  [7, { least: 0, most: 125 }],
  [16, { least: 126, most: 0xffff }],
  [64, { least: 0x1_0000, most: Number.MAX_SAFE_INTEGER }],
]);

/** What a frame is made of. It may break any rule. */
export interface FrameParts {
  /** 0 to 15. */
  readonly opcode: number;
  /** @default true */
  readonly isFinal?: boolean;
  /** The reserved bits, where the first byte has them: RSV1 is 0x40. @default 0 */
  readonly rsv?: number;
  /** Four bytes, by which the payload is masked. @default none */
  readonly key?: Uint8Array | undefined;
  /** The bits that encode the length: 7, 16 or 64. @default the fewest */
  readonly lengthBits?: number | undefined;
  readonly payload: Uint8Array;
}

/**
 * Makes a frame (RFC 6455 section 5.2) from its parts.
 * @throws RangeError for a length that does not fit into its bits.
 */
export function makeFrame({ opcode, isFinal = true, rsv = 0, key, lengthBits, payload }: FrameParts): Uint8Array {
  const header = headerOf((isFinal ? FIN : 0) | rsv | opcode, payload.length, lengthBits);
  if (key === undefined) return joined(header, payload);
  header[1] = (header[1] as number) | MASK; // a header has two bytes at least
  return joined(header, key.subarray(0, MASKING_KEY_BYTES), maskedCopy(payload, key, 0));
}

function headerOf(firstByte: number, length: number, lengthBits: number | undefined): Uint8Array {
  if (lengthBits === undefined) return shortestHeader(firstByte, length);
  const lengths = LENGTHS.get(lengthBits);
  if (lengths === undefined) throw new RangeError(`a length has 7, 16 or 64 bits, not ${lengthBits}`);
  const { least, most } = lengths;
  if (length > most) {
    throw new RangeError(`a length of ${length} does not fit into ${lengthBits} bits, which hold ${most} at most`);
  }
  if (length >= least) return shortestHeader(firstByte, length);
  // Another length is encoded so in the shortest way. It is replaced.
  const header = shortestHeader(firstByte, least);
  const view = new DataView(header.buffer);
  if (lengthBits === 16) view.setUint16(2, length);
  else view.setBigUint64(2, BigInt(length));
  return header;
}

function shortestHeader(firstByte: number, length: number): Uint8Array {
  const header = new Uint8Array(frameHeaderBytes(length));
  writeFrameHeader(header, 0, firstByte, length);
  return header;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((bytes, { length }) => bytes + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
