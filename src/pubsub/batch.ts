import { DEFLATED_DIALECTS } from './dialect.js';
import { deflatedOf, type PublicationRun } from './publication-run.js';
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
    /** Four numbers for each run: index of its topic, start, end, number of messages; that is negative if they may not be compressed. */
    readonly runs: readonly number[];
  }[];
  /** The compressed runs. Left out if there are none: a member more would cost other batches time on their way. */
  readonly deflated?: readonly {
    readonly buffer: SharedArrayBuffer;
    /** Four numbers for each run: index of the plain run among those of all parts, set of its dialects, start, end. */
    readonly runs: readonly number[];
  }[];
}

/** An estimate of the memory of a batch with these runs, without the names of topics, in bytes. */
export function leastOverhead(runs: readonly PublicationRun[]): number {
  return BATCH_BYTES + RUN_BYTES * runs.length;
}

/** Numbers about runs that lie in one chunk. */
interface Part {
  readonly buffer: SharedArrayBuffer;
  readonly runs: number[];
}

/** @param peer the number of the receiving thread. */
export function encodeBatch(runs: readonly PublicationRun[], peer: number): Batch {
  const topics: string[] = [];
  const places = new Map<string, number>();
  const parts: Part[] = [];
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
    parts.at(-1)?.runs.push(place, run.start, run.end, run.mayCompress ? run.messages : -run.messages);
  }
  const names = topics.reduce((bytes, topic) => bytes + 2 * topic.length, 0);
  const overheadBytes = leastOverhead(runs) + names;
  const deflated = encodeDeflated(runs);
  if (deflated.length === 0) return { peer, topics, overheadBytes, parts };
  const deflatedBytes = deflated.reduce((bytes, part) => bytes + (RUN_BYTES / 4) * part.runs.length, 0);
  return { peer, topics, overheadBytes: overheadBytes + deflatedBytes, parts, deflated };
}

function encodeDeflated(runs: readonly PublicationRun[]): Part[] {
  const parts: Part[] = [];
  let chunk: SharedChunk | undefined;
  for (const [place, { deflated }] of runs.entries()) {
    if (deflated === undefined) continue;
    for (const run of deflatedOf(deflated)) {
      if (run.chunk !== chunk) {
        chunk = run.chunk;
        parts.push({ buffer: chunk.buffer, runs: [] });
      }
      const dialects = deflated.reduce((set, other, dialect) => (other === run ? set | (1 << dialect) : set), 0);
      parts.at(-1)?.runs.push(place, dialects, run.start, run.end);
    }
  }
  return parts;
}

/** A run of a received batch, whose compressed runs are added after it. */
type DecodedRun = PublicationRun & { deflated: PublicationRun['deflated'] };

/** The runs of a received batch, and their chunks. The caller notes each chunk as taken once. */
export function decodeBatch({ peer, topics, parts, deflated }: Batch): {
  readonly runs: readonly PublicationRun[];
  readonly chunks: readonly SharedChunk[];
} {
  const runs: DecodedRun[] = [];
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
        messages: Math.abs(messages),
        except: undefined,
        isHeldBack: false,
        isFromFleet: false,
        mayCompress: messages > 0,
        deflated: undefined,
        isDeflated: false,
      });
    }
  }
  for (const part of deflated ?? []) {
    const chunk = new SharedChunk(part.buffer, peer);
    chunks.push(chunk);
    const words = part.runs;
    for (let at = 0; at < words.length; at += 4) {
      const [place, dialects, start, end] = words.slice(at, at + 4) as [number, number, number, number];
      const plain = runs[place] as DecodedRun; // the publisher has counted them
      const run = { ...plain, chunk, start, end, deflated: undefined, isDeflated: true };
      const all = [...(plain.deflated ?? [undefined])];
      for (const dialect of DEFLATED_DIALECTS) if ((dialects & (1 << dialect)) !== 0) all[dialect] = run;
      plain.deflated = all;
    }
  }
  return { runs, chunks };
}

/**
 * The chunks of runs, also of their compressed runs, each once. Runs of the same chunk follow each other, because a publisher fills one
 * chunk after the other.
 */
export function* chunksOf(runs: readonly PublicationRun[]): Iterable<SharedChunk> {
  let last: SharedChunk | undefined;
  for (const { chunk } of runs) {
    if (chunk === last) continue;
    last = chunk;
    yield chunk;
  }
  for (const { deflated } of runs) {
    if (deflated === undefined) continue;
    for (const { chunk } of deflatedOf(deflated)) {
      if (chunk === last) continue;
      last = chunk;
      yield chunk;
    }
  }
}
