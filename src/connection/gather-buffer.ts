import type { BatchKernel, Kernel } from '../kernels/kernel.js';
import { type Arena, OUT_BYTES, ROW_WORDS, TABLE_ROWS } from '../memory/arena.js';
import { frameHeaderBytes } from '../protocol/frame-header.js';
import type { Gathered } from './turn.js';

/** Whose frames lie in an {@link GatherBuffer}: the output of a connection. */
export interface GatherBufferOwner {
  /** Another connection wants the gather buffer: what was gathered waits at `[from, to)`, until the next flush. */
  wait(from: number, to: number): void;
  /** Gives what was gathered to the kernel, and queues what it does not take. */
  flush(): void;
}

/** Stands for no message: nothing that can be sent is identical to it. */
export const NO_MESSAGE = {};

/** How many words a table of rows has. */
const ROWS_END = TABLE_ROWS * ROW_WORDS;

/** With less room than this, in bytes, the gather buffer is flushed before somebody else begins to gather in it. */
const MIN_ROOM_BYTES = OUT_BYTES / 4;

/** Says when what is gathered leaves: the thread's turn. */
export interface Departures {
  noteGathering(): void;
  flush(): void;
}

/**
 * Where a thread gathers the small frames that its connections send, each connection's together, until its turn says that they
 * leave: then they are sent, connection by connection.
 *
 * One connection at a time owns it, and gathers; when another one takes it over, what the first has gathered waits in front.
 */
export class GatherBuffer implements Gathered {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Where the frames of the owner begin. In front of them are those that wait. */
  base: number;
  /** Where the next frame goes, but for those that are still to be gathered. */
  position: number;
  owner: GatherBufferOwner | undefined;
  /**
   * The message that may be appended by {@link later} and without further questions: that of the owner, while it is handed
   * out, when the one before it was appended so, and the kernel had taken all that was in front of that.
   */
  fastPathMessage: object = NO_MESSAGE;
  readonly #batch: BatchKernel | undefined;
  readonly #replies: Int32Array;
  readonly #repliesStart: number;
  /** Where the rows of replies end that are still to be gathered, in words of the arena's table. */
  #rowsEnd = 0;
  /** What they will leave free of the gather buffer, in bytes, if there are any. */
  #rowsRoom = 0;
  /** The first `#waitingCount` of these have been the owner since it was flushed: to cut an array costs more. */
  readonly #waiting: (GatherBufferOwner | undefined)[] = [];
  #waitingCount = 0;
  readonly #departures: Departures;

  constructor(arena: Arena, kernel: Kernel, departures: Departures) {
    this.#departures = departures;
    this.bytes = arena.bytes;
    this.start = arena.outStart;
    this.end = arena.outStart + OUT_BYTES;
    this.base = this.start;
    this.position = this.start;
    this.#batch = kernel.batch;
    this.#replies = arena.replies;
    this.#repliesStart = arena.repliesStart;
  }

  /** What the owner has gathered, and what is still to be, in bytes. */
  get length(): number {
    return this.#rowsEnd === 0 ? this.position - this.base : this.end - this.base - this.#rowsRoom;
  }

  /** Whether frames can wait where they lie, see {@link later}. */
  get canWait(): boolean {
    return this.#batch !== undefined;
  }

  /**
   * Makes `output` the owner, with {@link MIN_ROOM_BYTES} at least, until the phase of the event loop ends. If it is the owner, its
   * frames are sent, like all others.
   */
  give(output: GatherBufferOwner): void {
    const isFull = this.owner === output;
    this.#takeBack();
    if (isFull || this.end - this.position < MIN_ROOM_BYTES) this.#departures.flush();
    this.owner = output;
    this.#departures.noteGathering();
  }

  /**
   * Appends a frame whose payload, of at most 65535 bytes, stays where it is in the arena until {@link gatherRows}. Hot.
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
  gatherRows(): void {
    this.fastPathMessage = NO_MESSAGE;
    if (this.#rowsEnd === 0) return;
    this.position = (this.#batch as BatchKernel).gather(this.#repliesStart, this.#rowsEnd / ROW_WORDS, this.position);
    this.#rowsEnd = 0;
  }

  /** The kernel, or a queue, has what the owner has gathered. */
  consume(): void {
    if (this.#waitingCount === 0) this.position = this.start;
    this.base = this.position;
  }

  /** Forgets what the owner has gathered, and who it was. */
  disown(): void {
    this.fastPathMessage = NO_MESSAGE;
    this.position = this.base;
    this.#rowsEnd = 0;
    this.owner = undefined;
  }

  /** Sends what everybody has gathered. */
  flush(): void {
    this.#takeBack();
    this.#flushWaiting(0);
  }

  #takeBack(): void {
    const { owner } = this;
    if (owner === undefined) return;
    this.gatherRows();
    this.owner = undefined;
    if (this.position === this.base) return;
    owner.wait(this.base, this.position);
    this.#waiting[this.#waitingCount++] = owner;
    this.base = this.position;
  }

  #flushWaiting(first: number): void {
    let i = first;
    try {
      for (; i < this.#waitingCount; i++) {
        const output = this.#waiting[i] as GatherBufferOwner; // below the count
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
