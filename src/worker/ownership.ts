/** The states of a slot, which say who owns the descriptor of its hand-off. */
const Slot = {
  /** The slot has no hand-off, or a revoked one that the worker has seen. */
  FREE: 0,
  /** The hand-off is posted to the worker. The side that wins the exchange of this value owns the descriptor. */
  OFFERED: 1,
  /**
   * The worker owns the descriptor, and is about to open a socket on it. If it dies before, nothing closes the descriptor, and
   * the primary has to.
   */
  TAKEN: 2,
  /** A socket of the worker has the descriptor, and closes it even if the worker dies; or the descriptor is closed already. */
  SETTLED: 3,
  /** The primary owns the descriptor again, and the worker has not seen that yet. */
  REVOKED: 4,
} as const;

/** How many hand-offs may be on their way to a worker at a time. */
const SLOTS = 4096;

/**
 * The owners of the descriptors that are on their way to a worker: an int32 for each, in memory that the primary and the worker
 * share. A descriptor is a number, and closing it twice may close another file. So its owner changes by an atomic exchange, which
 * only one side can win.
 *
 * ```
 *            offer()            take()            settle()             release()
 *   FREE ─────────────► OFFERED ───────► TAKEN ───────────► SETTLED ─────────────► FREE
 *    ▲                     │ revoke()
 *    └── take() ─ REVOKED ◄┘
 * ```
 */
export class Ownership {
  readonly buffer: SharedArrayBuffer;
  readonly #slots: Int32Array;
  /** Primary: the slots for new offers. A slot that is not in this list cannot be offered, whatever its state. */
  readonly #free: number[] = Array.from({ length: SLOTS }, (_, slot) => SLOTS - 1 - slot);
  /** Primary: the slots of revoked hand-offs that the worker may not have seen yet. */
  #revoked: number[] = [];

  constructor(buffer = new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#slots = new Int32Array(buffer);
  }

  /** Primary: takes a slot for a new offer, until {@link release} or {@link revoke}. @returns -1 while all slots are in use. */
  offer(): number {
    if (this.#free.length === 0) this.#collectSeen();
    const slot = this.#free.pop();
    if (slot === undefined) return -1;
    Atomics.store(this.#slots, slot, Slot.OFFERED);
    return slot;
  }

  /**
   * Primary: takes an offer back, and gives up its slot.
   * @returns true if the worker has not taken the offer, and never will: the primary owns the descriptor again.
   */
  revoke(slot: number): boolean {
    if (Atomics.compareExchange(this.#slots, slot, Slot.OFFERED, Slot.REVOKED) !== Slot.OFFERED) return false;
    this.#revoked.push(slot);
    return true;
  }

  /** Primary: whether the worker has the descriptor in a socket, or has closed it. */
  isSettled(slot: number): boolean {
    return Atomics.load(this.#slots, slot) === Slot.SETTLED;
  }

  /** Primary: gives up the slot of a settled hand-off. Call it once for each. */
  release(slot: number): void {
    Atomics.store(this.#slots, slot, Slot.FREE);
    this.#free.push(slot);
  }

  /** Primary: whether the worker has not seen yet that this offer was revoked. It sees offers in their order. */
  isUnseen(slot: number): boolean {
    return Atomics.load(this.#slots, slot) === Slot.REVOKED;
  }

  /**
   * Worker: takes an offer.
   * @returns true if the worker owns the descriptor from now on. It then calls {@link settle} as soon as it can.
   */
  take(slot: number): boolean {
    if (Atomics.compareExchange(this.#slots, slot, Slot.OFFERED, Slot.TAKEN) === Slot.OFFERED) return true;
    Atomics.store(this.#slots, slot, Slot.FREE); // it was revoked; now the slot can be used again
    return false;
  }

  /** Worker: notes that a socket has the descriptor, or that the descriptor is closed. */
  settle(slot: number): void {
    Atomics.store(this.#slots, slot, Slot.SETTLED);
  }

  #collectSeen(): void {
    const unseen: number[] = [];
    for (const slot of this.#revoked) (this.isUnseen(slot) ? unseen : this.#free).push(slot);
    this.#revoked = unseen;
  }
}
