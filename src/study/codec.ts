import type { DeflateMemory } from '../client/deflate-memory.js';
import { DeflateWindow } from '../compression/deflate-window.js';
import { HEAP_WINDOWS } from '../compression/window-slabs.js';
import type { DeflateLevel } from '../kernels/deflater.js';

/** Compresses the messages of one connection in their order, and decompresses them. */
export interface Codec {
  /** @returns what is sent; undefined for a message that goes as it is, because it does not get smaller. */
  deflate(message: Uint8Array): Uint8Array | undefined | Promise<Uint8Array>;
  /** @param length of the message. */
  inflate(compressed: Uint8Array, length: number): Uint8Array | Promise<Uint8Array>;
  close(): void;
}

const NO_HISTORY = new Uint8Array(0);

/** Our own kernels. Their outputs are valid until the next call. */
export class OwnCodec implements Codec {
  readonly #memory: DeflateMemory;
  readonly #level: DeflateLevel;
  readonly #windowBits: number;
  readonly #sent: DeflateWindow | undefined;
  readonly #received: DeflateWindow | undefined;

  /** @param windowBits of a window that is kept from message to message; undefined for none. */
  constructor(memory: DeflateMemory, level: DeflateLevel, windowBits?: number) {
    this.#memory = memory;
    this.#level = level;
    this.#windowBits = windowBits ?? 15;
    this.#sent = windowBits === undefined ? undefined : new DeflateWindow(HEAP_WINDOWS, windowBits);
    this.#received = windowBits === undefined ? undefined : new DeflateWindow(HEAP_WINDOWS, windowBits);
  }

  deflate(message: Uint8Array): Uint8Array | undefined {
    const deflated = this.#memory.deflate(message, this.#sent?.bytes ?? NO_HISTORY, this.#windowBits, this.#level);
    if (deflated !== undefined) this.#sent?.add(deflated.input, 0, message.length);
    return deflated?.output;
  }

  inflate(compressed: Uint8Array, length: number): Uint8Array {
    const message = this.#memory.inflate(compressed, this.#received?.bytes ?? NO_HISTORY, length);
    this.#received?.add(message, 0, message.length);
    return message;
  }

  close(): void {}
}
