/**
 * What a connection has sent compressed, as far as its next message may refer to it (RFC 7692 section 7.2.3.2): the last 2^windowBits
 * bytes of the messages before they were compressed. Messages that are sent as they are do not enter it.
 *
 * It lies on the heap, and takes no memory before the first message.
 */
export class SentWindow {
  readonly #size: number;
  #bytes: Uint8Array | undefined;
  #length = 0;

  /** @param windowBits from 8 to 15. */
  constructor(windowBits: number) {
    this.#size = 2 ** windowBits;
  }

  /** How many bytes of earlier messages there are. */
  get length(): number {
    return this.#length;
  }

  /** Something has entered the receiver's window that is not in this one: nothing before it can be referred to any more. */
  clear(): void {
    this.#length = 0;
  }

  /** Copies all of it to memory, so that it ends in front of `end`. */
  copyTo(memory: Uint8Array, end: number): void {
    const length = this.#length;
    if (this.#bytes !== undefined) memory.set(this.#bytes.subarray(0, length), end - length);
  }

  /** A message of `length` bytes at `start` of some memory was compressed, and is sent. */
  add(memory: Uint8Array, start: number, length: number): void {
    this.#bytes ??= new Uint8Array(this.#size);
    const bytes = this.#bytes;
    const added = Math.min(length, this.#size);
    const kept = Math.min(this.#length, this.#size - added);
    if (kept < this.#length) bytes.copyWithin(0, this.#length - kept, this.#length);
    bytes.set(memory.subarray(start + length - added, start + length), kept);
    this.#length = kept + added;
  }
}
