import type { RoundMember } from '../compression/deflate-rounds.js';
import { LargeDeflate } from '../compression/large-deflate.js';
import type { PayloadDeflater } from '../compression/payload-deflater.js';
import { RSV1 } from '../protocol/opcode.js';
import { DEFLATED_DIALECTS, WINDOW_BITS } from './dialect.js';
import type { DeflatedRuns, PublicationRun } from './publication-run.js';

/** Frames a payload in shared memory. @param parts of it. @returns its run */
export type FramePublication = (firstByte: number, parts: readonly Uint8Array[], length: number) => PublicationRun;

/**
 * A publication that takes too long to be compressed at once. It is compressed for one dialect after the other, in slices, while its plain
 * frame and all that is published behind it wait.
 */
export class LargePublication implements RoundMember {
  readonly #deflater: PayloadDeflater;
  readonly #firstByte: number;
  readonly #payload: Uint8Array;
  readonly #frame: FramePublication;
  readonly #onDone: (deflated: DeflatedRuns | undefined, frameBytes: number) => void;
  /** Those that are left, the next one last. */
  readonly #dialects: (typeof DEFLATED_DIALECTS)[number][];
  #deflated: (PublicationRun | undefined)[] | undefined;
  #frameBytes = 0;
  #large: LargeDeflate | undefined;
  #isGivenUp = false;

  /**
   * @param payload must not change.
   * @param dialects the set of dialects that it is compressed for.
   * @param onDone called with what has become of it, unless {@link giveUp} was called.
   */
  constructor(
    deflater: PayloadDeflater,
    firstByte: number,
    payload: Uint8Array,
    dialects: number,
    frame: FramePublication,
    onDone: (deflated: DeflatedRuns | undefined, frameBytes: number) => void,
  ) {
    this.#deflater = deflater;
    this.#firstByte = firstByte;
    this.#payload = payload;
    this.#frame = frame;
    this.#onDone = onDone;
    this.#dialects = DEFLATED_DIALECTS.filter((dialect) => (dialects & (1 << dialect)) !== 0).reverse();
    deflater.rounds.add(this);
  }

  /** It is not waited for any more, and its memory may be used for something else. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  goOn(): boolean {
    let left = this.#deflater.stretchBytes;
    for (let dialect = this.#dialects.at(-1); dialect !== undefined; dialect = this.#dialects.at(-1)) {
      if (this.#isGivenUp) return false;
      const pieces = this.#deflater.pieces(WINDOW_BITS[dialect]);
      this.#large ??= new LargeDeflate(pieces, this.#payload);
      for (; !this.#large.isOver; left -= pieces.pieceBytes) {
        if (left < pieces.pieceBytes) return true;
        this.#large.goOn();
      }
      this.#finish(dialect, this.#large);
    }
    if (!this.#isGivenUp) this.#onDone(this.#deflated, this.#frameBytes);
    return false;
  }

  #finish(dialect: (typeof DEFLATED_DIALECTS)[number], { isSmaller, parts, compressedBytes }: LargeDeflate): void {
    this.#large = undefined;
    this.#dialects.pop();
    if (!isSmaller) {
      this.#dialects.length = 0; // a smaller window makes nothing smaller
      return;
    }
    this.#deflater.count(this.#payload.length, compressedBytes);
    const run = this.#frame(this.#firstByte | RSV1, parts, compressedBytes);
    this.#frameBytes += run.end - run.start;
    this.#deflated ??= [undefined, undefined, undefined, undefined];
    this.#deflated[dialect] = run;
  }
}
