import { Slabs } from '../memory/slabs.js';
import type { ReaderMemory } from './reader-memory.js';
import type { Slab } from './reported-message.js';

/**
 * What has arrived of a message that one read or one frame did not bring whole: its payload, unmasked and joined (RFC 6455 section
 * 5.4). It lies in a slab of the arena, or on the heap if the arena has none to spare. Either grows by doubling, with bytes that have arrived
 * and never with bytes that a header declares.
 */
export class PartialMessage<Bytes extends Uint8Array = Uint8Array> {
  readonly #arena: ReaderMemory<Bytes>;
  /** The memory that the bytes lie in: that of the arena, or on the heap memory of this message alone. */
  #bytes: Bytes;
  #start = 0;
  #length = 0;
  #capacity = 0;
  /** Slabs that libuv may still read into. The next {@link endLoan} gives them back. */
  #condemned: Slab[] | undefined;
  /** Whether libuv may hold a range that {@link lendFreeEnd} has lent. */
  #lent = false;

  constructor(arena: ReaderMemory<Bytes>) {
    this.#arena = arena;
    this.#bytes = arena.bytes;
  }

  /** The memory that the bytes lie in. */
  get bytes(): Bytes {
    return this.#bytes;
  }

  /** Where the message begins in that memory. */
  get start(): number {
    return this.#start;
  }

  /** How much of the message has arrived, in bytes. */
  get length(): number {
    return this.#length;
  }

  /** How much memory the message takes, in bytes. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Whether the message lies on the heap. */
  get onHeap(): boolean {
    return this.#bytes !== this.#arena.bytes;
  }

  /** Adds `length` bytes of the arena at `from`. Bytes that were read to where they belong are not copied. */
  append(from: number, length: number): void {
    if (this.#bytes === this.#arena.bytes && this.#capacity > 0 && from === this.#start + this.#length) {
      this.#length += length;
      return;
    }
    const total = this.#length + length;
    if (total > this.#capacity) this.#growTo(total);
    if (this.#bytes === this.#arena.bytes) {
      this.#bytes.copyWithin(this.#start + this.#length, from, from + length);
    } else {
      this.#bytes.set(this.#arena.bytes.subarray(from, from + length), this.#length);
    }
    this.#length = total;
  }

  /**
   * Lends the free end of the slab, where the next read may put up to `wanted` bytes so that they need not be copied.
   * @returns undefined if less than `least` bytes are free, or the message lies on the heap: then the next read goes to the window.
   */
  lendFreeEnd(wanted: number, least: number): readonly [offset: number, length: number] | undefined {
    if (this.#capacity === 0 || this.onHeap) return undefined;
    let free = this.#capacity - this.#length;
    if (free < Math.min(wanted, this.#length) && this.#arena.slabs.growSpare(this.#start, this.#capacity)) {
      this.#capacity *= 2;
      free = this.#capacity - this.#length;
    }
    const length = Math.min(wanted, free);
    if (length < least) return undefined;
    this.#lent = true;
    return [this.#start + this.#length, length];
  }

  /**
   * To be called when libuv holds no range of this message: in the connection's read callback, or after its socket was destroyed.
   */
  endLoan(): void {
    this.#lent = false;
    if (this.#condemned === undefined) return;
    for (const { offset, capacity } of this.#condemned) this.#arena.slabs.free(offset, capacity);
    this.#condemned = undefined;
  }

  /** Forgets the bytes, and gives their memory back as soon as libuv cannot hold a range of it any more. */
  release(): void {
    if (this.#capacity > 0 && !this.onHeap) this.#giveBack(this.#start, this.#capacity);
    this.#reset();
  }

  /**
   * Leaves the slab to the caller, who gives it back to the arena. It may be called only where {@link endLoan} may be.
   * @returns undefined if the message lies on the heap.
   */
  detach(): Slab | undefined {
    const slab = this.#capacity > 0 && !this.onHeap ? { offset: this.#start, capacity: this.#capacity } : undefined;
    this.#reset();
    return slab;
  }

  #growTo(total: number): void {
    if (this.#capacity > 0 && !this.onHeap) {
      while (this.#capacity < total && this.#arena.slabs.growSpare(this.#start, this.#capacity)) this.#capacity *= 2;
      if (this.#capacity >= total) return;
    }
    const capacity = Slabs.capacity(total);
    const offset = this.onHeap ? -1 : this.#arena.slabs.takeSpare(capacity);
    if (offset < 0) {
      const heap = this.#arena.allocate(capacity);
      heap.set(this.#bytes.subarray(this.#start, this.#start + this.#length), 0);
      if (this.#capacity > 0 && !this.onHeap) this.#giveBack(this.#start, this.#capacity);
      this.#bytes = heap;
      this.#start = 0;
    } else {
      this.#bytes.copyWithin(offset, this.#start, this.#start + this.#length);
      if (this.#capacity > 0) this.#giveBack(this.#start, this.#capacity);
      this.#start = offset;
    }
    this.#capacity = capacity;
  }

  #giveBack(offset: number, capacity: number): void {
    if (this.#lent) {
      this.#condemned ??= [];
      this.#condemned.push({ offset, capacity });
    } else {
      this.#arena.slabs.free(offset, capacity);
    }
  }

  #reset(): void {
    this.#bytes = this.#arena.bytes;
    this.#start = 0;
    this.#length = 0;
    this.#capacity = 0;
  }
}
