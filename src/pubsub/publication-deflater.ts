import type { PayloadDeflater } from '../compression/payload-deflater.js';
import { frameHeaderBytes, writeFrameHeader } from '../protocol/frame-header.js';
import { RSV1 } from '../protocol/opcode.js';
import { DEFLATED_DIALECTS, WINDOW_BITS } from './dialect.js';
import { LargePublication } from './large-publication.js';
import type { DeflatedRuns, PublicationRun } from './publication-run.js';
import type { ChunkPool } from './shared-chunk.js';

/** What a publication and its runs have in common. */
export type AboutPublication = Pick<PublicationRun, 'topic' | 'except' | 'isHeldBack'>;

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

  /** Whether a payload of so many bytes is worth it to be compressed. */
  accepts(length: number): boolean {
    return length >= this.#deflater.leastBytes;
  }

  /** Whether it would block the thread to compress a payload of so many bytes for a set of dialects at once. */
  isLarge(length: number, dialects: number): boolean {
    let bytes = 0;
    for (const dialect of DEFLATED_DIALECTS) {
      const isAnother = bytes === 0 || length > 2 ** WINDOW_BITS[dialect];
      if ((dialects & (1 << dialect)) !== 0 && isAnother) bytes += length;
    }
    return bytes > this.#deflater.mostBytes;
  }

  /**
   * Compresses a large publication in the background.
   * @param payload must not change until then.
   * @param onDone called with its compressed runs, if it gets smaller, and their length.
   */
  deflateLarge(
    about: AboutPublication,
    firstByte: number,
    payload: Uint8Array,
    dialects: number,
    onDone: (deflated: DeflatedRuns | undefined, frameBytes: number) => void,
  ): LargePublication {
    const frame = (first: number, parts: readonly Uint8Array[], length: number) =>
      this.#frame(about, first, parts, length);
    return new LargePublication(this.#deflater, firstByte, payload, dialects, frame, onDone);
  }

  /**
   * Compresses a publication that is not large.
   * @param about what its runs have of it.
   * @param dialects the set of dialects that somebody has.
   * @returns undefined if nothing gets smaller.
   */
  deflate(
    about: AboutPublication,
    firstByte: number,
    payload: Uint8Array,
    dialects: number,
  ): { readonly runs: DeflatedRuns; readonly frameBytes: number } | undefined {
    const { length } = payload;
    const deflated: (PublicationRun | undefined)[] = [undefined, undefined, undefined, undefined];
    let frameBytes = 0;
    let last: PublicationRun | undefined;
    this.#deflater.take(payload);
    for (const dialect of DEFLATED_DIALECTS) {
      if ((dialects & (1 << dialect)) === 0) continue;
      const bits = WINDOW_BITS[dialect];
      if (last === undefined || length > 2 ** bits) {
        const compressed = this.#deflater.deflate(bits);
        if (compressed === undefined) break; // a smaller window makes nothing smaller
        last = this.#frame(about, firstByte | RSV1, [compressed], compressed.length);
        frameBytes += last.end - last.start;
      }
      deflated[dialect] = last;
    }
    return frameBytes === 0 ? undefined : { runs: deflated, frameBytes };
  }

  #frame(
    { topic, except, isHeldBack }: AboutPublication,
    firstByte: number,
    parts: readonly Uint8Array[],
    length: number,
  ): PublicationRun {
    const chunk = this.#pool.withRoom(frameHeaderBytes(length) + length);
    const start = chunk.position;
    let end = writeFrameHeader(chunk.bytes, start, firstByte, length);
    for (const part of parts) {
      chunk.bytes.set(part, end);
      end += part.length;
    }
    chunk.position = end;
    return {
      topic,
      chunk,
      start,
      end,
      messages: 1,
      except,
      isHeldBack,
      isFromFleet: false,
      mayCompress: true,
      deflated: undefined,
      isDeflated: true,
    };
  }
}
