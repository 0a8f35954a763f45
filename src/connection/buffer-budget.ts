import { Counter, type Counters } from '../telemetry/counters.js';

const KIB = 1024;

/** A thread tells the others of a change when it has come to so many bytes. */
const STEP_BYTES = 64 * KIB;

/** How far the sum may exceed what is allowed until room is made, which is not done in the middle of a hook. */
const OVERRUN = 1.25;

/**
 * What the connections of a server hold of memory in all threads: output that peers have not taken, and messages that are
 * still arriving. Each thread counts its own, and shares the sum, in KiB, by an int32 that all of them add to.
 */
export class BufferBudget {
  readonly maxBytes: number;
  readonly #counters: Counters;
  readonly #shared: Int32Array;
  readonly #onExceeded: () => void;
  #bytes = 0;
  #toldBytes = 0;

  /**
   * @param shared the sum of all threads.
   * @param counters where the thread's own part of the sum is left, for the case that it dies.
   * @param onExceeded called when the thread adds something and the sum is above `maxBytes`.
   */
  constructor(shared: SharedArrayBuffer, maxBytes: number, counters: Counters, onExceeded: () => void) {
    this.#shared = new Int32Array(shared);
    this.maxBytes = maxBytes;
    this.#counters = counters;
    this.#onExceeded = onExceeded;
  }

  /** Of this thread. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of all threads, as far as they have told. */
  get totalBytes(): number {
    return Atomics.load(this.#shared, 0) * KIB;
  }

  /** Room is to be made, as soon as nothing else is under way. */
  get isExceeded(): boolean {
    return this.totalBytes > this.maxBytes;
  }

  /** Room could not be made fast enough: who holds something gets nothing more. */
  get isOverrun(): boolean {
    return this.totalBytes > OVERRUN * this.maxBytes;
  }

  /** The connections of this thread hold so many bytes more, or less. */
  add(bytes: number): void {
    this.#bytes += bytes;
    const change = this.#bytes - this.#toldBytes;
    // Also when all is gone: else up to a step would be left in the sum for as long as nothing happens.
    if (change < STEP_BYTES && change > -STEP_BYTES && (this.#bytes > 0 || change === 0)) return;
    const kibibytes = Math.trunc(change / KIB);
    this.#toldBytes += kibibytes * KIB;
    this.#counters.set(Counter.BUFFERED_BYTES, this.#toldBytes);
    Atomics.add(this.#shared, 0, kibibytes);
    if (change > 0 && this.isExceeded) this.#onExceeded();
  }

  /** Takes the part of a thread that has died out of the sum. */
  static forget(shared: SharedArrayBuffer, counters: Counters): void {
    Atomics.sub(new Int32Array(shared), 0, Math.trunc(counters.get(Counter.BUFFERED_BYTES) / KIB));
    counters.set(Counter.BUFFERED_BYTES, 0);
  }
}
