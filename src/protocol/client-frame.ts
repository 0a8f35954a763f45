import { frameHeaderBytes, MASK, writeFrameHeader } from './frame-header.js';

/** The length of a masking key in bytes. The header of a client's frame is longer by it (RFC 6455 section 5.2). */
export const MASKING_KEY_BYTES = 4;

/** Shorter payloads are masked byte by byte: to make a view of words costs more than it saves. In bytes. */
const MIN_MASKED_IN_WORDS = 64;

/** How long the header of a masked frame is for a payload of `length` bytes (RFC 6455 section 5.2). In bytes. */
export function maskedHeaderBytes(length: number): number {
  return frameHeaderBytes(length) + MASKING_KEY_BYTES;
}

/**
 * Writes the header of a masked frame, with the shortest encoding of its length (RFC 6455 section 5.2). It masks nothing: the
 * payload behind it is the caller's to mask.
 * @param firstByte FIN, reserved bits and opcode.
 * @param length the length of the payload in bytes, up to 2^53 - 1.
 * @param key the masking key as the kernels take it: 32 bits, of which the least significant byte goes first.
 * @returns the offset after the header, where the payload goes.
 */
export function writeMaskedHeader(
  bytes: Uint8Array,
  offset: number,
  firstByte: number,
  length: number,
  key: number,
): number {
  const keyAt = writeFrameHeader(bytes, offset, firstByte, length);
  bytes[offset + 1] = (bytes[offset + 1] as number) | MASK;
  bytes[keyAt] = key;
  bytes[keyAt + 1] = key >>> 8;
  bytes[keyAt + 2] = key >>> 16;
  bytes[keyAt + 3] = key >>> 24;
  return keyAt + MASKING_KEY_BYTES;
}

/**
 * Makes a client's frame in memory of its own, with a masked copy of the payload (RFC 6455 section 5.3). It uses no kernel: kernels
 * work on the memory of an arena, and a client has none.
 * @param key the masking key, which must be unpredictable, and another one for each frame.
 */
export function maskedFrame(firstByte: number, payload: Uint8Array, key: number): Uint8Array {
  const frame = new MaskedFrame(firstByte, payload.length, key);
  frame.append(payload);
  return frame.bytes;
}

/**
 * A copy of a part of a payload, masked (RFC 6455 section 5.3). What is masked again with the same key is as it was before.
 * @param key the masking key, as the frame has it.
 * @param position where in the payload the part begins.
 */
export function maskedCopy(part: Uint8Array, key: Uint8Array, position: number): Uint8Array {
  return part.map((byte, i) => byte ^ (key[(position + i) & 3] as number)); // the key has four bytes
}

/** A client's frame whose payload is masked part by part, as {@link maskedFrame} masks it in one go. */
export class MaskedFrame {
  /** The frame, when all of its payload is appended. */
  readonly bytes: Uint8Array;
  readonly #payloadAt: number;
  #position: number;

  /** @param length of the whole payload. */
  constructor(firstByte: number, length: number, key: number) {
    const headerBytes = maskedHeaderBytes(length);
    // The payload begins at a multiple of four bytes, so that it can be masked in words.
    const pad = -headerBytes & 3;
    this.bytes = new Uint8Array(new ArrayBuffer(pad + headerBytes + length), pad);
    writeMaskedHeader(this.bytes, 0, firstByte, length, key);
    this.#payloadAt = headerBytes;
    this.#position = headerBytes;
  }

  /** Appends a masked copy of the next part of the payload. */
  append(part: Uint8Array): void {
    this.bytes.set(part, this.#position);
    mask(this.bytes, this.#payloadAt, this.#position, this.#position + part.length);
    this.#position += part.length;
  }
}

/** Masks a part of the payload of a frame by the key in front of the payload (RFC 6455 section 5.3). */
function mask(frame: Uint8Array, payloadAt: number, from: number, end: number): void {
  const keyAt = payloadAt - MASKING_KEY_BYTES;
  let at = from;
  if (end - from >= MIN_MASKED_IN_WORDS) {
    while (((at - payloadAt) & 3) !== 0) at = maskByte(frame, keyAt, at);
    // The key is read as the payload is, so that the byte order of the machine does not matter.
    const [keyWord] = new Int32Array(frame.buffer, frame.byteOffset + keyAt, 1) as unknown as [number];
    const words = new Int32Array(frame.buffer, frame.byteOffset + at, (end - at) >>> 2);
    for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) ^ keyWord;
    at += 4 * words.length;
  }
  while (at < end) at = maskByte(frame, keyAt, at);
}

/** @returns where the next byte is. */
function maskByte(frame: Uint8Array, keyAt: number, at: number): number {
  // The payload begins four bytes behind the key.
  frame[at] = (frame[at] as number) ^ (frame[keyAt + ((at - keyAt) & 3)] as number);
  return at + 1;
}
