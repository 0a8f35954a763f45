import { DeflateRounds } from '../compression/deflate-rounds.js';
import { DeflateWindow } from '../compression/deflate-window.js';
import { LargeDeflate } from '../compression/large-deflate.js';
import { type Stretch, stretchOf } from '../compression/stretch.js';
import { HEAP_WINDOWS } from '../compression/window-slabs.js';
import type { DeflateAgreement } from '../protocol/deflate/agreement.js';
import { Decompression } from './decompression.js';
import { DeflateMemory } from './deflate-memory.js';
import type { DeflateChoice } from './deflate-options.js';
import { InflatingMessage } from './inflating-message.js';

/** What all connections of the thread compress and decompress in, and where they do what would take too long at once. */
const memory = new DeflateMemory();
const rounds = new DeflateRounds();

const NO_HISTORY = new Uint8Array(0);

/**
 * permessage-deflate of one connection, as its client does it (RFC 7692 section 7.2). With context takeover each direction has a window,
 * which only messages enter that are compressed.
 */
export class MessageDeflate {
  /** What is agreed on with the server. */
  readonly agreement: DeflateAgreement;
  /** How much may be compressed at a stretch. */
  readonly stretch: Stretch;
  /** Where connections go on with what would take too long at once. */
  readonly rounds = rounds;
  /** The time, in ms. */
  readonly now: () => number;
  readonly #choice: DeflateChoice;
  readonly #own: DeflateWindow | undefined;
  readonly #peer: DeflateWindow | undefined;

  /** @throws ArenaError if there is no memory to compress in. */
  constructor(agreement: DeflateAgreement, choice: DeflateChoice, now: () => number = () => performance.now()) {
    const { own, peer } = agreement;
    memory.prepare();
    this.now = now;
    this.agreement = agreement;
    this.stretch = stretchOf(choice.level);
    this.#choice = choice;
    this.#own = own.contextTakeover ? new DeflateWindow(HEAP_WINDOWS, own.windowBits) : undefined;
    this.#peer = peer.contextTakeover ? new DeflateWindow(HEAP_WINDOWS, peer.windowBits) : undefined;
  }

  /** Whether a message of so many bytes is worth it to be compressed. */
  accepts(length: number): boolean {
    return length >= this.#choice.thresholdBytes;
  }

  /**
   * Compresses a message that is sent, in one go.
   * @returns what is sent instead, until the next call; undefined if the message goes as it is.
   */
  compress(message: Uint8Array): Uint8Array | undefined {
    if (!this.accepts(message.length)) return undefined;
    const own = this.#own;
    const { windowBits } = this.agreement.own;
    const deflated = memory.deflate(message, own?.bytes ?? NO_HISTORY, windowBits, this.#choice.level);
    if (deflated === undefined) return undefined;
    // Not `message`: another thread may write to memory that is shared.
    own?.add(deflated.input, 0, message.length);
    return deflated.output;
  }

  /** Compresses a long message piece by piece. @param message must not change; if it is sent compressed, {@link noteSent} is told. */
  compressLarge(message: Uint8Array): LargeDeflate {
    const { level } = this.#choice;
    const { windowBits } = this.agreement.own;
    const deflater = {
      pieceBytes: this.stretch.pieceBytes,
      deflatePiece: (all: Uint8Array, start: number, length: number) => {
        const inFront = all.subarray(Math.max(0, start - 2 ** windowBits), start);
        const history = start === 0 && this.#own !== undefined ? this.#own.bytes : inFront;
        return memory.deflate(all.subarray(start, start + length), history, windowBits, level)?.output;
      },
    };
    return new LargeDeflate(deflater, message);
  }

  /** A message was sent compressed that {@link compressLarge} has compressed. */
  noteSent(message: Uint8Array): void {
    this.#own?.add(message, 0, message.length);
  }

  /**
   * Decompresses a message that has come, which must not change before that is done, or {@link Decompression.keepInput}.
   * @param maxBytes of the message when it is decompressed.
   */
  decompress(compressed: Uint8Array, isText: boolean, maxBytes: number): Decompression {
    const peer = this.#peer;
    const inflating = new InflatingMessage(memory, compressed, peer?.bytes ?? NO_HISTORY, maxBytes);
    return new Decompression(inflating, isText, peer);
  }
}
