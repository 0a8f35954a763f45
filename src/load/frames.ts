import { randomFillSync } from 'node:crypto';
import { createKernel } from '../kernels/create-kernel.js';
import { PAGE_BYTES, reserveMemory } from '../memory/reserve.js';
import { maskedHeaderBytes, writeMaskedHeader } from '../protocol/client-frame.js';
import { frameHeaderBytes, writeFrameHeader } from '../protocol/frame-header.js';
import { FIN, Opcode, RSV1 } from '../protocol/opcode.js';

/** How much one read may bring, in bytes. */
export const READ_BYTES = 256 * 1024;

/** Bytes that the kernel copies begin this far behind the beginning of a page of the machine: see `OFF_PAGE_BYTES` of the arena. */
export const OFF_PAGE_BYTES = 2048;

/** How much memory the prebuilt frames take at most, unless one alone is longer. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024;

/** What frames of a load are made of. */
export interface LoadFramesOptions {
  readonly payload: Uint8Array;
  readonly isBinary: boolean;
  /** How many frames are sent at a time, at most. */
  readonly inFlight: number;
}

/** A message for connections on which compression is agreed on. What the server answers is up to the server, and not known before. */
export interface DeflatedMessage {
  /** The message as it is sent; undefined if it goes as it is. */
  readonly compressed: Uint8Array | undefined;
}

/**
 * The message of a load, prebuilt: as it is sent, masked, in as many frames as go out at a time; and as it comes back.
 *
 * Each frame of the batch has a random masking key of its own, but the batch is sent again and again, so that **keys are
 * reused**. RFC 6455 section 5.3 wants a fresh one for each frame, because a page that could predict them could put bytes of
 * its choice on the wire (section 10.3). A load generator is no such page, and with fresh keys it would measure its own masking.
 */
export class LoadFrames {
  readonly payload: Buffer;
  readonly isBinary: boolean;
  /** The frames that a client sends, one behind the other, from the beginning of this memory. */
  readonly batch: Buffer;
  /** How many of them there are. */
  readonly batchFrames: number;
  /** Length of each, in bytes. */
  readonly sentBytes: number;
  /** Length of their payloads, in bytes. */
  readonly sentPayloadBytes: number;
  #expected: Buffer | undefined;
  #expectedBytes = 0;

  /** @param deflated undefined for connections without compression. */
  constructor({ payload, isBinary, inFlight }: LoadFramesOptions, deflated?: DeflatedMessage) {
    const sent = deflated?.compressed ?? payload;
    const { length } = sent;
    const firstByte = firstByteOf(isBinary, deflated?.compressed !== undefined);
    this.isBinary = isBinary;
    this.payload = Buffer.from(payload);
    this.sentPayloadBytes = length;
    this.sentBytes = maskedHeaderBytes(length) + length;
    this.batchFrames = Math.max(1, Math.min(inFlight, Math.floor(MAX_BATCH_BYTES / this.sentBytes)));

    // A kernel works in a memory whose first page is its own.
    const pages = 1 + Math.ceil((OFF_PAGE_BYTES + this.batchFrames * this.sentBytes) / PAGE_BYTES);
    const memory = reserveMemory(pages, {
      what: 'memory for the messages of a load',
      less: 'a shorter message (--size)',
    });
    const kernel = createKernel('auto', memory);
    const bytes = Buffer.from(memory.buffer);
    const keys = randomFillSync(new Int32Array(this.batchFrames));
    let at = PAGE_BYTES + OFF_PAGE_BYTES;
    for (const key of keys) {
      at = writeMaskedHeader(bytes, at, firstByte, length, key);
      bytes.set(sent, at);
      kernel.unmask(at, length, key);
      at += length;
    }
    this.batch = bytes.subarray(PAGE_BYTES + OFF_PAGE_BYTES, at);

    if (deflated === undefined) this.expect(payload, false);
  }

  /**
   * The frame that a server answers with, again and again: a frame and a read longer than one frame. Undefined while it is not known. It
   * never changes.
   */
  get expected(): Buffer | undefined {
    return this.#expected;
  }

  /** Length of each of those, in bytes. */
  get expectedBytes(): number {
    return this.#expectedBytes;
  }

  /** From now on the server is expected to answer like this; a second call does nothing. @param payload is copied. */
  expect(payload: Uint8Array, isDeflated: boolean): void {
    if (this.#expected !== undefined) return;
    const { length } = payload;
    this.#expectedBytes = frameHeaderBytes(length) + length;
    const frame = Buffer.allocUnsafe(this.#expectedBytes);
    frame.set(payload, writeFrameHeader(frame, 0, firstByteOf(this.isBinary, isDeflated), length));
    this.#expected = Buffer.alloc(this.#expectedBytes + READ_BYTES, frame);
  }
}

function firstByteOf(isBinary: boolean, isDeflated: boolean): number {
  return FIN | (isDeflated ? RSV1 : 0) | (isBinary ? Opcode.BINARY : Opcode.TEXT);
}
