import type { BatchKernel, Kernel } from '../kernels/kernel.js';
import { type Arena, OUT_BYTES, ROW_WORDS, TABLE_ROWS } from '../memory/arena.js';
import { frameHeaderBytes } from '../protocol/frame-header.js';
import type { Output } from './output.js';
import type { Turn } from './turn.js';

/** What nobody can send. */
export const NO_LANE = {};

/** The words of a table of rows. */
const ROWS_END = TABLE_ROWS * ROW_WORDS;

/**
 * How long a frame may wait for others, in ms, if the event loop does not come to the end of its phase before: some fifty
 * small messages are received and answered in this time. A handler that takes longer delays it until it returns.
 */
const MAX_WAIT_MS = 0.2;

/** With less room than this, in bytes, the out-buffer is flushed before somebody else begins to gather in it. */
const MIN_ROOM_BYTES = OUT_BYTES / 4;

/**
 * Where a thread gathers the small frames that its connections send, each connection's together, until the event loop has
 * handled all that it has found to be read: then they are sent, connection by connection. Sent one by one, between the reads,
 * each of them would wake a client that had just begun to sleep, which costs the sender more than the sending: at 20 bytes a
 * message the clients of 100 connections on another core were put to sleep for 15 to 35 of 100 messages, and for 3 so.
 *
 * One connection at a time owns it, and gathers; when another one takes it over, what the first has gathered waits in front.
 */
export class OutBuffer {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Where the frames of the owner begin. In front of them are those that wait. */
  base: number;
  /** Where the next frame goes, but for those that are still to be gathered. */
  position: number;
  owner: Output | undefined;
  /**
   * The message that may be appended by {@link later} and without further questions: that of the owner, while it is handed
   * out, when the one before it was appended so, and the kernel had taken all that was in front of that.
   */
  lane: object = NO_LANE;
  readonly #turn: Turn;
  readonly #batch: BatchKernel | undefined;
  readonly #replies: Int32Array;
  readonly #repliesStart: number;
  /** Where the rows of replies end that are still to be gathered, in words of the arena's table. */
  #rowsEnd = 0;
  /** What they will leave free of the out-buffer, in bytes, if there are any. */
  #rowsRoom = 0;
  /** The first `#waitingCount` of these have been the owner since it was flushed: to cut an array costs more. */
  readonly #waiting: (Output | undefined)[] = [];
  #waitingCount = 0;
  /** When the first of them began to gather; negative if there is none. */
  #sinceMs = -1;
  #isScheduled = false;
  readonly #onPhaseEnd: () => void;

  /** @param turn of the thread: flushing is one. */
  constructor(arena: Arena, kernel: Kernel, turn: Turn) {
    this.bytes = arena.bytes;
    this.start = arena.outStart;
    this.end = arena.outStart + OUT_BYTES;
    this.base = this.start;
    this.position = this.start;
    this.#turn = turn;
    this.#batch = kernel.batch;
    this.#replies = arena.replies;
    this.#repliesStart = arena.repliesStart;
    this.#onPhaseEnd = () => {
      this.#isScheduled = false;
      this.flush();
    };
  }

  /** What the owner has gathered, and what is still to be, in bytes. */
  get length(): number {
    return this.#rowsEnd === 0 ? this.position - this.base : this.end - this.base - this.#rowsRoom;
  }

  /** Whether frames can wait where they lie, see {@link later}. */
  get canWait(): boolean {
    return this.#batch !== undefined;
  }

  /** Makes `output` the owner, who will be flushed when the phase of the event loop ends, with room for a frame at least. */
  give(output: Output): void {
    if (this.end - this.position < MIN_ROOM_BYTES || this.owner === output) this.flush();
    this.#takeBack();
    this.owner = output;
    if (this.#sinceMs < 0) this.#sinceMs = performance.now();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#onPhaseEnd);
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

  /** To be called when a read was handled: the window is going to be overwritten, and time has gone by. */
  endRead(): void {
    this.settle();
    if (this.#sinceMs >= 0 && performance.now() - this.#sinceMs > MAX_WAIT_MS) this.flush();
  }

  /** The kernel, or a queue, has what the owner has gathered. */
  consume(): void {
    if (this.#waitingCount === 0) this.position = this.start;
    this.base = this.position;
  }

  /** Forgets what the owner has gathered, and who it was. */
  disown(): void {
    this.lane = NO_LANE;
    this.position = this.base;
    this.#rowsEnd = 0;
    this.owner = undefined;
  }

  /** Sends what everybody has gathered, in the order in which they began to. */
  flush(): void {
    this.#takeBack();
    this.#sinceMs = -1;
    this.#turn.begin(); // what a stream answers from within a write waits until all is written
    try {
      this.#flushWaiting(0);
    } finally {
      this.#turn.end();
    }
  }

  #takeBack(): void {
    const { owner } = this;
    if (owner === undefined) return;
    this.settle();
    owner.wait(this.base, this.position);
    this.#waiting[this.#waitingCount++] = owner;
    this.base = this.position;
    this.owner = undefined;
  }

  #flushWaiting(first: number): void {
    let i = first;
    try {
      for (; i < this.#waitingCount; i++) {
        const output = this.#waiting[i] as Output; // below the count
        this.#waiting[i] = undefined;
        output.flush();
      }
    } finally {
      // One that fails is not to cost the others theirs.
      if (i < this.#waitingCount) this.#flushWaiting(i + 1);
      else {
        this.#waitingCount = 0;
        this.position = this.start;
        this.base = this.start;
      }
    }
  }
}
