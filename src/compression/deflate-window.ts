import type { WindowSlab, WindowSlabs } from './window-slabs.js';

const NOTHING = new Uint8Array(0);

/** A window takes so much at first, in bytes, and twice as much each time it is full, up to its size. */
const FIRST_BYTES = 512;

/**
 * What one side of a connection has sent compressed, as far as its next message may refer to it (RFC 7692 section 7.2.3.2): the last
 * 2^windowBits bytes of the messages before they were compressed. Messages that are sent as they are do not enter it. Both sides keep it.
 *
 * It takes no memory before the first message, and then what has entered it, rounded up to a power of two.
 */
export class DeflateWindow {
  readonly #slabs: WindowSlabs;
  /** How much of the messages is kept, in bytes. */
  #size: number;
  #slab: WindowSlab | undefined;
  /** Its part of the slab. */
  #start = 0;
  #capacity = 0;
  #length = 0;

  /** @param windowBits from 8 to 15. */
  constructor(slabs: WindowSlabs, windowBits: number) {
    this.#slabs = slabs;
    this.#size = 2 ** windowBits;
  }

  /** How many bytes of earlier messages there are. */
  get length(): number {
    return this.#length;
  }

  /** The earlier messages, the oldest byte first, until the next message enters. */
  get bytes(): Uint8Array {
    return this.#slab?.bytes.subarray(this.#start, this.#start + this.#length) ?? NOTHING;
  }

  /** Something has entered the receiver's window that is not in this one: nothing before it can be referred to any more. */
  clear(): void {
    this.#length = 0;
  }

  /** Copies all of it to memory, so that it ends in front of `end`. */
  copyTo(memory: Uint8Array, end: number): void {
    if (this.#length > 0) memory.set(this.bytes, end - this.#length);
  }

  /** Adds a message that was compressed: `length` bytes at `start` of some memory. */
  add(memory: Uint8Array, start: number, length: number): void {
    const added = Math.min(length, this.#size);
    if (added === 0) return;
    const kept = Math.min(this.#length, this.#size - added);
    const { bytes } = this.#withLast(kept, kept + added);
    bytes.set(memory.subarray(start + length - added, start + length), this.#start + kept);
    this.#length = kept + added;
  }

  /** Adds a message that lies right behind what {@link copyTo} has copied there. Moving that here would take longer. */
  addBehind(memory: Uint8Array, start: number, length: number): void {
    const before = this.#length;
    this.clear();
    this.add(memory, start - before, before + length);
  }

  /** Gives its memory back. Nothing enters it any more. */
  release(): void {
    this.#slab?.free(this.#start);
    this.#slab = undefined;
    this.#size = 0;
    this.#length = 0;
  }

  /** Moves the last `kept` bytes to its beginning, and makes room for `needed`. */
  #withLast(kept: number, needed: number): WindowSlab {
    const slab = this.#slab;
    const from = this.#start + this.#length - kept;
    if (slab !== undefined && needed <= this.#capacity) {
      if (kept < this.#length) slab.bytes.copyWithin(this.#start, from, from + kept);
      return slab;
    }
    const capacity = Math.min(this.#size, Math.max(FIRST_BYTES, 2 ** (32 - Math.clz32(needed - 1))));
    const larger = this.#slabs.withRoom(capacity);
    const start = larger.take();
    if (slab !== undefined) {
      larger.bytes.set(slab.bytes.subarray(from, from + kept), start);
      slab.free(this.#start);
    }
    this.#slab = larger;
    this.#start = start;
    this.#capacity = capacity;
    return larger;
  }
}
