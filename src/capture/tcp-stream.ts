import type { ByteBudget } from '../anatomy/byte-budget.js';
import type { TcpSegment } from './tcp-segment.js';

/** How much one direction of a connection keeps of what has come too early, in bytes. */
const MAX_HELD_BYTES = 1024 * 1024;

/** What a segment that is kept costs beside its payload, in bytes: measured with payloads of one byte. */
const SEGMENT_COST = 1024;

/** How far ahead a byte may be that is believed: TCP has no larger window (RFC 7323 section 2.2). */
const MAX_WINDOW_BYTES = 2 ** 30;

/** How many segments are waited for until the first of them is taken for the beginning, of a stream without a SYN. */
const SEGMENTS_BEFORE_START = 16;

/** Bytes that were not captured, though later ones were. The stream ends in front of them: where the next frame begins is not known. */
export interface StreamGap {
  /** Where they are missing, in bytes of the stream. */
  readonly at: number;
  readonly missingBytes: number;
}

interface HeldSegment {
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/**
 * One direction of a TCP connection: puts the payloads of segments in order (RFC 9293 section 3.10.7.4). They may come in any order, twice, and
 * in part; of a byte that has come twice the first one counts. Sequence numbers may wrap.
 */
export class TcpStream {
  readonly #budget: ByteBudget;
  /** The number of the byte that comes next; undefined until the beginning is known. */
  #next: number | undefined;
  /** What has come too early, in the order of the stream. */
  #held: HeldSegment[] = [];
  #heldBytes = 0;
  /** The number behind the last byte. */
  #fin: number | undefined;
  #bytes = 0;
  #gap: StreamGap | undefined;
  #isClosed = false;
  /** Whether the beginning of the connection was captured. */
  hasSyn = false;
  /** How many bytes came that are not in the stream: behind a gap, or outside of what can be. */
  leftOutBytes = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  get gap(): StreamGap | undefined {
    return this.#gap;
  }

  /** Whether the sender has ended the stream, and all of it has come. */
  get isFinished(): boolean {
    return this.#fin !== undefined && this.#next === this.#fin;
  }

  /** Whether nothing comes any more. */
  get isEnded(): boolean {
    return this.isFinished || this.#isClosed;
  }

  /** Whether a SYN belongs to this stream: it was seen before, or lies in front of what has come. */
  belongs({ sequence }: TcpSegment): boolean {
    if (this.#next === undefined) return true;
    const start = (this.#next - this.#bytes - 1) >>> 0;
    return this.hasSyn
      ? start === sequence
      : distance(start, sequence) >= 0 && distance(start, sequence) < MAX_HELD_BYTES;
  }

  /** Takes a segment. @returns the bytes that are in order with it, in parts that may lie in the segment. */
  *take({ sequence, isSyn, isFin, payload, missingBytes }: TcpSegment): Generator<Uint8Array> {
    if (this.#isClosed) {
      this.leftOutBytes += payload.length;
      return;
    }
    const first = isSyn ? (sequence + 1) >>> 0 : sequence;
    if (isSyn && !this.hasSyn) {
      this.hasSyn = true;
      this.#next ??= first;
    }
    if (isFin) this.#fin ??= (first + payload.length + missingBytes) >>> 0;
    if (payload.length > 0) {
      const early = this.#next === undefined ? Number.POSITIVE_INFINITY : distance(first, this.#next);
      if (early <= 0) yield* this.#deliver(first, payload);
      else yield* this.#hold(first, payload);
    }
    if (this.#held.length >= SEGMENTS_BEFORE_START) this.#start();
    yield* this.#release();
  }

  /** To be called if nothing more comes. @returns the bytes of a stream whose beginning was waited for. */
  *end(): Generator<Uint8Array> {
    this.#start();
    yield* this.#release();
    this.#close();
  }

  /** Gives back what is kept. Nothing more is taken. */
  discard(): void {
    for (const { payload } of this.#held) this.#free(payload);
    this.#held = [];
    this.#isClosed = true;
  }

  /** Takes the first segment that has come for the beginning, if that is not known. */
  #start(): void {
    this.#next ??= this.#held[0]?.sequence;
  }

  *#deliver(sequence: number, payload: Uint8Array): Generator<Uint8Array> {
    const next = this.#next as number; // segments are delivered once it is known
    const fresh = payload.subarray(Math.min(payload.length, distance(next, sequence)));
    if (fresh.length === 0) return;
    this.#next = (next + fresh.length) >>> 0;
    this.#bytes += fresh.length;
    yield fresh;
  }

  *#hold(sequence: number, payload: Uint8Array): Generator<Uint8Array> {
    if (this.#next !== undefined && distance(sequence, this.#next) > MAX_WINDOW_BYTES) {
      this.leftOutBytes += payload.length;
      return;
    }
    const cost = payload.length + SEGMENT_COST;
    if (this.#heldBytes + cost > MAX_HELD_BYTES || !this.#budget.take(cost)) {
      if (this.#next === undefined) {
        // What is kept is shown: only its beginning was waited for.
        this.#next = this.#held[0]?.sequence ?? sequence;
        yield* this.#release();
        yield* distance(sequence, this.#next) <= 0 ? this.#deliver(sequence, payload) : this.#hold(sequence, payload);
        return;
      }
      this.leftOutBytes += payload.length;
      this.#close(sequence);
      return;
    }
    this.#heldBytes += cost;
    let at = this.#held.length;
    while (at > 0 && distance((this.#held[at - 1] as HeldSegment).sequence, sequence) > 0) at--;
    this.#held.splice(at, 0, { sequence, payload: payload.slice() });
  }

  /** What was kept, and is in order now. */
  *#release(): Generator<Uint8Array> {
    if (this.#next === undefined) return;
    for (;;) {
      const [first] = this.#held;
      if (first === undefined || distance(first.sequence, this.#next) > 0) return;
      this.#held.shift();
      this.#free(first.payload);
      yield* this.#deliver(first.sequence, first.payload);
    }
  }

  /** Gives up what is missing. @param early where the bytes are for which there was no room. */
  #close(early?: number): void {
    const later = this.#held[0]?.sequence ?? early;
    if (later !== undefined && this.#next !== undefined && !this.isFinished) {
      this.#gap = { at: this.#bytes, missingBytes: distance(later, this.#next) };
    } else if (this.#next !== undefined && this.#fin !== undefined && distance(this.#fin, this.#next) > 0) {
      this.#gap = { at: this.#bytes, missingBytes: distance(this.#fin, this.#next) };
    }
    for (const { payload } of this.#held) this.leftOutBytes += payload.length;
    this.discard();
  }

  #free(payload: Uint8Array): void {
    const cost = payload.length + SEGMENT_COST;
    this.#heldBytes -= cost;
    this.#budget.giveBack(cost);
  }
}

/** How far a sequence number is behind another one: negative if it is in front of it (RFC 9293 section 3.4). */
function distance(sequence: number, other: number): number {
  return (sequence - other) | 0;
}
