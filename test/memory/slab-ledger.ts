/** A second account of which slabs are taken, to check the first by. */
import { Slabs } from '../../dist/memory/slabs.js';

export interface TakenSlab {
  readonly offset: number;
  readonly capacity: number;
}

/**
 * Takes, frees and grows slabs of a range, and after each step checks what must hold: no two overlap, all lie inside, and
 * the counts are right.
 */
export class SlabLedger {
  readonly slabs: Slabs;
  readonly #start: number;
  readonly #end: number;
  /** In the order of their offsets. */
  readonly #taken: TakenSlab[] = [];

  constructor(start: number, lengthBytes: number) {
    this.slabs = new Slabs(start, lengthBytes);
    this.#start = start;
    this.#end = start + lengthBytes;
  }

  get taken(): readonly TakenSlab[] {
    return this.#taken;
  }

  /** Undefined if there is no room. */
  take(lengthBytes: number): TakenSlab | undefined {
    const offset = this.slabs.take(lengthBytes);
    if (offset === -1) {
      this.#checkCounts();
      return undefined;
    }
    const slab = { offset, capacity: Slabs.capacity(lengthBytes) };
    if (slab.capacity < lengthBytes) throw new Error(`${slab.capacity} bytes for ${lengthBytes}`);
    this.#insert(slab);
    return slab;
  }

  /** Gives back the slab at `index`, in the order of offsets, by any length that has its capacity. */
  free(index: number, lengthBytes?: number): void {
    const [slab] = this.#taken.splice(index, 1);
    if (slab === undefined) throw new Error(`no slab ${index}`);
    this.slabs.free(slab.offset, lengthBytes ?? slab.capacity);
    this.#checkCounts();
  }

  /** Doubles the slab at `index` where it lies, if that can be done. */
  grow(index: number): boolean {
    const slab = this.#taken[index];
    if (slab === undefined) throw new Error(`no slab ${index}`);
    if (!this.slabs.grow(slab.offset, slab.capacity)) {
      this.#checkCounts();
      return false;
    }
    this.#taken.splice(index, 1);
    this.#insert({ offset: slab.offset, capacity: slab.capacity * 2 });
    return true;
  }

  #insert(slab: TakenSlab): void {
    const taken = this.#taken;
    let at = taken.length;
    while (at > 0 && (taken[at - 1] as TakenSlab).offset > slab.offset) at--;
    taken.splice(at, 0, slab);
    const { offset, capacity } = slab;
    const before = taken[at - 1];
    const after = taken[at + 1];
    const describe = `the slab [${offset}, ${offset + capacity})`;
    if (offset < this.#start || offset + capacity > this.#end) throw new Error(`${describe} is not inside the range`);
    if (before !== undefined && before.offset + before.capacity > offset) {
      throw new Error(`${describe} overlaps the one before it, at ${before.offset}`);
    }
    if (after !== undefined && offset + capacity > after.offset) {
      throw new Error(`${describe} overlaps the one behind it, at ${after.offset}`);
    }
    this.#checkCounts();
  }

  #checkCounts(): void {
    const { allocatedSlabs, allocatedBytes } = this.slabs;
    const bytes = this.#taken.reduce((sum, { capacity }) => sum + capacity, 0);
    if (allocatedSlabs !== this.#taken.length || allocatedBytes !== bytes) {
      throw new Error(
        `counted ${allocatedSlabs} slabs of ${allocatedBytes} bytes, but ${this.#taken.length} of ${bytes} are taken`,
      );
    }
  }
}
