/** The first size of the memory, in bytes. */
const FIRST_BYTES = 128;

/** The beginning of a sequence of bytes that comes in parts. Its memory grows with what has come, up to a limit. */
export class KeptBytes {
  readonly #limit: number;
  #memory = new Uint8Array(0);
  #length = 0;

  /** @param limit how many bytes are kept at most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What was kept, where it lies. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length);
  }

  /** Keeps of the next part what there is room for. */
  append(part: Uint8Array): void {
    const taken = Math.min(part.length, this.#limit - this.#length);
    if (taken <= 0) return;
    const total = this.#length + taken;
    if (total > this.#memory.length) {
      const grown = new Uint8Array(Math.min(this.#limit, Math.max(FIRST_BYTES, total, 2 * this.#memory.length)));
      grown.set(this.bytes);
      this.#memory = grown;
    }
    this.#memory.set(part.subarray(0, taken), this.#length);
    this.#length = total;
  }
}
