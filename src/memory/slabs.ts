/** The smallest slab, in bytes. */
const MIN_SLAB_BYTES = 64;
const MIN_SLAB_BITS = 6;

/** Slabs below this size share a span; from it on, a slab is a span or several. In bytes. */
const SPAN_BYTES = 64 * 1024;
const SPAN_BITS = 16;

/** The largest slab, in bytes: keeps capacities within what bit operations on numbers can do. */
const MAX_SLAB_BYTES = 1024 * 1024 * 1024;

/** Marks spans in `#spanKind` that are not the first of what they belong to, or belong to nothing. */
const NO_KIND = -1;
const NO_SPAN = -1;
/** In `#spanKind`: this span is cut into slabs of `MIN_SLAB_BYTES << kind`. Whole-span slabs are `FREE` or `TAKEN` plus their order. */
const FREE = 64;
const TAKEN = 128;

/**
 * Hands out power-of-two ranges of the arena above a fixed start: a buddy system of 64 KiB spans, some of which are cut
 * into equal small slabs. Offsets only: it never touches the memory it manages, so what is not used never becomes resident.
 *
 * A slab can grow where it lies, if its upper buddy is free ({@link grow}); a large slab is therefore cut from the
 * largest free range, which leaves it the most room to grow.
 */
export class Slabs {
  readonly #start: number;
  readonly #spans: number;
  /** Per span: what starts there (see the constants above). */
  readonly #spanKind: Int16Array;
  /** Per span that is cut into small slabs: how many of them are taken. */
  readonly #spanTaken: Uint16Array;
  /** Free ranges by order (a range of order n has 2^n spans): first spans, as sets so that a buddy is taken out in O(1). */
  readonly #freeSpans: Set<number>[] = [];
  /** Free small slabs by class, as stacks of offsets. */
  readonly #freeSmall: number[][] = [];
  /** By class: the span that stays cut though none of its slabs is taken, or `NO_SPAN`. */
  readonly #idleSpans: number[] = [];
  #takenBytes = 0;
  #takenSlabs = 0;

