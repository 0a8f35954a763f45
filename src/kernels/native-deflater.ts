/** The deflater of Node: zlib, with a stream that is made for each message and has the history as its dictionary. */
import { constants, deflateRawSync } from 'node:zlib';
import { type DeflateLevel, type Deflater, type DeflateTask, NOT_SMALLER } from './deflater.js';

/** zlib's levels: greedy with short chains, and its default. */
const ZLIB_LEVELS: Readonly<Record<DeflateLevel, number>> = { fast: 1, small: 6 };

/**
 * The smallest window that zlib has for raw streams. It goes back by 262 bytes less than its window, that is by 250 of 512: so this
 * window does for receivers with one of 256, too.
 */
const MIN_WINDOW_BITS = 9;

/** What is left off: RFC 7692 section 7.2.1. */
const TAIL_BYTES = 4;

/** The output of zlib is read in pieces of this size: one that holds all is fastest. Incompressible bytes grow by 5 per 16 KiB. */
const chunkBytes = (length: number) => length + (length >> 10) + 64;

export class NativeDeflater implements Deflater {
  readonly name = 'native';
  readonly #bytes: Uint8Array;
  readonly #level: number;
  #task: DeflateTask | undefined;

  constructor(memory: WebAssembly.Memory, level: DeflateLevel) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#level = ZLIB_LEVELS[level];
  }

  deflate({ input, length, historyBytes, windowBits, output, capacity }: DeflateTask): number {
    const most = Math.min(capacity, length - 1);
    if (most <= 0) return NOT_SMALLER;
    const known = Math.min(historyBytes, 2 ** windowBits);
    const compressed = deflateRawSync(this.#bytes.subarray(input, input + length), {
      level: this.#level,
      windowBits: Math.max(windowBits, MIN_WINDOW_BITS),
      chunkSize: chunkBytes(length),
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(known > 0 && { dictionary: this.#bytes.subarray(input - known, input) }),
    });
    const size = compressed.length - TAIL_BYTES;
    if (size > most) return NOT_SMALLER;
    this.#bytes.set(compressed.subarray(0, size), output);
    return size;
  }

  begin(task: DeflateTask): void {
    this.#task = { ...task };
  }

  goOn(): number {
    const task = this.#task;
    this.#task = undefined;
    return task === undefined ? NOT_SMALLER : this.deflate(task);
  }
}
