/** What a slot says about the descriptor of its hand-off. */
const Slot = {
  /** No hand-off, or one that was revoked and that the worker has seen. */
  FREE: 0,
  /** Posted to the worker; the side that wins the exchange of this value owns the descriptor. */
  OFFERED: 1,
  /** The worker has won it, and is about to open a socket on it: until it has, nothing closes the descriptor if the worker dies. */
  TAKEN: 2,
  /** The worker's socket has the descriptor, and closes it whatever becomes of the worker; or it is closed already. */
  SETTLED: 3,
  /** The primary's again; the worker has not seen it yet. */
  REVOKED: 4,
} as const;

/** Hand-offs that may be on their way to a worker at a time. */
const SLOTS = 4096;

/**
 * Who owns the descriptors that are on their way to a worker: an int32 for each, in memory shared by the two threads. A
 * descriptor is a number, and closing it twice may close another file: so it changes hands by an atomic exchange, which
 * one side wins.
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
  /** Primary: slots without a hand-off. What is not here cannot be offered, whatever its slot says. */
  readonly #free: number[] = Array.from({ length: SLOTS }, (_, slot) => SLOTS - 1 - slot);
  /** Primary: slots whose hand-off was revoked, and that the worker may not have seen yet. */
  #revoked: number[] = [];

  constructor(buffer = new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#slots = new Int32Array(buffer);
  }

  /** Primary: the slot of a new offer, until {@link release} or {@link revoke}; or -1 while all are in use. */
  offer(): number {
    if (this.#free.length === 0) this.#collectSeen();
    const slot = this.#free.pop();
    if (slot === undefined) return -1;
    Atomics.store(this.#slots, slot, Slot.OFFERED);
    return slot;
  }

  /** Primary: true if the worker has not taken it, and never will: the descriptor is the primary's again, and the slot is given up. */
  revoke(slot: number): boolean {
    if (Atomics.compareExchange(this.#slots, slot, Slot.OFFERED, Slot.REVOKED) !== Slot.OFFERED) return false;
    this.#revoked.push(slot);
    return true;
  }

  /** Primary: whether the worker has the descriptor in a socket, or has closed it. */
  isSettled(slot: number): boolean {
    return Atomics.load(this.#slots, slot) === Slot.SETTLED;
  }

  /** Primary: gives up the slot of a hand-off that is settled, and is not asked for any more. Once. */
  release(slot: number): void {
    Atomics.store(this.#slots, slot, Slot.FREE);
    this.#free.push(slot);
  }

  /** Primary: whether it was revoked, and the worker, which sees offers in their order, has not come to it. */
  isUnseen(slot: number): boolean {
    return Atomics.load(this.#slots, slot) === Slot.REVOKED;
  }

  /** Worker: true if the descriptor is the worker's from now on. {@link settle} is to follow, as soon as it can. */
  take(slot: number): boolean {
    if (Atomics.compareExchange(this.#slots, slot, Slot.OFFERED, Slot.TAKEN) === Slot.OFFERED) return true;
    Atomics.store(this.#slots, slot, Slot.FREE); // it was revoked; now the slot can be used again
    return false;
  }

  /** Worker: the descriptor is a socket's, or closed. */
  settle(slot: number): void {
    Atomics.store(this.#slots, slot, Slot.SETTLED);
  }

  #collectSeen(): void {
    const unseen: number[] = [];
    for (const slot of this.#revoked) (this.isUnseen(slot) ? unseen : this.#free).push(slot);
    this.#revoked = unseen;
  }
}
