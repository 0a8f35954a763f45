import { NO_SPAN, SpanLists } from './span-lists.js';

/** The smallest slab, in bytes. */
const MIN_SLAB_BYTES = 64;
const MIN_SLAB_BITS = 6;

/** Slabs below this size share a span; from it on, a slab is a span or several. In bytes. */
const SPAN_BYTES = 64 * 1024;
const SPAN_BITS = 16;

/** The largest slab, in bytes: keeps capacities within what bit operations on numbers can do. */
const MAX_SLAB_BYTES = 1024 * 1024 * 1024;

/** In `#spanKind`: the span is not the first of what it belongs to, or belongs to nothing. */
const NO_KIND = -1;
/** In `#spanKind`: this span is cut into slabs of `MIN_SLAB_BYTES << kind`. Whole-span slabs are `FREE` or `TAKEN` plus their order. */
const FREE = 64;
const TAKEN = 128;
const SMALL_KINDS = SPAN_BITS - MIN_SLAB_BITS;

/** Words of `#takenBits` for one span: a bit for each of the smallest slabs. */
const WORDS_PER_SPAN = SPAN_BYTES / MIN_SLAB_BYTES / 32;

/**
 * Hands out ranges of the arena above a fixed start, whose sizes are powers of two. It is a buddy system of 64 KiB
 * spans, some of which are cut into equal small slabs. It works with offsets only and never touches the memory that it
 * manages, so what is not used never becomes resident. To take and to free costs the same however many slabs there are.
 *
 * A slab can grow where it lies, if its upper buddy is free ({@link grow}). So a large slab is cut from the largest
 * free range, which leaves it the most room to grow.
 */
export class Slabs {
  readonly #start: number;
  readonly #spans: number;
  /** How many orders there are: a range of order n has 2^n spans. */
  readonly #orders: number;
  /** Per span: what starts there (see the constants above). */
  readonly #spanKind: Int16Array;
  /** Per span that is cut into small slabs: how many of them are taken. */
  readonly #spanTaken: Uint16Array;
  /** Per span that is cut: which of its slabs are taken, a bit for each. */
  readonly #takenBits: Int32Array;
  /** By kind: the cut spans that have a free slab. */
  readonly #roomy: SpanLists;
  /** By order: the first spans of free ranges. */
  readonly #freeRanges: SpanLists;
  /** By kind: the span that stays cut though none of its slabs is taken, or `NO_SPAN`. */
  readonly #idleSpans = new Int32Array(SMALL_KINDS).fill(NO_SPAN);
  #allocatedBytes = 0;
  #allocatedSlabs = 0;
  /** What is kept for those who cannot do without a slab, in bytes. */
  #keptBytes = 0;

