/** How much memory a slab has, in bytes: eight of the largest windows. To give it back takes 0.1 ms. */
const SLAB_BYTES = 256 * 1024;

/** A memory for several windows of the same size. */
export interface WindowSlab {
  readonly bytes: Uint8Array;
  /** Takes room for one window. It has to be there. @returns where it begins */
  take(): number;
  /** Gives back what was taken at `start`, which is not used any more. */
  free(start: number): void;
}

/** Where windows lie. */
export interface WindowSlabs {
  /** A slab with room for a window. @param size in bytes: a power of two from 256 to 32 Ki. */
  withRoom(size: number): WindowSlab;
}

/** Each window has a memory of its own, which the garbage collector frees. */
export const HEAP_WINDOWS: WindowSlabs = {
  withRoom: (size) => ({ bytes: new Uint8Array(size), take: () => 0, free: () => {} }),
};

/**
 * The windows of the connections of one thread, side by side in slabs. A slab without windows gives its memory back to the system at
 * once, but for one of each size. With a memory for each window, malloc kept a third of them after ten thousand connections had gone,
 * because something else lay between them, and a connection took 0.7 kB more.
 */
export class PooledWindows implements WindowSlabs {
  readonly #sizes = new Map<number, SlabsOfSize>();
  /** What windows take now, in bytes. */
  takenBytes = 0;

  /** What the slabs take, in bytes, as far as their windows were written to once. */
  get slabBytes(): number {
    let slabs = 0;
    for (const { count } of this.#sizes.values()) slabs += count;
    return slabs * SLAB_BYTES;
  }

  withRoom(size: number): WindowSlab {
    let slabs = this.#sizes.get(size);
    if (slabs === undefined) {
      slabs = new SlabsOfSize(size, this);
      this.#sizes.set(size, slabs);
    }
    return slabs.withRoom();
  }
}

/** The slabs of a thread for windows of one size. */
class SlabsOfSize {
  readonly windowBytes: number;
  readonly pool: PooledWindows;
  /** How many there are. */
  count = 0;
  /** Those that have room, the one without windows last. */
  readonly #roomy = new Set<PooledSlab>();
  /** The slab that is kept though it has no windows. */
  #empty: PooledSlab | undefined;

  constructor(windowBytes: number, pool: PooledWindows) {
    this.windowBytes = windowBytes;
    this.pool = pool;
  }

  withRoom(): PooledSlab {
    for (const slab of this.#roomy) return slab;
    this.count++;
    const slab = new PooledSlab(this);
    this.#roomy.add(slab);
    return slab;
  }

  noteTaken(slab: PooledSlab): void {
    this.pool.takenBytes += this.windowBytes;
    if (slab === this.#empty) this.#empty = undefined;
    if (slab.isFull) this.#roomy.delete(slab);
  }

  noteFreed(slab: PooledSlab): void {
    this.pool.takenBytes -= this.windowBytes;
    if (!slab.isEmpty) {
      this.#roomy.add(slab);
      return;
    }
    this.#roomy.delete(slab);
    if (this.#empty !== undefined) {
      this.count--;
      slab.release();
      return;
    }
    this.#roomy.add(slab);
    this.#empty = slab;
  }
}

class PooledSlab implements WindowSlab {
  readonly bytes: Uint8Array;
  readonly #buffer: ArrayBuffer;
  readonly #slabs: SlabsOfSize;
  /** Where there is room. */
  readonly #free: number[] = [];

  constructor(slabs: SlabsOfSize) {
    // Resizable, because this is the one kind of memory that can be given back before the garbage collector runs.
    this.#buffer = new ArrayBuffer(SLAB_BYTES, { maxByteLength: SLAB_BYTES });
    this.bytes = new Uint8Array(this.#buffer, 0, SLAB_BYTES);
    this.#slabs = slabs;
    for (let start = SLAB_BYTES; start > 0; start -= slabs.windowBytes) this.#free.push(start - slabs.windowBytes);
  }

  get isFull(): boolean {
    return this.#free.length === 0;
  }

  get isEmpty(): boolean {
    return this.#free.length * this.#slabs.windowBytes === SLAB_BYTES;
  }

  take(): number {
    const start = this.#free.pop() as number; // there is room
    this.#slabs.noteTaken(this);
    return start;
  }

  free(start: number): void {
    this.#free.push(start);
    this.#slabs.noteFreed(this);
  }

  /** Gives all of its memory back to the system. */
  release(): void {
    this.#buffer.resize(0);
  }
}
