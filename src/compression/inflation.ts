import { createInflater } from '../kernels/create-inflater.js';
import { INFLATE_REGION_BYTES, type Inflater, MAX_HISTORY_BYTES } from '../kernels/inflater.js';
import type { Kernel } from '../kernels/kernel.js';
import type { WasmMemory } from '../memory/wasm-memory.js';
import type { ReaderMemory } from '../protocol/reader-memory.js';
import { arenaTooSmall } from './arena-too-small.js';
import { CANARY_BYTES, checkCanary, putCanary } from './canary.js';
import type { CompressionOptions } from './compression-options.js';
import { RoomQueue } from './room-queue.js';
import type { WindowSlabs } from './window-slabs.js';

/** The memory that messages are inflated in: a thread's arena. */
export interface InflationMemory<Bytes extends Uint8Array = Uint8Array> extends ReaderMemory<Bytes> {
  readonly memory: WasmMemory;
}

/** Where messages are inflated that turn out to be short, in bytes: a history of 32 KiB, and the output behind it. */
const SCRATCH_BYTES = 128 * 1024;

/** After so much work the clock is to be looked at, by the measure of {@link Inflater.inflate}: an eighth of a millisecond at most. */
const CLOCK_WORK = 64 * 1024;

/**
 * What the connections of one thread inflate messages with, one message at a time: an inflater, and two slabs of the arena, which are
 * kept for as long as the thread has this object. Messages that outgrow the scratch get slabs of their own.
 */
export class Inflation<Bytes extends Uint8Array = Uint8Array> {
  readonly arena: InflationMemory<Bytes>;
  /** Where the windows of its connections lie. */
  readonly windows: WindowSlabs;
  /** What validates text. */
  readonly kernel: Kernel;
  readonly inflater: Inflater;
  /** Where messages wait that find no slab. */
  readonly room = new RoomQueue();
  /** Where the scratch begins, and how many bytes it has. */
  readonly scratch: number;
  readonly scratchBytes = SCRATCH_BYTES;
  /** How many bytes at both ends of a range for output stay unused, so that they can be watched. 0 without poison mode. */
  readonly marginBytes: number;
  #work = 0;

  /**
   * @param poison whether the inflater is watched: it must write nothing in front of the history, nor behind the room for output.
   * @throws ArenaError if the arena has no room for the two slabs.
   */
  constructor(
    arena: InflationMemory<Bytes>,
    windows: WindowSlabs,
    kernel: Kernel,
    options: Pick<CompressionOptions, 'kernel'>,
    poison = false,
  ) {
    this.arena = arena;
    this.windows = windows;
    this.kernel = kernel;
    const region = arena.slabs.take(INFLATE_REGION_BYTES);
    this.scratch = arena.slabs.takeForGood(SCRATCH_BYTES);
    if (region < 0 || this.scratch < 0) throw arenaTooSmall();
    // Peers decide for how long the arena holds what has arrived, and what they do not read. That must leave room to inflate.
    arena.slabs.keepQuarter();
    this.inflater = createInflater(options.kernel, arena.memory, region);
    this.marginBytes = poison ? CANARY_BYTES : 0;
  }

  /** Where the output of a message begins in the scratch: there is room for every history in front of it. */
  get scratchOutput(): number {
    return this.scratch + this.marginBytes + MAX_HISTORY_BYTES;
  }

  /** Notes that so much work was done. @returns whether it is time to look at the clock */
  noteWork(work: number): boolean {
    this.#work += work;
    if (this.#work < CLOCK_WORK) return false;
    this.#work = 0;
    return true;
  }

  /** Puts canaries around a history with the room for output behind it, `[start, end)`, in poison mode. */
  watch(start: number, end: number): void {
    if (this.marginBytes === 0) return;
    const { bytes } = this.arena;
    putCanary(bytes, start - CANARY_BYTES);
    putCanary(bytes, end);
  }

  /** @throws Error if a canary was overwritten. */
  checkWatched(start: number, end: number): void {
    if (this.marginBytes === 0) return;
    const { bytes } = this.arena;
    checkCanary(bytes, start - CANARY_BYTES, 'an inflater');
    checkCanary(bytes, end, 'an inflater');
  }
}