  constructor(start: number, lengthBytes: number) {
    this.#start = start;
    this.#spans = Math.floor(lengthBytes / SPAN_BYTES);
    this.#orders = 32 - Math.clz32(this.#spans);
    this.#spanKind = new Int16Array(this.#spans).fill(NO_KIND);
    this.#spanTaken = new Uint16Array(this.#spans);
    this.#takenBits = new Int32Array(this.#spans * WORDS_PER_SPAN);
    this.#roomy = new SpanLists(SMALL_KINDS, this.#spans);
    this.#freeRanges = new SpanLists(this.#orders, this.#spans);
    // Buddies are aligned to their own size counted from the first span, so the ranges must be laid in order of size.
    let span = 0;
    for (let order = this.#orders - 1; order >= 0; order--) {
      if (span + (1 << order) > this.#spans) continue;
      this.#addFree(span, order);
      span += 1 << order;
    }
  }

  /** Bytes in slabs that are taken now. */
  get allocatedBytes(): number {
    return this.#allocatedBytes;
  }

  /** Slabs that are taken now. */
  get allocatedSlabs(): number {
    return this.#allocatedSlabs;
  }

  /** Whether no more than what is kept is free: see {@link keep}. */
  get isShort(): boolean {
    return !this.#isSpare(0);
  }

  /**
   * Keeps a quarter of what is free now for those who cannot do without a slab. Everybody else, who can work on the heap, calls
   * {@link takeSpare} and {@link growSpare}.
   */
  keepQuarter(): void {
    this.#keptBytes = (this.#spans * SPAN_BYTES - this.#allocatedBytes) / 4;
  }

  /** How many bytes a slab for `lengthBytes` really has: the next power of two, at least 64. */
  static capacity(lengthBytes: number): number {
    if (lengthBytes <= MIN_SLAB_BYTES) return MIN_SLAB_BYTES;
    const bits = 32 - Math.clz32(lengthBytes - 1);
    // `**` costs more than all the rest of take().
    return bits < 31 ? 1 << bits : 2 ** bits;
  }

  /** Takes a slab of {@link Slabs.capacity} bytes. @returns its offset, or -1 if there is no room for it. */
  take(lengthBytes: number): number {
    if (lengthBytes > MAX_SLAB_BYTES) return -1;
    const capacity = Slabs.capacity(lengthBytes);
    let offset = this.#find(capacity);
    if (offset < 0 && this.#freeIdleSpans()) offset = this.#find(capacity);
    if (offset >= 0) {
      this.#allocatedBytes += capacity;
      this.#allocatedSlabs++;
    }
    return offset;
  }

  /**
   * Takes a slab of 64 KiB or more that is never given back. It is cut from the smallest free range, so that the large ones stay whole.
   * @returns its offset, or -1 if there is no room for it.
   */
  takeForGood(lengthBytes: number): number {
    const capacity = Slabs.capacity(Math.max(lengthBytes, SPAN_BYTES));
    const span = this.#takeSmallest(spanOrder(capacity));
    if (span === NO_SPAN) return -1;
    this.#allocatedBytes += capacity;
    this.#allocatedSlabs++;
    return this.#start + span * SPAN_BYTES;
  }

  /** Does what {@link take} does, unless it would take of what is kept. */
  takeSpare(lengthBytes: number): number {
    return this.#isSpare(Slabs.capacity(lengthBytes)) ? this.take(lengthBytes) : -1;
  }

  /** Does what {@link grow} does, unless it would take of what is kept. */
  growSpare(offset: number, lengthBytes: number): boolean {
    return this.#isSpare(Slabs.capacity(lengthBytes)) && this.grow(offset, lengthBytes);
  }

  /**
   * Gives back a slab that {@link take} returned, whether it has grown or not. @param lengthBytes any length that has
   * its present capacity.
   */
  free(offset: number, lengthBytes: number): void {
    const capacity = Slabs.capacity(lengthBytes);
    const span = (offset - this.#start) >>> SPAN_BITS;
    if (capacity < SPAN_BYTES) {
      this.#freeSmall(offset, span, smallKind(capacity));
    } else {
      const order = spanOrder(capacity);
      this.#expect(span, TAKEN + order, offset);
      this.#freeRange(span, order);
    }
    this.#allocatedBytes -= capacity;
    this.#allocatedSlabs--;
  }

  /** Doubles a slab without moving it. @returns false, with nothing changed, if the memory behind it is not free. */
  grow(offset: number, lengthBytes: number): boolean {
    const capacity = Slabs.capacity(lengthBytes);
    if (capacity < SPAN_BYTES || capacity === MAX_SLAB_BYTES) return false;
    const order = spanOrder(capacity);
    const span = (offset - this.#start) >>> SPAN_BITS;
    this.#expect(span, TAKEN + order, offset);
    const buddy = span ^ (1 << order);
    if (buddy < span || this.#spanKind[buddy] !== FREE + order) return false;
    this.#removeFree(buddy, order);
    this.#spanKind[span] = TAKEN + order + 1;
    this.#allocatedBytes += capacity;
    return true;
  }

  #isSpare(bytes: number): boolean {
    return this.#allocatedBytes + bytes <= this.#spans * SPAN_BYTES - this.#keptBytes;
  }

  #find(capacity: number): number {
    return capacity < SPAN_BYTES ? this.#takeSmall(smallKind(capacity)) : this.#takeSpans(spanOrder(capacity));
  }

  #takeSmall(kind: number): number {
    const span = this.#roomySpan(kind);
    if (span === NO_SPAN) return -1;
    const taken = (this.#spanTaken[span] as number) + 1;
    this.#spanTaken[span] = taken;
    if (taken === 1) this.#idleSpans[kind] = NO_SPAN;
    if (taken === slabsPerSpan(kind)) this.#roomy.remove(kind, span);
    const slab = this.#takeLowestBit(span * WORDS_PER_SPAN);
    return this.#start + span * SPAN_BYTES + slab * (MIN_SLAB_BYTES << kind);
  }

  /** A span with a free slab of this kind, cut if need be. */
  #roomySpan(kind: number): number {
    const roomy = this.#roomy.first(kind);
    if (roomy !== NO_SPAN) return roomy;
    const span = this.#takeSmallest(0); // so that the large ranges stay whole
    if (span === NO_SPAN) return NO_SPAN;
    this.#spanKind[span] = kind;
    this.#roomy.add(kind, span);
    return span;
  }

  /** Takes the lowest free bit from `firstWord` on. There is one. */
  #takeLowestBit(firstWord: number): number {
    const words = this.#takenBits;
    let word = firstWord;
    while (words[word] === -1) word++;
    const taken = words[word] as number;
    const lowest = ~taken & (taken + 1);
    words[word] = taken | lowest;
    return (word - firstWord) * 32 + 31 - Math.clz32(lowest);
  }

  #freeSmall(offset: number, span: number, kind: number): void {
    this.#expect(span, kind, offset);
    const slab = ((offset - this.#start) & (SPAN_BYTES - 1)) / (MIN_SLAB_BYTES << kind);
    const word = span * WORDS_PER_SPAN + (slab >>> 5);
    const bit = 1 << (slab & 31);
    const words = this.#takenBits;
    if (!Number.isInteger(slab) || ((words[word] as number) & bit) === 0) throw noSuchSlab(offset);
    words[word] = (words[word] as number) & ~bit;

    const taken = (this.#spanTaken[span] as number) - 1;
    this.#spanTaken[span] = taken;
    if (taken === slabsPerSpan(kind) - 1) this.#roomy.add(kind, span);
    if (taken > 0) return;
    // The last span of a kind stays cut, so that a single slab taken and freed in turn does not cut it each time.
    if (this.#roomy.isOnly(kind, span)) this.#idleSpans[kind] = span;
    else this.#freeCutSpan(span, kind);
  }

  #freeCutSpan(span: number, kind: number): void {
    this.#roomy.remove(kind, span);
    this.#freeRange(span, 0);
  }

  /** Frees the spans that stay cut without a slab that is taken. @returns whether there were any. */
  #freeIdleSpans(): boolean {
    let found = false;
    for (let kind = 0; kind < SMALL_KINDS; kind++) {
      const span = this.#idleSpans[kind] as number;
      if (span === NO_SPAN) continue;
      this.#idleSpans[kind] = NO_SPAN;
      this.#freeCutSpan(span, kind);
      found = true;
    }
    return found;
  }

  /** Takes spans of the smallest free range that has so many. @returns the first of them, or `NO_SPAN` */
  #takeSmallest(wanted: number): number {
    for (let order = wanted; order < this.#orders; order++) {
      const span = this.#freeRanges.first(order);
      if (span !== NO_SPAN) return this.#split(span, order, wanted);
    }
    return NO_SPAN;
  }

  #takeSpans(wanted: number): number {
    for (let order = this.#orders - 1; order >= wanted; order--) {
      const span = this.#freeRanges.first(order);
      if (span !== NO_SPAN) return this.#start + this.#split(span, order, wanted) * SPAN_BYTES;
    }
    return -1;
  }

