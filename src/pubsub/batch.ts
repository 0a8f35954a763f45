import type { PublicationRun } from './publication-run.js';
import { SharedChunk } from './shared-chunk.js';

/** Estimates of the memory of a batch without its chunks, in bytes: the batch itself, and each of its runs. */
const BATCH_BYTES = 1024;
const RUN_BYTES = 64;

/** The publications of a turn, as they are posted to one thread. */
export interface Batch {
  /** The number by which the publisher knows the receiving thread. */
  readonly peer: number;
  readonly topics: readonly string[];
  /**
   * An estimate of the memory of the message itself, in bytes. It counts, because many small batches may lie in one
   * chunk.
   */
  readonly overheadBytes: number;
  readonly parts: readonly {
    readonly buffer: SharedArrayBuffer;
    /** Four numbers for each run: index of its topic, start, end, number of messages. */
    readonly runs: readonly number[];
  }[];
}

/** An estimate of the memory of a batch with these runs, without the names of topics, in bytes. */
export function leastOverhead(runs: readonly PublicationRun[]): number {
  return BATCH_BYTES + RUN_BYTES * runs.length;
}

/** @param peer the number of the receiving thread. */
export function encodeBatch(runs: readonly PublicationRun[], peer: number): Batch {
  const topics: string[] = [];
  const places = new Map<string, number>();
  const parts: { readonly buffer: SharedArrayBuffer; readonly runs: number[] }[] = [];
  let chunk: SharedChunk | undefined;
  for (const run of runs) {
    if (run.chunk !== chunk) {
      chunk = run.chunk;
      parts.push({ buffer: chunk.buffer, runs: [] });
    }
    let place = places.get(run.topic);
    if (place === undefined) {
      place = topics.push(run.topic) - 1;
      places.set(run.topic, place);
    }
    parts.at(-1)?.runs.push(place, run.start, run.end, run.messages);
  }
  const names = topics.reduce((bytes, topic) => bytes + 2 * topic.length, 0);
  return { peer, topics, overheadBytes: leastOverhead(runs) + names, parts };
}

/** The runs of a received batch, and their chunks. The caller notes each chunk as taken once. */
export function decodeBatch({ peer, topics, parts }: Batch): {
  readonly runs: readonly PublicationRun[];
  readonly chunks: readonly SharedChunk[];
} {
  const runs: PublicationRun[] = [];
  const chunks: SharedChunk[] = [];
  for (const part of parts) {
    const chunk = new SharedChunk(part.buffer, peer);
    chunks.push(chunk);
    const words = part.runs;
    for (let at = 0; at < words.length; at += 4) {
      const [topic, start, end, messages] = words.slice(at, at + 4) as [number, number, number, number];
      runs.push({
        topic: topics[topic] as string,
        chunk,
        start,
        end,
        messages,
        except: undefined,
        isHeldBack: false,
      });
    }
  }
  return { runs, chunks };
}

/**
 * The chunks of runs, each once. Runs of the same chunk follow each other, because a publisher fills one chunk after
 * the other.
 */
export function* chunksOf(runs: readonly PublicationRun[]): Iterable<SharedChunk> {
  let last: SharedChunk | undefined;
  for (const { chunk } of runs) {
    if (chunk === last) continue;
    last = chunk;
    yield chunk;
  }
}
