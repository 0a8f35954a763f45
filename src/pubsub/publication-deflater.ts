import type { PayloadDeflater } from '../compression/payload-deflater.js';
import { frameHeaderBytes, writeFrameHeader } from '../protocol/frame-header.js';
import { RSV1 } from '../protocol/opcode.js';
import { DEFLATED_DIALECTS, WINDOW_BITS } from './dialect.js';
import type { DeflatedRuns, PublicationRun } from './publication-run.js';
import type { ChunkPool } from './shared-chunk.js';

/**
 * Compresses the publications of a thread: each once for all subscribers of a dialect, in all threads. A message that is not longer than
 * two windows is the same for both, and is compressed once for both.
 *
 * Compressed frames lie in chunks of their own, so that plain frames of a run still follow each other, and threads without subscribers of
 * a dialect do not hold them.
 */
export class PublicationDeflater {
  readonly #deflater: PayloadDeflater;
  readonly #pool: ChunkPool;

  /** @param pool has the chunks for compressed frames. */
  constructor(deflater: PayloadDeflater, pool: ChunkPool) {
    this.#deflater = deflater;
    this.#pool = pool;
  }

  /** Whether a payload of so many bytes is compressed: it is not too short to be worth it, nor so long that it would block the thread. */
  accepts(length: number): boolean {
    return length >= this.#deflater.leastBytes && length <= this.#deflater.mostBytes;
  }

  /**
   * Compresses a publication, as far as it has time for: of a long message, dialects with a smaller window may stay plain.
   * @param about what its runs have of it.
   * @param dialects the set of dialects that somebody has.
   * @returns undefined if nothing gets smaller.
   */
  deflate(
    about: Pick<PublicationRun, 'topic' | 'except' | 'isHeldBack'>,
    firstByte: number,
    payload: Uint8Array,
    dialects: number,
  ): { readonly runs: DeflatedRuns; readonly frameBytes: number } | undefined {
    const { length } = payload;
    const deflated: (PublicationRun | undefined)[] = [undefined, undefined, undefined, undefined];
    let leftBytes = this.#deflater.mostBytes;
    let frameBytes = 0;
    let last: PublicationRun | undefined;
    this.#deflater.take(payload);
    for (const dialect of DEFLATED_DIALECTS) {
      if ((dialects & (1 << dialect)) === 0) continue;
      const bits = WINDOW_BITS[dialect];
      if (last === undefined || length > 2 ** bits) {
        if (length > leftBytes) break;
        leftBytes -= length;
        last = this.#frame(about, firstByte | RSV1, this.#deflater.deflate(bits));
        if (last === undefined) break; // a smaller window makes nothing smaller
        frameBytes += last.end - last.start;
      }
      deflated[dialect] = last;
    }
    return frameBytes === 0 ? undefined : { runs: deflated, frameBytes };
  }

  #frame(
    { topic, except, isHeldBack }: Pick<PublicationRun, 'topic' | 'except' | 'isHeldBack'>,
    firstByte: number,
    payload: Uint8Array | undefined,
  ): PublicationRun | undefined {
    if (payload === undefined) return undefined;
    const { length } = payload;
    const chunk = this.#pool.withRoom(frameHeaderBytes(length) + length);
    const start = chunk.position;
    const payloadAt = writeFrameHeader(chunk.bytes, start, firstByte, length);
    chunk.bytes.set(payload, payloadAt);
    chunk.position = payloadAt + length;
    const end = chunk.position;
    return { topic, chunk, start, end, messages: 1, except, isHeldBack, deflated: undefined, isDeflated: true };
  }
}
