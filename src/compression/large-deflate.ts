import { NOT_SMALLER } from '../kernels/deflater.js';
import type { DeflateWindow } from './deflate-window.js';
import type { Deflation } from './deflation.js';

/** What ends every piece but the last: the lengths of the empty stored block that a deflater leaves out (RFC 7692 section 7.2.1). */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** The first byte of a stored block that begins a byte: BFINAL 0, BTYPE 00 (RFC 1951 section 3.2.4). */
const STORED = 0x00;
const STORED_HEADER_BYTES = 5;

/**
 * The compression of one long message, a piece at a time: each piece is a row of blocks that ends at the end of a byte, and may refer to
 * the bytes in front of it. To compress it in one call would take as long, and make it smaller by 0.1 %; but this needs no memory of
 * the arena that is as large as the message, and another message of the thread may be compressed between two pieces.
 *
 * A message whose first piece does not get smaller is given up: it was compressed before, by whoever made it.
 */
export class LargeDeflate {
  /** The message as it is sent, if {@link isSmaller}. */
  readonly parts: Uint8Array[] = [];
  /** The length of the parts together. */
  compressedBytes = 0;
  readonly #deflation: Deflation;
  readonly #message: Uint8Array;
  readonly #windowBits: number;
  readonly #window: DeflateWindow | undefined;
  /** How much of the message is done, in bytes. */
  #position = 0;
  #isGivenUp = false;

  /** @param message must not change. @param window see {@link Deflation.deflatePiece}. */
  constructor(deflation: Deflation, message: Uint8Array, windowBits: number, window: DeflateWindow | undefined) {
    this.#deflation = deflation;
    this.#message = message;
    this.#windowBits = windowBits;
    this.#window = window;
  }

  /** Whether nothing is left to be done. */
  get isOver(): boolean {
    return this.#isGivenUp || this.#position === this.#message.length;
  }

  /** Whether the message was compressed, when it is over. If not, it is to be sent as it is. */
  get isSmaller(): boolean {
    return !this.#isGivenUp && this.compressedBytes < this.#message.length;
  }

  /** Compresses the next piece, of at most {@link Deflation.pieceBytes}. */
  goOn(): void {
    const deflation = this.#deflation;
    const start = this.#position;
    const length = Math.min(deflation.pieceBytes, this.#message.length - start);
    const written = deflation.deflatePiece(this.#message, start, length, this.#windowBits, this.#window);
    if (start === 0 && written === NOT_SMALLER) {
      this.#isGivenUp = true;
      return;
    }
    this.#position += length;
    const isLast = this.#position === this.#message.length;
    if (written === NOT_SMALLER) this.#addStored(start, length, isLast);
    else this.#addCompressed(written, isLast);
  }

  #addCompressed(length: number, isLast: boolean): void {
    const { bytes, outputStart } = this.#deflation;
    const part = new Uint8Array(isLast ? length : length + TAIL.length);
    part.set(bytes.subarray(outputStart, outputStart + length));
    if (!isLast) part.set(TAIL, length);
    this.#add(part);
  }

  /** A stored block ends at the end of a byte. Behind the last one the empty block begins that the receiver completes. */
  #addStored(start: number, length: number, isLast: boolean): void {
    const part = new Uint8Array(STORED_HEADER_BYTES + length + (isLast ? 1 : 0));
    part.set([STORED, length & 0xff, length >>> 8, ~length & 0xff, (~length >>> 8) & 0xff]);
    part.set(this.#message.subarray(start, start + length), STORED_HEADER_BYTES);
    if (isLast) part[part.length - 1] = STORED;
    this.#add(part);
  }

  #add(part: Uint8Array): void {
    this.parts.push(part);
    this.compressedBytes += part.length;
  }
}
