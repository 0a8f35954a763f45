/** Counts bytes that are held, and those that wait: see {@link BufferBudget}. */
export interface Budget {
  /** So many bytes of memory are held more, or less. */
  add(bytes: number): void;
  /** So many bytes wait more, or less. @param queues 1 if nothing has waited in this queue before, -1 if nothing does any more, else 0 */
  addQueued(bytes: number, queues: -1 | 0 | 1): void;
}

/** Bytes that wait for the kernel: `[start, end)` of memory that is held until `written` is called. */
interface Queued {
  bytes: Uint8Array;
  start: number;
  end: number;
  readonly written: (() => void) | undefined;
}

/** The first copy goes to memory of this size, in bytes; each further one to twice as much, up to the second figure. */
const FIRST_COPY_BYTES = 512;
const MAX_COPY_BYTES = 64 * 1024;
/** Longer output is copied in pieces of so many bytes, each of which is freed when the peer has taken it. */
const PIECE_BYTES = 256 * 1024;

/** At least so many items must have gone before their places in the array are cut off. */
const MIN_CUT = 32;

/**
 * The output of one connection that the kernel has not taken, in order. Copies go to memory with room for more, so that many small
 * frames for a peer that does not read cost little more than their bytes.
 */
export class WriteQueue {
  readonly #budget: Budget;
  #queue: (Queued | undefined)[] = [];
  /** Items before this one are gone; they are cut off now and then. */
  #first = 0;
  #queuedBytes = 0;
  #drainedBytes = 0;
  /** The last item, if it was copied and has room behind its end. */
  #growing: Queued | undefined;

  /** @param budget is told of all memory that is held, from when it is queued until the last byte of it has gone. */
  constructor(budget: Budget) {
    this.#budget = budget;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** How many bytes have left the queue since it was made: grows whenever the peer takes something. */
  get drainedBytes(): number {
    return this.#drainedBytes;
  }

  /** Queues memory that does not change until `written` is called: when it has gone, or never will. */
  hold(bytes: Uint8Array, written?: () => void): void {
    this.#growing = undefined;
    this.#push({ bytes, start: 0, end: bytes.length, written });
    this.#count(bytes.length);
  }

  /** Queues a copy of `[start, end)`. */
  copy(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at += PIECE_BYTES)
      this.#copyPiece(bytes.subarray(at, Math.min(end, at + PIECE_BYTES)));
  }

  #copyPiece(piece: Uint8Array): void {
    const { length } = piece;
    this.#count(length);
    const last = this.#growing;
    if (last !== undefined && last.end + length <= last.bytes.length) {
      last.bytes.set(piece, last.end);
      last.end += length;
      return;
    }
    const room = last === undefined ? FIRST_COPY_BYTES : Math.min(MAX_COPY_BYTES, 2 * last.bytes.length);
    // Not of Buffer's pool, all of which it would hold for as long as the peer likes.
    const memory = length >= room ? new Uint8Array(length) : Buffer.allocUnsafeSlow(room);
    memory.set(piece, 0);
    const item: Queued = { bytes: memory, start: 0, end: length, written: undefined };
    this.#push(item);
    this.#growing = item;
  }

  /** So many bytes wait more, or less. */
  #count(change: number): void {
    if (change === 0) return;
    const before = this.#queuedBytes;
    this.#queuedBytes = before + change;
    this.#budget.addQueued(change, before === 0 ? 1 : this.#queuedBytes === 0 ? -1 : 0);
  }

  #push(item: Queued): void {
    this.#queue.push(item);
    this.#budget.add(item.bytes.length);
  }

  /** The first bytes, at most `limitBytes` of one item. Only while something is queued. */
  head(limitBytes: number): Uint8Array {
    const { bytes, start, end } = this.#queue[this.#first] as Queued;
    return bytes.subarray(start, Math.min(end, start + limitBytes));
  }

  /** The first items, at most `limit` of them. */
  heads(limit: number): Uint8Array[] {
    const items = this.#queue.slice(this.#first, this.#first + limit) as Queued[];
    return items.map(({ bytes, start, end }) => bytes.subarray(start, end));
  }

  /** The first `length` bytes have gone. */
  consume(length: number): void {
    this.#count(-length);
    this.#drainedBytes += length;
    let left = length;
    while (left > 0) {
      const item = this.#queue[this.#first] as Queued;
      const taken = Math.min(left, item.end - item.start);
      item.start += taken;
      left -= taken;
      if (item.start < item.end) break;
      this.#queue[this.#first++] = undefined; // what has gone is not to be held by its place
      if (item === this.#growing) this.#growing = undefined;
      this.#release(item);
    }
    if (this.#first === this.#queue.length || (this.#first >= MIN_CUT && 2 * this.#first > this.#queue.length)) {
      this.#queue.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** Forgets everything: it will never go. */
  drop(): void {
    const dropped = this.#queue.slice(this.#first) as Queued[];
    this.#queue = [];
    this.#first = 0;
    this.#count(-this.#queuedBytes);
    this.#growing = undefined;
    for (const item of dropped) this.#release(item);
  }

  #release({ bytes, written }: Queued): void {
    this.#budget.add(-bytes.length);
    written?.();
  }
}
