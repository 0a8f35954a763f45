import { createDeflater } from '../kernels/create-deflater.js';
import { DEFLATE_SCRATCH_BYTES, DEFLATE_SLACK_BYTES, type Deflater, NOT_SMALLER } from '../kernels/deflater.js';
import type { Arena } from '../memory/arena.js';
import { MAX_WINDOW_BITS } from '../protocol/deflate/parameters.js';
import type { Counters } from '../telemetry/counters.js';
import { arenaTooSmall } from './arena-too-small.js';
import { CANARY_BYTES, checkCanary, putCanary } from './canary.js';
import type { CompressionOptions } from './compression-options.js';
import { countDeflated } from './count-deflated.js';
import { DeflateRounds } from './deflate-rounds.js';
import type { DeflateWindow } from './deflate-window.js';
import type { PieceDeflater } from './large-deflate.js';
import { MAX_PIECE_BYTES, stretchOf } from './stretch.js';
import type { WindowSlabs } from './window-slabs.js';

const KIB = 1024;

/** A page of the machine: all parts of the region begin as far behind the beginning of one as its slab does, see {@link Arena}. */
const MACHINE_PAGE_BYTES = 4 * KIB;

const HISTORY_START = roundUp(DEFLATE_SCRATCH_BYTES);
const INPUT_START = HISTORY_START + 2 ** MAX_WINDOW_BITS;
/** In front of the output, a page is free for the header of its frame. */
const OUTPUT_START = roundUp(INPUT_START + MAX_PIECE_BYTES) + MACHINE_PAGE_BYTES;
/** Behind the slack there is room for what is watched in poison mode. */
const CANARY_START = OUTPUT_START + MAX_PIECE_BYTES + DEFLATE_SLACK_BYTES;
const REGION_BYTES = CANARY_START + CANARY_BYTES;

/**
 * Compresses the messages that the connections of one thread send, one message or piece of a message at a time. It works in a region of
 * the arena:
 *
 * | bytes   | what |
 * |--------:|------|
 * | 220 KiB | the deflater's scratch |
 * | 32 KiB  | history, right in front of the input |
 * | 64 KiB  | the input, unless it can be compressed where it lies |
 * | 4 KiB   | free, for the header of a frame |
 * | 63 KiB  | the output, and the slack of the deflater behind it |
 */
export class Deflation {
  /** Shorter messages are sent as they are, in bytes. */
  readonly thresholdBytes: number;
  /** The longest message, or piece of one, that is compressed in one call, in bytes. */
  readonly pieceBytes: number;
  /** How many bytes of its messages a connection may compress at a stretch: that takes 2 ms at most. At least a piece. */
  readonly stretchBytes: number;
  /** Where the windows of its connections lie. */
  readonly windows: WindowSlabs;
  /** Where connections compress what would take too long at once. */
  readonly rounds = new DeflateRounds();
  /** All memory of the arena. */
  readonly bytes: Buffer;
  /** Where in it {@link write} puts a text, and where the output of {@link deflate} lies. */
  readonly inputStart: number;
  readonly outputStart: number;
  readonly #deflater: Deflater;
  readonly #counters: Counters;
  /** Where a canary lies, in poison mode. */
  readonly #canary: number | undefined;

  /**
   * @param windows where connections keep what they have sent.
   * @param counters count what is compressed.
   * @param poison whether the deflater is watched: it must write nothing behind the room for output and the slack.
   * @throws ArenaError if the arena has no room for the region.
   */
  constructor(
    arena: Arena,
    windows: WindowSlabs,
    { kernel, level, thresholdBytes }: CompressionOptions,
    counters: Counters,
    poison = false,
  ) {
    const region = arena.slabs.takeForGood(REGION_BYTES);
    if (region < 0) throw arenaTooSmall();
    this.windows = windows;
    this.#counters = counters;
    this.#canary = poison ? region + CANARY_START : undefined;
    this.thresholdBytes = thresholdBytes;
    const { pieceBytes, stretchBytes } = stretchOf(level, kernel);
    this.pieceBytes = pieceBytes;
    this.stretchBytes = stretchBytes;
    this.bytes = arena.bytes;
    this.inputStart = region + INPUT_START;
    this.outputStart = region + OUTPUT_START;
    this.#deflater = createDeflater(kernel, arena.memory, level, region);
  }

