import { INFLATE_REGION_BYTES, InflateResult, isCorrupt } from '../kernels/inflater.js';
import { Utf8 } from '../kernels/utf8.js';
import { ArenaError } from '../memory/arena.js';
import { Slabs } from '../memory/slabs.js';
import type { DeflateDirection } from '../protocol/deflate/agreement.js';
import { notUtf8 } from '../protocol/frame-rules.js';
import { FIN, Opcode, RSV1 } from '../protocol/opcode.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import type { ReportedMessage, Slab } from '../protocol/reported-message.js';
import { DeflateWindow } from './deflate-window.js';
import type { Inflation } from './inflation.js';

/**
 * How much work one step does at most, by the measure of {@link Inflater.inflate}: less than half a millisecond. Between the steps of a
 * message its connection may have to give way.
 */
const STEP_WORK = 200_000;

/** A block needs some 80 bits at least to cost as much as a header can cost, 2048: so a byte of input costs up to so much. */
const WORK_PER_INPUT_BYTE = 200;

/** A compressed message where it has arrived, as its frame reader reports it. */
export interface CompressedMessage<Bytes extends Uint8Array = Uint8Array> extends ReportedMessage<Bytes> {
  /** Whether it lies on the heap. */
  readonly reportedFromHeap: boolean;
}

/**
 * The compressed messages of one connection (RFC 7692 section 7.2.2): one after the other is inflated in the arena, step by step, and
 * is reported like any other message.
 *
 * ```
 * messages.begin(reader);
 * while (!messages.isWhole) messages.step();      // and maybe, between two steps: messages.putAside(reader)
 * … the message lies at messages.bytes[start, start + length)
 * messages.release();
 * ```
 *
 * A message begins in the scratch of the thread. One that outgrows it, or that has to wait, gets a slab of its own, with the history
 * right in front of the output. The slab grows by doubling, with bytes that have been inflated. While a message waits, its input lies in
 * a slab too, and the state of the inflater on the heap.
 *
 * With context takeover, the window of the peer is kept from the first message on. Without it nothing is kept.
 */
export class InflatedMessages<Bytes extends Uint8Array = Uint8Array> implements CompressedMessage<Bytes> {
  firstByte: number = FIN | Opcode.TEXT;
  readonly bytes: Bytes;
  start = 0;
  length = 0;
  readonly vacated = 0;
  readonly reportedFromHeap = false;

  readonly #inflation: Inflation<Bytes>;
  readonly #maxBytes: number;
  /** What is kept of the messages before; undefined if nothing is. */
  readonly #window: DeflateWindow | undefined;

  #isWhole = false;
  /** The compressed message in the arena: of `#input` if that is defined, else where the frame reader has it. */
  #from = 0;
  #inputLength = 0;
  #input: Slab | undefined;
  /** Whether the inflater has begun with it. */
  #hasBegun = false;
  /** How many bytes of history lie in front of the output. */
  #historyBytes = 0;
  /** Where the output lies: in the scratch, if undefined. */
  #output: Slab | undefined;
  #limit = 0;
  /** How far the UTF-8 of a text is. Between messages it is ACCEPT. */
  #utf8: number = Utf8.ACCEPT;
  /** Has the inflater go on with this message, if it was put aside. */
  #takeUp: (() => void) | undefined;
  #isDetached = false;

  /** @param maxBytes the longest message, in bytes. */
  constructor(inflation: Inflation<Bytes>, { contextTakeover, windowBits }: DeflateDirection, maxBytes: number) {
    this.#inflation = inflation;
    this.#window = contextTakeover ? new DeflateWindow(inflation.windows, windowBits) : undefined;
    this.#maxBytes = maxBytes;
    this.bytes = inflation.arena.bytes;
  }

