const EMPTY = new Uint8Array(0);

/**
 * The window of one direction of a connection (RFC 7692 section 7.1.1): what compressed messages have ended with. It is on the heap, and
 * is made with the first of them.
 */
export class DeflateWindow {
  readonly #capacity: number;
  #memory: Uint8Array = EMPTY;
  #length = 0;

  /** @param windowBits it holds 2^windowBits bytes: 8 to 15. */
  constructor(windowBits: number) {
    this.#capacity = 2 ** windowBits;
  }

  /** What it holds, the oldest byte first. The next {@link append} overwrites it. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length);
  }

  /** Adds a message that was compressed. What is older than the window is forgotten. */
  append(message: Uint8Array): void {
    if (this.#memory.length === 0) this.#memory = new Uint8Array(this.#capacity);
    const added = message.subarray(Math.max(0, message.length - this.#capacity));
    const kept = Math.min(this.#length, this.#capacity - added.length);
    this.#memory.copyWithin(0, this.#length - kept, this.#length);
    this.#memory.set(added, kept);
    this.#length = kept + added.length;
  }
}
