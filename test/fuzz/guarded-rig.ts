import { Inflation } from '../../dist/compression/inflation.js';
import { HEAP_WINDOWS } from '../../dist/compression/window-slabs.js';
import { createKernel, type KernelChoice } from '../../dist/kernels/create-kernel.js';
import type { Kernel } from '../../dist/kernels/kernel.js';
import { Arena, MIN_ARENA_BYTES, PAGE_BYTES, TABLE_BYTES, WINDOW_BYTES } from '../../dist/memory/arena.js';
import { noteTakenSlabs } from '../memory/noted-slabs.js';
import { noise } from '../protocol/client-frames.js';

/** The most that a reader may carry over and put in front of a read: a control frame without its last byte. */
const CARRY_BYTES = 130;

/** The size of the only free slab in the full arena, in bytes: some messages fit in it, and some outgrow it. */
const SPARE_BYTES = 64 * 1024;

const CANARIES = noise(2 * MIN_ARENA_BYTES);

/** A thread's memory. Every byte that was not given to a reader is a canary. */
export class GuardedRig {
  readonly arena: Arena;
  readonly kernel: Kernel;
  readonly inflation: Inflation<Buffer>;
  /** The slabs that belong to that. */
  readonly #inflationSlabs: readonly (readonly [offset: number, capacity: number])[];
  /** The expected content of all memory. */
  readonly #canaries: Buffer;
  /** Slabs that were taken since the last check. */
  readonly #taken: (readonly [offset: number, capacity: number])[];
  readonly #strangersSlabs: number;

  /** @param isFull whether nearly all slabs are taken, so that messages go to the heap. */
  constructor(choice: KernelChoice, isFull: boolean) {
    this.arena = new Arena(isFull ? MIN_ARENA_BYTES : 2 * MIN_ARENA_BYTES);
    this.kernel = createKernel(choice, this.arena.memory);
    const { bytes, slabs } = this.arena;
    bytes.set(CANARIES.subarray(0, bytes.length - PAGE_BYTES), PAGE_BYTES); // the first page has the kernels' static data
    const taken = noteTakenSlabs(slabs);
    const inflater = choice === 'native' ? 'native' : 'wasm';
    this.inflation = new Inflation(this.arena, HEAP_WINDOWS, this.kernel, { kernel: inflater }, !isFull);
    this.#inflationSlabs = [...taken];
    this.#canaries = Buffer.from(bytes);
    if (isFull) {
      const spare = slabs.take(SPARE_BYTES);
      for (let capacity = MIN_ARENA_BYTES; capacity >= 64; capacity /= 2) while (slabs.take(capacity) >= 0);
      slabs.free(spare, SPARE_BYTES);
    }
    this.#strangersSlabs = slabs.allocatedSlabs;
    this.#taken = noteTakenSlabs(slabs);
  }

  /** To be called after a read to the window. Only the bytes of the read may have changed in the window. */
  forgetWindow(length: number): void {
    const { bytes, windowStart } = this.arena;
    const start = windowStart - CARRY_BYTES;
    this.#canaries.copy(bytes, start, start, windowStart + Math.min(length, WINDOW_BYTES));
  }

  /** Restores all memory. @throws Error if a byte was written that may not be, or a slab was not given back. */
  check(): void {
    const { bytes, slabs, foundStart } = this.arena;
    this.#canaries.copy(bytes, foundStart, foundStart, foundStart + TABLE_BYTES);
    for (const [offset, capacity] of this.#taken) this.#canaries.copy(bytes, offset, offset, offset + capacity);
    this.#taken.length = 0;
    for (const [offset, capacity] of this.#inflationSlabs)
      bytes.copy(this.#canaries, offset, offset, offset + capacity);
    if (!this.#canaries.equals(bytes)) {
      const at = bytes.findIndex((byte, i) => byte !== this.#canaries[i]);
      this.#canaries.copy(bytes);
      throw new Error(`a byte at ${at} was written; the window begins at ${this.arena.windowStart}`);
    }
    const kept = slabs.allocatedSlabs - this.#strangersSlabs;
    if (kept !== 0) throw new Error(`${kept} slabs were not given back`);
  }
}
