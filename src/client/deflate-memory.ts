import { DEFLATE_SLACK_BYTES, type DeflateLevel, NOT_SMALLER } from '../kernels/deflater.js';
import { MAX_HISTORY_BYTES } from '../kernels/inflater.js';
import { ArenaError, PAGE_BYTES } from '../memory/reserve.js';
import { InflatingMessage, type MemoryLender } from './inflating-message.js';
import { KernelMemory, MESSAGES_AT } from './kernel-memory.js';

/** What is reserved at first, and what can be reserved at most, in pages of 64 KiB: 4 MiB, and 4 GiB less a page. */
const FIRST_PAGES = 64;
const MOST_PAGES = 65535;

/** A message that was compressed. Both views are valid until the next message. */
export interface Deflated {
  readonly input: Uint8Array;
  readonly output: Uint8Array;
}

/**
 * Where the clients of a thread compress and decompress: a memory for one message at a time. For a message that needs more it is replaced
 * by a larger one, and that stays. While a message that takes long has it, others get another one.
 */
export class DeflateMemory implements MemoryLender {
  #idle: KernelMemory | undefined;

  /** Reserves the memory, unless that is done: so that it fails before a message needs it. @throws ArenaError if it cannot be had. */
  prepare(): void {
    this.#idle ??= new KernelMemory(FIRST_PAGES);
  }

  /**
   * Compresses a message, or a piece of one.
   * @param history what the receiver's window holds, or what lies in front of the piece: up to 32 KiB.
   * @param windowBits of that window: 8 to 15.
   * @returns undefined if it does not get smaller, or there is no memory for it.
   */
  deflate(message: Uint8Array, history: Uint8Array, windowBits: number, level: DeflateLevel): Deflated | undefined {
    const { length } = message;
    const input = MESSAGES_AT + MAX_HISTORY_BYTES;
    const output = input + length;
    const memory = this.lend(output + length + DEFLATE_SLACK_BYTES);
    if (memory === undefined) return undefined;
    this.giveBack(memory);
    const { bytes, deflaters } = memory;
    bytes.set(history, input - history.length);
    bytes.set(message, input);
    const task = { input, length, historyBytes: history.length, windowBits, output, capacity: length };
    const size = deflaters[level].deflate(task);
    if (size === NOT_SMALLER) return undefined;
    return { input: bytes.subarray(input, output), output: bytes.subarray(output, output + size) };
  }

  /**
   * Decompresses a message in one go.
   * @param history what the window of the sender holds.
   * @param maxBytes of the message when it is decompressed. Not a byte more is written.
   * @returns the message, which is valid until the next one.
   * @throws ProtocolError if it is corrupt or longer, or there is no memory for it.
   */
  inflate(message: Uint8Array, history: Uint8Array, maxBytes: number): Uint8Array {
    const inflating = new InflatingMessage(this, message, history, maxBytes);
    try {
      while (!inflating.step());
      return inflating.message;
    } finally {
      inflating.release();
    }
  }

  /** A memory that is replaced is replaced by one twice as large, so that messages that grow do not replace it each time. */
  lend(end: number): KernelMemory | undefined {
    const idle = this.#idle;
    const pages = Math.ceil(end / PAGE_BYTES);
    if (pages > MOST_PAGES) return undefined;
    const twice = idle === undefined ? FIRST_PAGES : (2 * idle.end) / PAGE_BYTES;
    try {
      const hasRoom = idle !== undefined && end <= idle.end;
      const lent = hasRoom ? idle : new KernelMemory(Math.max(pages, Math.min(twice, MOST_PAGES)));
      this.#idle = undefined;
      return lent;
    } catch (error) {
      if (error instanceof ArenaError) return undefined;
      throw error;
    }
  }

  giveBack(memory: KernelMemory): void {
    if (this.#idle === undefined || this.#idle.end < memory.end) this.#idle = memory;
  }
}