  /** How many bytes in front of the output are free. */
  get vacated(): number {
    return MACHINE_PAGE_BYTES;
  }

  /** Writes a text of at most {@link pieceBytes} to the input as UTF-8. @returns its length in bytes */
  write(text: string): number {
    return this.bytes.write(text, this.inputStart, MAX_PIECE_BYTES, 'utf8');
  }

  /**
   * Compresses a message of at most {@link pieceBytes} at `[start, start + length)` of `payload`. The output lies at
   * {@link outputStart} until the next call.
   *
   * @param windowBits how far back the receiver lets matches refer: 2^windowBits bytes.
   * @param window what was sent before, if the receiver keeps it: the message may refer to it, and enters it.
   * @returns the length of the output, or `NOT_SMALLER`: then the message is to be sent as it is, and has not entered the window.
   */
  deflate(
    payload: Uint8Array,
    start: number,
    length: number,
    windowBits: number,
    window: DeflateWindow | undefined,
  ): number {
    const historyBytes = window === undefined ? 0 : window.length;
    let input = start;
    if (payload !== this.bytes || (historyBytes > 0 && start !== this.inputStart)) {
      input = this.#copy(payload, start, length);
    }
    window?.copyTo(this.bytes, input);
    const written = this.#deflate(input, length, historyBytes, windowBits);
    if (written === NOT_SMALLER) return NOT_SMALLER;
    // Not of the payload: shared memory may have changed meanwhile.
    window?.addBehind(this.bytes, input, length);
    countDeflated(this.#counters, length, written);
    return written;
  }

  /** Counts a message whose {@link pieces} were compressed, and which is sent so. */
  countLarge(before: number, after: number): void {
    countDeflated(this.#counters, before, after);
  }

  /**
   * Compresses the pieces of a long message, of which the first may refer to the window. Nothing enters the window.
   *
   * @param window what was sent before, if the receiver keeps it. It must not change before the message is compressed.
   */
  pieces(windowBits: number, window: DeflateWindow | undefined): PieceDeflater {
    const { bytes, pieceBytes, outputStart } = this;
    return {
      pieceBytes,
      deflatePiece: (message, start, length) => {
        const written = this.#deflatePiece(message, start, length, windowBits, window);
        return written === NOT_SMALLER ? undefined : bytes.subarray(outputStart, outputStart + written);
      },
    };
  }

  #deflatePiece(
    message: Uint8Array,
    start: number,
    length: number,
    windowBits: number,
    window: DeflateWindow | undefined,
  ): number {
    const input = this.inputStart;
    let historyBytes = Math.min(start, 2 ** windowBits);
    this.bytes.set(message.subarray(start - historyBytes, start + length), input - historyBytes);
    if (start === 0 && window !== undefined) {
      window.copyTo(this.bytes, input);
      historyBytes = window.length;
    }
    return this.#deflate(input, length, historyBytes, windowBits);
  }

  #copy(payload: Uint8Array, start: number, length: number): number {
    this.bytes.set(payload.subarray(start, start + length), this.inputStart);
    return this.inputStart;
  }

  #deflate(input: number, length: number, historyBytes: number, windowBits: number): number {
    const { outputStart: output } = this;
    const task = { input, length, historyBytes, windowBits, output, capacity: MAX_PIECE_BYTES };
    const canary = this.#canary;
    if (canary === undefined) return this.#deflater.deflate(task);
    putCanary(this.bytes, canary);
    const written = this.#deflater.deflate(task);
    checkCanary(this.bytes, canary, 'a deflater');
    return written;
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / MACHINE_PAGE_BYTES) * MACHINE_PAGE_BYTES;
}