  #split(span: number, order: number, wanted: number): number {
    this.#removeFree(span, order);
    for (let half = order - 1; half >= wanted; half--) this.#addFree(span + (1 << half), half);
    this.#spanKind[span] = TAKEN + wanted;
    return span;
  }

  #freeRange(first: number, firstOrder: number): void {
    let span = first;
    let order = firstOrder;
    this.#spanKind[span] = NO_KIND;
    while (order + 1 < this.#orders) {
      const buddy = span ^ (1 << order);
      if (this.#spanKind[buddy] !== FREE + order) break;
      this.#removeFree(buddy, order);
      span = Math.min(span, buddy);
      order++;
    }
    this.#addFree(span, order);
  }

  #addFree(span: number, order: number): void {
    this.#spanKind[span] = FREE + order;
    this.#freeRanges.add(order, span);
  }

  #removeFree(span: number, order: number): void {
    this.#spanKind[span] = NO_KIND;
    this.#freeRanges.remove(order, span);
  }

  #expect(span: number, kind: number, offset: number): void {
    if (this.#spanKind[span] !== kind) throw noSuchSlab(offset);
  }
}

/** A wrong size or a second free would hand one connection's bytes to another: better to stop the thread. */
function noSuchSlab(offset: number): Error {
  return new Error(`arena bookkeeping is broken: no slab of this size at ${offset}`);
}

function spanOrder(capacity: number): number {
  return 31 - Math.clz32(capacity) - SPAN_BITS;
}

function smallKind(capacity: number): number {
  return 31 - Math.clz32(capacity) - MIN_SLAB_BITS;
}

function slabsPerSpan(kind: number): number {
  return SPAN_BYTES >> (MIN_SLAB_BITS + kind);
}