  /** Whether all of it is inflated, and it can be reported. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** How much memory the message takes that is under way, in bytes. The window does not count: it was reserved with the connection. */
  get keptBytes(): number {
    const state = this.#takeUp === undefined ? 0 : INFLATE_REGION_BYTES;
    return state + (this.#input?.capacity ?? 0) + (this.#output?.capacity ?? 0);
  }

  /**
   * Begins a message, which is not inflated before {@link step}. Its compressed bytes must stay where they are until it is whole, or
   * until {@link putAside}.
   * @throws ArenaError if it lies on the heap, and the arena has no room for it.
   */
  begin(message: CompressedMessage<Bytes>): void {
    this.#isWhole = false;
    this.#hasBegun = false;
    this.#isDetached = false;
    this.firstByte = message.firstByte & ~RSV1;
    this.length = 0;
    this.#from = message.start;
    this.#inputLength = message.length;
    if (message.reportedFromHeap) this.#copyInput(message.bytes);
  }

  /**
   * Inflates a part of the message.
   * @returns how much work that was at most, by the measure of {@link Inflater.inflate}.
   * @throws ProtocolError if the message is corrupt, too long, or not UTF-8; ArenaError if the arena has no room for it.
   */
  step(): number {
    const { inflater } = this.#inflation;
    const { length } = this;
    let result: number;
    if (!this.#hasBegun) {
      this.#prepare();
      this.#watch();
      result = inflater.inflate(this.#from, this.#inputLength, this.start, this.#historyBytes, this.#limit, STEP_WORK);
    } else {
      this.#takeUp?.();
      this.#takeUp = undefined;
      this.#watch();
      result = inflater.goOn(this.#limit, STEP_WORK);
    }
    this.#inflation.checkWatched(this.start - this.#historyBytes, this.#limit);
    if (isCorrupt(result)) throw corrupt(result);
    const work = this.#hasBegun ? 0 : this.#inputLength * WORK_PER_INPUT_BYTE;
    this.#hasBegun = true;
    this.length = inflater.written;
    this.#validate(length);
    if (result === InflateResult.DONE) this.#finish();
    else if (result === InflateResult.NEEDS_ROOM) this.#makeRoom();
    return result === InflateResult.PAUSED ? STEP_WORK : Math.min(work + this.length - length, STEP_WORK);
  }

  /**
   * Takes everything that is needed to go on later out of the memory that other messages need, too.
   * @param message as in {@link begin}.
   * @throws ArenaError if the arena has no room for it.
   */
  putAside(message: CompressedMessage<Bytes>): void {
    if (this.#output === undefined) this.#moveOutput(Slabs.capacity(this.#layoutBytes(this.length)));
    if (this.#isWhole || this.#takeUp !== undefined) return;
    if (this.#input === undefined) {
      this.#input = message.detachSlab();
      if (this.#input === undefined) this.#inflation.inflater.inputMoved(this.#copyInput(this.bytes));
    }
    this.#takeUp = this.#inflation.inflater.putAside();
  }

  /** Leaves the slab that the message lies in to the caller, unless it is needed here: see {@link ReportedMessage.detachSlab}. */
  detachSlab(): Slab | undefined {
    if (this.#inflation.arena.slabs.isShort) return undefined;
    const slab = this.#output;
    this.#output = undefined;
    this.#isDetached = slab !== undefined;
    return slab;
  }

  /** Overwrites the message, unless its slab was left to somebody else. */
  overwrite(filler: number): void {
    if (!this.#isDetached) this.bytes.fill(filler, this.start, this.start + this.length);
  }

  /** Ends the message that is under way, whole or not, and gives its memory back. */
  release(): void {
    this.#takeUp = undefined;
    this.#freeInput();
    this.#freeOutput();
  }

  /** Does that, and forgets what was kept from the messages before: there will not be another one. */
  discard(): void {
    this.release();
    this.#window?.release();
  }

  /** Finds a place for the output, and puts the history in front of it. */
  #prepare(): void {
    const inflation = this.#inflation;
    this.#historyBytes = this.#window?.length ?? 0;
    this.start = inflation.scratchOutput;
    this.#limit = this.#limitIn(inflation.scratch + inflation.scratchBytes);
    // Compressed messages become longer: one that is longer than the scratch is spared a copy.
    if (this.#inputLength > this.#limit - this.start)
      this.#moveOutput(Slabs.capacity(this.#layoutBytes(this.#inputLength)));
    this.#window?.copyTo(this.bytes, this.start);
  }

  #validate(from: number): void {
    if (this.firstByte !== (FIN | Opcode.TEXT)) return;
    this.#utf8 = this.#inflation.kernel.validate(this.start + from, this.length - from, this.#utf8);
    if (this.#utf8 === Utf8.REJECT) throw notUtf8();
  }

  #finish(): void {
    if (this.#utf8 !== Utf8.ACCEPT) throw notUtf8();
    this.#isWhole = true;
    this.#freeInput();
    this.#window?.addBehind(this.bytes, this.start, this.length);
  }

  /** @throws ProtocolError if the message may not become longer. */
  #makeRoom(): void {
    if (this.#limit === this.start + this.#maxBytes) throw tooBig(this.#inputLength, this.#maxBytes);
    const { slabs } = this.#inflation.arena;
    const output = this.#output;
    const capacity = output?.capacity ?? this.#inflation.scratchBytes;
    if (output === undefined || !slabs.grow(output.offset, capacity)) {
      this.#moveOutput(2 * capacity);
      return;
    }
    this.#output = { offset: output.offset, capacity: 2 * capacity };
    this.#limit = this.#limitIn(output.offset + 2 * capacity);
  }

  /** How large a slab for the output has to be, in bytes, if the output itself may take so many. */
  #layoutBytes(outputBytes: number): number {
    return 2 * this.#inflation.marginBytes + this.#historyBytes + outputBytes;
  }

  /** How far the output may reach in a range of the arena that ends at `end`. */
  #limitIn(end: number): number {
    return Math.min(end - this.#inflation.marginBytes, this.start + this.#maxBytes);
  }

  /** Moves what there is of the output, with the history, to a slab of this capacity. */
  #moveOutput(capacity: number): void {
    const { arena, inflater, marginBytes } = this.#inflation;
    const offset = arena.slabs.take(capacity);
    if (offset < 0) throw noRoom(capacity);
    const start = offset + marginBytes + this.#historyBytes;
    if (this.#hasBegun) {
      this.bytes.copyWithin(start - this.#historyBytes, this.start - this.#historyBytes, this.start + this.length);
      inflater.outputMoved(start - this.start);
    }
    this.#freeOutput();
    this.#output = { offset, capacity };
    this.start = start;
    this.#limit = this.#limitIn(offset + capacity);
  }

  /** Copies the compressed message to a slab. @returns by how many bytes it was moved, if it was in the arena */
  #copyInput(bytes: Bytes): number {
    const { slabs } = this.#inflation.arena;
    const capacity = Slabs.capacity(this.#inputLength);
    const offset = slabs.take(capacity);
    if (offset < 0) throw noRoom(capacity);
    this.#input = { offset, capacity };
    this.bytes.set(bytes.subarray(this.#from, this.#from + this.#inputLength), offset);
    const moved = offset - this.#from;
    this.#from = offset;
    return moved;
  }

  #freeInput(): void {
    if (this.#input !== undefined) this.#inflation.arena.slabs.free(this.#input.offset, this.#input.capacity);
    this.#input = undefined;
  }

  #freeOutput(): void {
    if (this.#output !== undefined) this.#inflation.arena.slabs.free(this.#output.offset, this.#output.capacity);
    this.#output = undefined;
  }

  #watch(): void {
    this.#inflation.watch(this.start - this.#historyBytes, this.#limit);
  }
}

/** The names of the faults of a compressed message. */
const FAULTS = new Map<number, string>(Object.entries(InflateResult).map(([name, result]) => [result, name]));

function corrupt(result: number): ProtocolError {
  const fault = FAULTS.get(result)?.toLowerCase().replaceAll('_', ' ');
  return new ProtocolError('deflate', `corrupt compressed message: ${fault} (RFC 1951)`);
}

function tooBig(compressedBytes: number, maxBytes: number): ProtocolError {
  const ratio = Math.floor(maxBytes / Math.max(1, compressedBytes));
  return new ProtocolError(
    'too-big',
    `compressed message of ${compressedBytes} bytes that becomes ${ratio} times as long or longer, at most ${maxBytes} bytes are allowed`,
  );
}

function noRoom(bytes: number): ArenaError {
  return new ArenaError(`the arena has no slab of ${bytes} bytes to decompress a message in`);
}
