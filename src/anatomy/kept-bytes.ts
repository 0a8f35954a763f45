import type { ByteBudget } from './byte-budget.js';

/** The first size of the memory, in bytes. */
const FIRST_BYTES = 128;

/** The beginning of a sequence of bytes that comes in parts. Its memory grows with what has come, up to a limit. */
export class KeptBytes {
  readonly #limit: number;
  readonly #budget: ByteBudget | undefined;
  #memory = new Uint8Array(0);
  #length = 0;
  /** Whether some of the sequence was not kept, so that nothing behind it is. */
  #isFull = false;

  /**
   * @param limit how many bytes are kept at most.
   * @param budget what its memory is taken of, until it is released. If that is used up, nothing more is kept.
   */
  constructor(limit: number, budget?: ByteBudget) {
    this.#limit = limit;
    this.#budget = budget;
  }

  /** What was kept, where it lies. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length);
  }

  /** Keeps of the next part what there is room for. */
  append(part: Uint8Array): void {
    const taken = Math.min(part.length, this.#limit - this.#length);
    if (taken <= 0 || this.#isFull) return;
    const total = this.#length + taken;
    if (total > this.#memory.length) {
      const size = Math.min(this.#limit, Math.max(FIRST_BYTES, total, 2 * this.#memory.length));
      if (this.#budget?.take(size - this.#memory.length) === false) {
        this.#isFull = true;
        return;
      }
      const grown = new Uint8Array(size);
      grown.set(this.bytes);
      this.#memory = grown;
    }
    this.#memory.set(part.subarray(0, taken), this.#length);
    this.#length = total;
  }

  /** Forgets what was kept, and gives its memory back. */
  release(): void {
    this.#budget?.giveBack(this.#memory.length);
    this.#memory = new Uint8Array(0);
    this.#length = 0;
  }
}
