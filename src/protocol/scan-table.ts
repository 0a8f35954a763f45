import type { BatchKernel, Kernel } from '../kernels/kernel.js';
import { ROW_WORDS, TABLE_ROWS } from '../memory/arena.js';
import type { ReaderMemory } from './reader-memory.js';

/*
 * The table of the last scan: the whole small messages that a kernel has found at the front of what was fed, two words each (see
 * BatchKernel). There is one table in an arena. It belongs to the reader that has scanned last until that has walked it, which a
 * read does to its end before the next one.
 *
 * These are functions and no object: a reader walks the table with two numbers of its own, so that a message touches no other memory.
 */

/** Longer messages are left to the loop: few of them come at a time, and their kernel is chosen by their length. In bytes. */
const MAX_SCANNED_BYTES = 8 * 1024;
/** The same for text. */
const MAX_SCANNED_TEXT_BYTES = 2 * 1024;

/** How many bytes of its header stand in front of the payload of a scanned frame of up to 125 bytes. */
const SHORT_HEADER_BYTES = 6;
/** The same of a longer one. */
const LONG_HEADER_BYTES = 8;

/** The length of a scanned frame's header with its masking key, in bytes. The frame's length takes 7 or 16 bits (RFC 6455 section 5.2). */
export function scannedHeaderBytes(payloadLength: number): number {
  return payloadLength < 126 ? SHORT_HEADER_BYTES : LONG_HEADER_BYTES;
}

/**
 * Looks for whole small messages at the front of `[at, end)` of the arena, which is not empty, and begins with a frame header.
 * The kernel takes no frame with a reserved bit, negotiated or not: those are the loop's.
 * @returns where their rows end in the table, in words; 0 if there are none.
 */
export function scanMessages(
  batch: BatchKernel,
  { bytes, foundStart }: ReaderMemory,
  at: number,
  end: number,
  maxPayloadBytes: number,
): number {
  // If the first message is long, as its header says, the scan would find nothing, and the call would be wasted.
  const length = (bytes[at + 1] as number) & 0x7f;
  if (length === 127 || (length === 126 && (bytes[at + 2] as number) >= MAX_SCANNED_BYTES >> 8)) return 0;
  const maxBytes = Math.min(maxPayloadBytes, MAX_SCANNED_BYTES);
  const maxTextBytes = Math.min(maxPayloadBytes, MAX_SCANNED_TEXT_BYTES);
  return batch.scan(at, end, maxBytes, maxTextBytes, foundStart, TABLE_ROWS) * ROW_WORDS;
}

/** How far the scan has come in the arena: where the message ends whose row ends at `rowsEnd`. */
export function scannedUpTo(found: Int32Array, rowsEnd: number): number {
  return (found[rowsEnd - 2] as number) + ((found[rowsEnd - 1] as number) >>> 8);
}

/**
 * Masks the messages of the rows `[row, rowsEnd)` again, of which there is one at least, so that they are as they were.
 * @returns where the frame of the first of them begins.
 */
export function unscanMessages(kernel: Kernel, { found, view }: ReaderMemory, row: number, rowsEnd: number): number {
  let position = 0;
  for (let at = rowsEnd - ROW_WORDS; at >= row; at -= ROW_WORDS) {
    const start = found[at] as number;
    const length = (found[at + 1] as number) >>> 8;
    kernel.unmask(start, length, view.getInt32(start - 4, true));
    position = start - scannedHeaderBytes(length);
  }
  return position;
}