  constructor(start: number, lengthBytes: number) {
    this.#start = start;
    this.#spans = Math.floor(lengthBytes / SPAN_BYTES);
    this.#spanKind = new Int16Array(this.#spans).fill(NO_KIND);
    this.#spanTaken = new Uint16Array(this.#spans);
    for (let order = 0; 2 ** order <= this.#spans; order++) this.#freeSpans.push(new Set());
    for (let size = MIN_SLAB_BYTES; size < SPAN_BYTES; size *= 2) {
      this.#freeSmall.push([]);
      this.#idleSpans.push(NO_SPAN);
    }
    // Buddies are aligned to their own size counted from the first span, so the ranges must be laid in order of size.
    let span = 0;
    for (let order = this.#freeSpans.length - 1; order >= 0; order--) {
      if (span + 2 ** order > this.#spans) continue;
      this.#addFree(span, order);
      span += 2 ** order;
    }
  }

  /** Bytes in slabs that are taken now. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Slabs that are taken now. */
  get takenSlabs(): number {
    return this.#takenSlabs;
  }

  /** What a slab for `lengthBytes` really holds: the next power of two, 64 at least. */
  static capacity(lengthBytes: number): number {
    return lengthBytes <= MIN_SLAB_BYTES ? MIN_SLAB_BYTES : 2 ** (32 - Math.clz32(lengthBytes - 1));
  }

  /** The offset of a slab of {@link Slabs.capacity} bytes, or -1 if there is no room for it. */
  take(lengthBytes: number): number {
    if (lengthBytes > MAX_SLAB_BYTES) return -1;
    const capacity = Slabs.capacity(lengthBytes);
    let offset = this.#find(capacity);
    if (offset < 0 && this.#freeIdleSpans()) offset = this.#find(capacity);
    if (offset >= 0) {
      this.#takenBytes += capacity;
      this.#takenSlabs++;
    }
    return offset;
  }

  /** Gives back a slab that `take(lengthBytes)` returned, grown or not: `lengthBytes` is any length of its present capacity. */
  free(offset: number, lengthBytes: number): void {
    const capacity = Slabs.capacity(lengthBytes);
    const span = (offset - this.#start) >>> SPAN_BITS;
    if (capacity < SPAN_BYTES) {
      this.#freeSmallSlab(offset, span, smallClass(capacity));
    } else {
      const order = spanOrder(capacity);
      this.#expect(span, TAKEN + order, offset);
      this.#freeRange(span, order);
    }
    this.#takenBytes -= capacity;
    this.#takenSlabs--;
  }

  /** Doubles a slab without moving it. False, and nothing has changed, if the memory behind it is not free. */
  grow(offset: number, lengthBytes: number): boolean {
    const capacity = Slabs.capacity(lengthBytes);
    if (capacity < SPAN_BYTES || capacity === MAX_SLAB_BYTES) return false;
    const order = spanOrder(capacity);
    const span = (offset - this.#start) >>> SPAN_BITS;
    this.#expect(span, TAKEN + order, offset);
    const buddy = span ^ (2 ** order);
    if (buddy < span || this.#spanKind[buddy] !== FREE + order) return false;
    this.#removeFree(buddy, order);
    this.#spanKind[span] = TAKEN + order + 1;
    this.#takenBytes += capacity;
    return true;
  }

  #find(capacity: number): number {
    return capacity < SPAN_BYTES ? this.#takeSmall(capacity) : this.#takeSpans(spanOrder(capacity));
  }

  #takeSmall(capacity: number): number {
    const kind = smallClass(capacity);
    const free = this.#freeSmall[kind] as number[];
    if (free.length === 0 && !this.#cutSpan(kind, capacity)) return -1;
    const offset = free.pop() as number; // #cutSpan has filled it
    const span = (offset - this.#start) >>> SPAN_BITS;
    const taken = this.#spanTaken[span] as number;
    if (taken === 0) this.#idleSpans[kind] = NO_SPAN;
    this.#spanTaken[span] = taken + 1;
    return offset;
  }

  #cutSpan(kind: number, capacity: number): boolean {
    const offset = this.#takeSmallestSpan();
    if (offset < 0) return false;
    this.#spanKind[(offset - this.#start) >>> SPAN_BITS] = kind;
    const free = this.#freeSmall[kind] as number[];
    for (let at = offset + SPAN_BYTES - capacity; at >= offset; at -= capacity) free.push(at);
    return true;
  }

  #freeSmallSlab(offset: number, span: number, kind: number): void {
    this.#expect(span, kind, offset);
    const taken = (this.#spanTaken[span] as number) - 1;
    if (taken < 0) this.#expect(span, NO_KIND, offset);
    this.#spanTaken[span] = taken;
    const free = this.#freeSmall[kind] as number[];
    free.push(offset);
    if (taken > 0) return;
    // The last span of a class stays cut, so that a single slab taken and freed in turn does not cut it each time.
    if (free.length * (MIN_SLAB_BYTES << kind) <= SPAN_BYTES) this.#idleSpans[kind] = span;
    else this.#freeCutSpan(span, kind);
  }

  #freeCutSpan(span: number, kind: number): void {
    const start = this.#start + span * SPAN_BYTES;
    const free = this.#freeSmall[kind] as number[];
    this.#freeSmall[kind] = free.filter((at) => at < start || at >= start + SPAN_BYTES);
    this.#freeRange(span, 0);
  }

  /** True if there were any. */
  #freeIdleSpans(): boolean {
    let found = false;
    for (const [kind, span] of this.#idleSpans.entries()) {
      if (span === NO_SPAN) continue;
      this.#idleSpans[kind] = NO_SPAN;
      this.#freeCutSpan(span, kind);
      found = true;
    }
    return found;
  }

  /** A span for small slabs comes from the smallest free range, so that the large ones stay whole. */
  #takeSmallestSpan(): number {
    for (let order = 0; order < this.#freeSpans.length; order++) {
      const span = first(this.#freeSpans[order]);
      if (span !== undefined) return this.#split(span, order, 0);
    }
    return -1;
  }

  #takeSpans(wanted: number): number {
    for (let order = this.#freeSpans.length - 1; order >= wanted; order--) {
      const span = first(this.#freeSpans[order]);
      if (span !== undefined) return this.#split(span, order, wanted);
    }
    return -1;
  }

  #split(span: number, order: number, wanted: number): number {
    this.#removeFree(span, order);
    for (let half = order - 1; half >= wanted; half--) this.#addFree(span + 2 ** half, half);
    this.#spanKind[span] = TAKEN + wanted;
    return this.#start + span * SPAN_BYTES;
  }

  #freeRange(first: number, firstOrder: number): void {
    let span = first;
    let order = firstOrder;
    this.#spanKind[span] = NO_KIND;
    while (order + 1 < this.#freeSpans.length) {
      const buddy = span ^ (2 ** order);
      if (this.#spanKind[buddy] !== FREE + order) break;
      this.#removeFree(buddy, order);
      span = Math.min(span, buddy);
      order++;
    }
    this.#addFree(span, order);
  }

  #addFree(span: number, order: number): void {
    this.#spanKind[span] = FREE + order;
    (this.#freeSpans[order] as Set<number>).add(span);
  }

  #removeFree(span: number, order: number): void {
    this.#spanKind[span] = NO_KIND;
    (this.#freeSpans[order] as Set<number>).delete(span);
  }

  #expect(span: number, kind: number, offset: number): void {
    if (this.#spanKind[span] === kind) return;
    // A wrong size or a second free would hand one connection's bytes to another: better to stop the thread.
    throw new Error(`arena bookkeeping is broken: no slab of this size at ${offset}`);
  }
}

function spanOrder(capacity: number): number {
  return 31 - Math.clz32(capacity) - SPAN_BITS;
}

function smallClass(capacity: number): number {
  return 31 - Math.clz32(capacity) - MIN_SLAB_BITS;
}

function first(set: Set<number> | undefined): number | undefined {
  return set?.values().next().value;
}
