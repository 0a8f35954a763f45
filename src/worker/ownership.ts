/** What a slot says about the descriptor of its hand-off. */
const Slot = {
  /** No hand-off. */
  FREE: 0,
  /** Posted to the worker; whoever wins the exchange of this value owns the descriptor. */
  OFFERED: 1,
  /** The worker's. */
  TAKEN: 2,
  /** The primary's again; the worker has not seen it yet. */
  REVOKED: 3,
} as const;

/** Hand-offs that may be on their way to a worker at a time. */
const SLOTS = 4096;

/**
 * Who owns the descriptors that are on their way to a worker: an int32 for each, in memory shared by the two threads. A
 * descriptor is a number, and closing it twice closes somebody else's: so it changes hands by an atomic exchange, which
 * one side wins.
 */
export class Ownership {
  readonly buffer: SharedArrayBuffer;
  readonly #slots: Int32Array;
  #next = 0;

  constructor(buffer = new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#slots = new Int32Array(buffer);
  }

  /** Primary: the slot of a new offer, or -1 while all are on their way. */
  offer(): number {
    for (let tried = 0; tried < SLOTS; tried++) {
      const slot = this.#next;
      this.#next = (slot + 1) % SLOTS;
      const state = Atomics.load(this.#slots, slot);
      if (state === Slot.OFFERED || state === Slot.REVOKED) continue;
      Atomics.store(this.#slots, slot, Slot.OFFERED);
      return slot;
    }
    return -1;
  }

  /** Primary: true if the worker has not taken it, and never will: the descriptor is the primary's again. */
  revoke(slot: number): boolean {
    return Atomics.compareExchange(this.#slots, slot, Slot.OFFERED, Slot.REVOKED) === Slot.OFFERED;
  }

  /** Primary: whether the worker has taken it. Only while the primary has not offered another one in this slot. */
  isTaken(slot: number): boolean {
    return Atomics.load(this.#slots, slot) === Slot.TAKEN;
  }

  /** Primary: whether it was revoked, and the worker, which sees offers in their order, has not come to it. */
  isUnseen(slot: number): boolean {
    return Atomics.load(this.#slots, slot) === Slot.REVOKED;
  }

  /** Worker: true if the descriptor is the worker's from now on. */
  take(slot: number): boolean {
    if (Atomics.compareExchange(this.#slots, slot, Slot.OFFERED, Slot.TAKEN) === Slot.OFFERED) return true;
    Atomics.store(this.#slots, slot, Slot.FREE); // it was revoked; now the slot can be used again
    return false;
  }
}
