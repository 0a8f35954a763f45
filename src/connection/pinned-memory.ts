import type { FrameMemory } from '../pubsub/frame-joiner.js';

/** What outputs of a thread may hold so, in bytes. */
const MAX_PINNED_BYTES = 32 * 1024 * 1024;

/**
 * The memory of publications that outputs of a thread hold where it lies, until their peers take it. A chunk of 256 KiB is held as a
 * whole for the sake of the 16 KiB of it that one peer has not taken, so it is counted as a whole, once, however many hold it. There
 * is a fixed share for it; who comes when that is used up is given a copy, which counts as any other output.
 */
export class PinnedMemory {
  readonly #maxBytes: number;
  readonly #users = new Map<ArrayBufferLike, number>();
  #bytes = 0;

  constructor(maxBytes = MAX_PINNED_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Holds memory. @returns false if there is no room for it, and it is not held */
  pin(memory: FrameMemory): boolean {
    const { buffer } = memory.bytes;
    const users = this.#users.get(buffer) ?? 0;
    if (users === 0) {
      if (this.#bytes + buffer.byteLength > this.#maxBytes) return false;
      this.#bytes += buffer.byteLength;
    }
    this.#users.set(buffer, users + 1);
    memory.acquire();
    return true;
  }

  unpin(memory: FrameMemory): void {
    memory.release();
    const { buffer } = memory.bytes;
    const users = (this.#users.get(buffer) ?? 1) - 1;
    if (users > 0) {
      this.#users.set(buffer, users);
      return;
    }
    this.#users.delete(buffer);
    this.#bytes -= buffer.byteLength;
  }
}
