import { createDeflater } from '../kernels/create-deflater.js';
import {
  DEFLATE_SCRATCH_BYTES,
  DEFLATE_SLACK_BYTES,
  type DeflateLevel,
  type Deflater,
  NOT_SMALLER,
} from '../kernels/deflater.js';
import { PAGE_BYTES, reserveMemory } from '../memory/reserve.js';
import type { Counters } from '../telemetry/counters.js';
import type { CompressionOptions } from './compression-options.js';
import { countDeflated } from './count-deflated.js';

/**
 * How much is compressed for one payload at most, in bytes. What compresses worst (random digits at `fast`, random text of four letters at
 * `small`) takes 1.2 and 1.9 ms of an AMD EPYC for this in WebAssembly, JSON 0.5 and 0.9 ms. zlib takes up to 1.9 ms.
 */
const MOST_BYTES: Readonly<Record<DeflateLevel, number>> = { fast: 128 * 1024, small: 48 * 1024 };
const MOST_BYTES_OF_ZLIB: Readonly<Record<DeflateLevel, number>> = { fast: 128 * 1024, small: 12 * 1024 };

/** Where the scratch lies: behind the page that belongs to the kernels. */
const SCRATCH_START = PAGE_BYTES;
/** Where payloads are put. Both ranges begin at a multiple of 16. */
const INPUT_START = SCRATCH_START + DEFLATE_SCRATCH_BYTES;

/**
 * Compresses payloads without history, whole and at once. It has a memory of its own, so that a thread without an arena can publish, too:
 * 0.6 MiB, of which only what is used becomes resident. To copy a payload there takes a hundredth of the time of compressing it.
 */
export class PayloadDeflater {
  /** The least and the most bytes of a payload that it is worth, or possible, to compress. */
  readonly leastBytes: number;
  readonly mostBytes: number;
  readonly #deflater: Deflater;
  readonly #bytes: Uint8Array;
  readonly #outputStart: number;
  readonly #counters: Counters;
  #length = 0;

  /**
   * @param counters count what is compressed.
   * @throws ArenaError if the memory cannot be had.
   */
  constructor({ kernel, level, thresholdBytes }: CompressionOptions, counters: Counters) {
    this.#counters = counters;
    this.leastBytes = thresholdBytes;
    this.mostBytes = (kernel === 'native' ? MOST_BYTES_OF_ZLIB : MOST_BYTES)[level];
    this.#outputStart = INPUT_START + this.mostBytes;
    const bytes = this.#outputStart + this.mostBytes + DEFLATE_SLACK_BYTES;
    const memory = reserveMemory(Math.ceil(bytes / PAGE_BYTES), {
      what: 'the memory in which a thread compresses publications',
    });
    this.#bytes = new Uint8Array(memory.buffer);
    this.#deflater = createDeflater(kernel, memory, level, SCRATCH_START);
  }

  /** Takes the payload that the next calls of {@link deflate} are about: at most {@link mostBytes}, which are copied. */
  take(payload: Uint8Array): void {
    this.#bytes.set(payload, INPUT_START);
    this.#length = payload.length;
  }

  /**
   * Compresses the payload for a receiver with a window of 2^windowBits bytes.
   * @returns what is sent (RFC 7692 section 7.2.1), which the next call overwrites; undefined if that would not be shorter.
   */
  deflate(windowBits: number): Uint8Array | undefined {
    const output = this.#outputStart;
    const written = this.#deflater.deflate({
      input: INPUT_START,
      length: this.#length,
      historyBytes: 0,
      windowBits,
      output,
      capacity: this.mostBytes,
    });
    if (written === NOT_SMALLER) return undefined;
    countDeflated(this.#counters, this.#length, written);
    return this.#bytes.subarray(output, output + written);
  }
}
