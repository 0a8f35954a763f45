import { randomFillSync } from 'node:crypto';
import { createKernel } from '../kernels/create-kernel.js';
import { PAGE_BYTES, reserveMemory } from '../memory/reserve.js';
import { maskedHeaderBytes, writeMaskedHeader } from '../protocol/client-frame.js';
import { frameHeaderBytes, writeFrameHeader } from '../protocol/frame-header.js';
import { FIN, Opcode } from '../protocol/opcode.js';

/** How much one read may bring, in bytes. */
export const READ_BYTES = 256 * 1024;

/** Bytes that the kernel copies begin this far behind the beginning of a page of the machine: see `OFF_PAGE_BYTES` of the arena. */
export const OFF_PAGE_BYTES = 2048;

/** How much memory the prebuilt frames take at most, unless one alone is longer. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024;

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
  /** The frame that a server answers with, again and again: a frame and a read longer than one frame. */
  readonly expected: Buffer;
  /** Length of each of those, in bytes. */
  readonly expectedBytes: number;

  /** @param inFlight how many frames are sent at a time, at most. */
  constructor(payload: Uint8Array, isBinary: boolean, inFlight: number) {
    const { length } = payload;
    const firstByte = FIN | (isBinary ? Opcode.BINARY : Opcode.TEXT);
    this.isBinary = isBinary;
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
      bytes.set(payload, at);
      kernel.unmask(at, length, key);
      at += length;
    }
    this.batch = bytes.subarray(PAGE_BYTES + OFF_PAGE_BYTES, at);

    this.expectedBytes = frameHeaderBytes(length) + length;
    const frame = Buffer.allocUnsafe(this.expectedBytes);
    frame.set(payload, writeFrameHeader(frame, 0, firstByte, length));
    this.expected = Buffer.alloc(this.expectedBytes + READ_BYTES, frame);
    this.payload = this.expected.subarray(this.expectedBytes - length, this.expectedBytes);
  }
}
