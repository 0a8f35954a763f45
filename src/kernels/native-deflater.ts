/** The deflater of Node: zlib, with a stream that is made for each message and has the history as its dictionary. */
import { constants } from 'node:zlib';
import type { WasmMemory } from '../memory/wasm-memory.js';
import { type DeflateLevel, type Deflater, type DeflateTask, NOT_SMALLER, UNFINISHED } from './deflater.js';
import { ZlibStream } from './zlib-stream.js';

/** zlib's levels: greedy with short chains, and its default. */
const ZLIB_LEVELS: Readonly<Record<DeflateLevel, number>> = { fast: 1, small: 6 };

/**
 * The smallest window that zlib has for raw streams. It goes back by 262 bytes less than its window, that is by 250 of 512: so this
 * window does for receivers with one of 256, too.
 */
const MIN_WINDOW_BITS = 9;

/** What is left off: RFC 7692 section 7.2.1. It is written all the same, with a byte more that shows that nothing is missing. */
const TAIL_BYTES = 4;
const SPARE_BYTES = TAIL_BYTES + 1;

/**
 * zlib gets the message in pieces of this size, in bytes, however large the steps are, so that the output is the same in any. At the level
 * `small` the slowest text takes 0.5 ms of an AMD EPYC for one.
 */
const PIECE_BYTES = 4096;

const EVERYTHING = Number.POSITIVE_INFINITY;

/** What is under way. */
interface Progress {
  readonly stream: ZlibStream;
  readonly most: number;
  at: number;
  readonly end: number;
  readonly out: number;
  written: number;
}

export class NativeDeflater implements Deflater {
  readonly name = 'native';
  readonly #bytes: Uint8Array;
  readonly #level: number;
  #progress: Progress | undefined;

  constructor(memory: WasmMemory, level: DeflateLevel) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#level = ZLIB_LEVELS[level];
  }

  deflate(task: DeflateTask): number {
    this.begin(task);
    return this.goOn(EVERYTHING);
  }

  begin({ input, length, historyBytes, windowBits, output, capacity }: DeflateTask): void {
    this.#progress?.stream.close();
    this.#progress = undefined;
    const most = Math.min(capacity, length - 1);
    if (most <= 0) return;
    const known = Math.min(historyBytes, 2 ** windowBits);
    const stream = ZlibStream.deflating({
      level: this.#level,
      windowBits: Math.max(windowBits, MIN_WINDOW_BITS),
      ...(known > 0 && { dictionary: this.#bytes.subarray(input - known, input) }),
    });
    this.#progress = { stream, most, at: input, end: input + length, out: output, written: 0 };
  }

  goOn(budgetBytes: number): number {
    const progress = this.#progress;
    if (progress === undefined) return NOT_SMALLER;
    for (let left = budgetBytes; left > 0; left -= PIECE_BYTES) {
      if (!this.#writePiece(progress)) return this.#end(NOT_SMALLER);
      if (progress.at < progress.end) continue;
      const size = progress.written - TAIL_BYTES;
      return this.#end(size > progress.most ? NOT_SMALLER : size);
    }
    return UNFINISHED;
  }

  /** Gives zlib the next piece. @returns false if there is no room for its output. */
  #writePiece(progress: Progress): boolean {
    const { stream, at, end, out, written, most } = progress;
    const length = Math.min(PIECE_BYTES, end - at);
    const flush = at + length === end ? constants.Z_SYNC_FLUSH : constants.Z_NO_FLUSH;
    const room = most + SPARE_BYTES - written;
    stream.write(flush, this.#bytes, at, length, this.#bytes, out + written, room);
    progress.at += length;
    progress.written += stream.written;
    return stream.written < room; // else something may be missing
  }

  #end(result: number): number {
    this.#progress?.stream.close();
    this.#progress = undefined;
    return result;
  }
}
