import type { FrameMemory } from '../pubsub/frame-memory.js';

/** How much shared memory the outputs of a thread may hold, in bytes. */
const MAX_PINNED_BYTES = 32 * 1024 * 1024;

/** Bytes that do not change until `release` is called. */
export interface Held {
  readonly bytes: Uint8Array;
  release(): void;
}

/** A copy of frames that several outputs hold. */
interface SharedCopy {
  readonly memory: FrameMemory;
  readonly version: number;
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/**
 * The memory of publications that the outputs of a thread hold until their peers have taken it. Publications are held where they lie,
 * without a copy. That holds a whole chunk of 256 KiB even if one peer has not taken 16 KiB of it, so the chunk is counted as a whole,
 * once for all outputs, and all chunks together have a fixed bound. Beyond that bound the frames of a delivery are copied, once
 * for all outputs that need them, and each output is counted for what it holds.
 */
export class PinnedMemory {
  readonly #maxBytes: number;
  readonly #users = new Map<ArrayBufferLike, number>();
  #bytes = 0;
  #lastCopy: SharedCopy | undefined;

  constructor(maxBytes = MAX_PINNED_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** How many bytes are held where they lie, counted in whole chunks. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Holds the frames at `[start, end)`, of which the first `taken` bytes are not needed. */
  hold(memory: FrameMemory, start: number, end: number, taken: number): Held {
    if (!this.#pin(memory)) return { bytes: this.#copy(memory, start, end).subarray(taken), release: nothing };
    return { bytes: memory.bytes.subarray(start + taken, end), release: () => this.#unpin(memory) };
  }

  #pin(memory: FrameMemory): boolean {
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

  #unpin(memory: FrameMemory): void {
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

  #copy(memory: FrameMemory, start: number, end: number): Uint8Array {
    const last = this.#lastCopy;
    const { version } = memory;
    if (last?.memory === memory && last.version === version && last.start === start && last.end === end)
      return last.bytes;
    const bytes = new Uint8Array(memory.bytes.subarray(start, end));
    this.#lastCopy = { memory, version, start, end, bytes };
    return bytes;
  }
}

function nothing(): void {}
