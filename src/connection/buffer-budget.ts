import { Counter, type Counters } from '../telemetry/counters.js';
import type { Budget } from './write-queue.js';

const KIB = 1024;

/** A thread adds to the sum when its own part has changed by so many bytes. */
const STEP_BYTES = 64 * KIB;

/** How far the sum may exceed the limit until room is made: that is not done in the middle of a hook. */
const OVERRUN = 1.25;

/**
 * The memory that the connections of a server hold in all threads: output that peers have not taken, and messages that are still
 * arriving. Each thread counts its own part. The sum is an int32 in shared memory, in KiB, to which all threads add.
 */
export class BufferBudget implements Budget {
  readonly maxBytes: number;
  readonly #counters: Counters;
  readonly #shared: Int32Array;
  readonly #onExceeded: () => void;
  #bytes = 0;
  #toldBytes = 0;

  /**
   * @param shared the sum of all threads.
   * @param counters keep the thread's own part of the sum: should the thread die, the primary takes it out.
   * @param onExceeded is called when this thread has added something and the sum is above `maxBytes`.
   */
  constructor(shared: SharedArrayBuffer, maxBytes: number, counters: Counters, onExceeded: () => void) {
    this.#shared = new Int32Array(shared);
    this.maxBytes = maxBytes;
    this.#counters = counters;
    this.#onExceeded = onExceeded;
  }

  /** What the connections of this thread hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What the connections of all threads hold, as far as the threads have said. */
  get totalBytes(): number {
    return Atomics.load(this.#shared, 0) * KIB;
  }

  /** Whether room has to be made, as soon as nothing else is under way. */
  get isExceeded(): boolean {
    return this.totalBytes > this.maxBytes;
  }

  /** Whether room could not be made fast enough: a connection that holds something gets nothing more. */
  get isOverrun(): boolean {
    return this.totalBytes > OVERRUN * this.maxBytes;
  }

  /** Notes that the connections of this thread hold so many bytes more, or less. */
  add(bytes: number): void {
    this.#bytes += bytes;
    const change = this.#bytes - this.#toldBytes;
    // Also when nothing is left: else up to a step would stay in the sum for as long as nothing happens.
    if (change < STEP_BYTES && change > -STEP_BYTES && (this.#bytes > 0 || change === 0)) return;
    const kibibytes = Math.trunc(change / KIB);
    this.#toldBytes += kibibytes * KIB;
    this.#counters.set(Counter.BUFFERED_BYTES, this.#toldBytes);
    Atomics.add(this.#shared, 0, kibibytes);
    if (change > 0 && this.isExceeded) this.#onExceeded();
  }

  addQueued(bytes: number, queues: -1 | 0 | 1): void {
    this.#counters.add(Counter.QUEUED_BYTES, bytes);
    if (queues !== 0) this.#counters.add(Counter.BACKPRESSURED, queues);
  }

  /** Takes the part of a dead thread out of the sum. */
  static forget(shared: SharedArrayBuffer, counters: Counters): void {
    Atomics.sub(new Int32Array(shared), 0, Math.trunc(counters.get(Counter.BUFFERED_BYTES) / KIB));
    counters.set(Counter.BUFFERED_BYTES, 0);
  }
}
