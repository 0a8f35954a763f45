import type { BatchKernel, Kernel } from '../kernels/kernel.js';
import { type Arena, OUT_BYTES, ROW_WORDS, TABLE_ROWS } from '../memory/arena.js';
import { frameHeaderBytes } from '../protocol/frame-header.js';
import type { Output } from './output.js';

/** What nobody can send. */
export const NO_LANE = {};

/** The words of a table of rows. */
const ROWS_END = TABLE_ROWS * ROW_WORDS;

/**
 * Where a thread gathers the small frames of one connection's next write. One connection at a time owns it; when another
 * one wants it, what the first has gathered moves to the heap.
 */
export class OutBuffer {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Where the next frame goes, but for those that are still to be gathered. */
  position: number;
  owner: Output | undefined;
  /**
   * The message that may be appended by {@link later} and without further questions: that of the owner, while it is handed
   * out, when the one before it was appended so, and the kernel had taken all that was in front of that.
   */
  lane: object = NO_LANE;
  readonly #batch: BatchKernel | undefined;
  readonly #replies: Int32Array;
  readonly #repliesStart: number;
  /** Where the rows of replies end that are still to be gathered, in words of the arena's table. */
  #rowsEnd = 0;
  /** What they will leave free of the out-buffer, in bytes, if there are any. */
  #rowsRoom = 0;

  constructor(arena: Arena, kernel: Kernel) {
    this.bytes = arena.bytes;
    this.start = arena.outStart;
    this.end = arena.outStart + OUT_BYTES;
    this.position = this.start;
    this.#batch = kernel.batch;
    this.#replies = arena.replies;
    this.#repliesStart = arena.repliesStart;
  }

  /** What is gathered, and what is still to be, in bytes. */
  get length(): number {
    return this.#rowsEnd === 0 ? this.position - this.start : OUT_BYTES - this.#rowsRoom;
  }

  /** Whether frames can wait where they lie, see {@link later}. */
  get canWait(): boolean {
    return this.#batch !== undefined;
  }

  /**
   * Appends a frame whose payload, of at most 65535 bytes, stays where it is in the arena until {@link settle}. Hot.
   * @returns false if there is no room for it, and nothing was done.
   */
  later(firstByte: number, start: number, length: number): boolean {
    const row = this.#rowsEnd;
    if (row === 0) this.#rowsRoom = this.end - this.position;
    const room = this.#rowsRoom - frameHeaderBytes(length) - length;
    if (room < 0 || row === ROWS_END) return false;
    this.#rowsRoom = room;
    this.#replies[row] = start;
    this.#replies[row + 1] = (length << 8) | firstByte;
    this.#rowsEnd = row + ROW_WORDS;
    return true;
  }

  /** Gathers what is still to be: everything stands where `position` says. */
  settle(): void {
    this.lane = NO_LANE;
    if (this.#rowsEnd === 0) return;
    this.position = (this.#batch as BatchKernel).gather(this.#repliesStart, this.#rowsEnd / ROW_WORDS, this.position);
    this.#rowsEnd = 0;
  }

  /** Forgets everything. */
  clear(): void {
    this.lane = NO_LANE;
    this.position = this.start;
    this.#rowsEnd = 0;
  }
}
