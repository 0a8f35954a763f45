import { createDeflater } from '../kernels/create-deflater.js';
import {
  DEFLATE_SCRATCH_BYTES,
  DEFLATE_SLACK_BYTES,
  type DeflateLevel,
  type Deflater,
  NOT_SMALLER,
} from '../kernels/deflater.js';
import { PAGE_BYTES, reserveMemory } from '../memory/reserve.js';
import { MAX_WINDOW_BITS } from '../protocol/deflate/parameters.js';
import type { Counters } from '../telemetry/counters.js';
import type { CompressionOptions } from './compression-options.js';
import { countDeflated } from './count-deflated.js';
import { DeflateRounds } from './deflate-rounds.js';
import type { PieceDeflater } from './large-deflate.js';
import { stretchOf } from './stretch.js';

/**
 * How much is compressed for one payload at once at most, for all windows together, in bytes: a longer one is compressed in pieces. What compresses worst (random digits at `fast`, random text of four letters at
 * `small`) takes 1.2 and 1.9 ms of an AMD EPYC for this in WebAssembly, JSON 0.5 and 0.9 ms. zlib takes up to 1.9 ms.
 */
const MOST_BYTES: Readonly<Record<DeflateLevel, number>> = { fast: 128 * 1024, small: 48 * 1024 };
const MOST_BYTES_OF_ZLIB: Readonly<Record<DeflateLevel, number>> = { fast: 128 * 1024, small: 12 * 1024 };

/** Where the scratch lies: behind the page that belongs to the kernels. */
const SCRATCH_START = PAGE_BYTES;
/** Where payloads are put, with what lies in front of a piece. The ranges begin at a multiple of 16. */
const HISTORY_START = SCRATCH_START + DEFLATE_SCRATCH_BYTES;
const INPUT_START = HISTORY_START + 2 ** MAX_WINDOW_BITS;

/**
 * Compresses payloads without history: whole and at once, or in pieces. It has a memory of its own, so that a thread without an arena can publish, too:
 * 0.6 MiB, of which only what is used becomes resident. To copy a payload there takes a hundredth of the time of compressing it.
 */
export class PayloadDeflater {
  /** How many bytes may be compressed at a stretch in pieces: that takes 2 ms at most. */
  readonly stretchBytes: number;
  /** Where long payloads are compressed. */
  readonly rounds: Pick<DeflateRounds, 'add'> = new DeflateRounds();
  /** The least bytes of a payload that it is worth to compress, and the most that may be compressed at once. */
  readonly leastBytes: number;
  readonly mostBytes: number;
  readonly #pieceBytes: number;
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
    const { pieceBytes, stretchBytes } = stretchOf(level, kernel);
    this.#pieceBytes = pieceBytes;
    this.stretchBytes = stretchBytes;
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
    const output = this.#deflate(this.#length, 0, windowBits);
    if (output !== undefined) this.count(this.#length, output.length);
    return output;
  }

  /** Compresses a long payload in pieces, for a receiver with a window of 2^windowBits bytes. Between them, others may be compressed. */
  pieces(windowBits: number): PieceDeflater {
    return {
      pieceBytes: this.#pieceBytes,
      deflatePiece: (payload, start, length) => {
        const known = Math.min(start, 2 ** windowBits);
        this.#bytes.set(payload.subarray(start - known, start + length), INPUT_START - known);
        return this.#deflate(length, known, windowBits);
      },
    };
  }

  /** Counts a payload that was compressed and is sent so. @param before its length, and `after` what it has become, in bytes. */
  count(before: number, after: number): void {
    countDeflated(this.#counters, before, after);
  }

  #deflate(length: number, historyBytes: number, windowBits: number): Uint8Array | undefined {
    const output = this.#outputStart;
    const task = { input: INPUT_START, length, historyBytes, windowBits, output, capacity: this.mostBytes };
    const written = this.#deflater.deflate(task);
    return written === NOT_SMALLER ? undefined : this.#bytes.subarray(output, output + written);
  }
}
