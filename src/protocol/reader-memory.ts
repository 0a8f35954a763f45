import type { Slabs } from '../memory/slabs.js';

/**
 * The memory that a {@link MaskedFrameReader} works in. All readers of a thread have the same: in a server it is the thread's arena.
 * @typeParam Bytes the class of its views, which the reader passes on: Node's is Buffer, and browsers have Uint8Array only.
 */
export interface ReaderMemory<Bytes extends Uint8Array = Uint8Array> {
  /** All of the memory. */
  readonly bytes: Bytes;
  /** All of the memory, for words at any offset. */
  readonly view: DataView;
  /** The table of the messages that a scan has found: `TABLE_ROWS` rows. A kernel that does not scan leaves it alone. */
  readonly found: Int32Array;
  /** Where that table lies in the memory. */
  readonly foundStart: number;
  /** What hands out the part of the memory where messages are joined. */
  readonly slabs: Slabs;

  /** Memory on the heap, for a message that the slabs have no room for. What it contains is not defined. */
  allocate(length: number): Bytes;
}
