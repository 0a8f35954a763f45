import { faultOf, InflateResult, isCorrupt, MAX_HISTORY_BYTES } from '../kernels/inflater.js';
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
import type { RoomSeeker } from './room-queue.js';

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
 * messages.enterWindow();
 * … the message lies at messages.bytes[start, start + length)
 * messages.release();
 * ```
 *
 * A message begins in the scratch of the thread, with the history right in front of the output. One that outgrows it, or that is put
 * aside, gets a slab of its own, and behind 32 KiB of output the history is left behind. The slab grows by doubling, with bytes that have
 * been inflated. While a message is put aside, its input lies in a slab too, and the state of the inflater on the heap.
 *
 * If the arena has no room for that, the message gives back all that it has of the arena, and waits for room with its input on the heap:
 * see {@link awaitsRoom} and {@link RoomQueue}. Then it is inflated anew, in the scratch again, and has the slab that it has missed.
 *
 * With context takeover, the window of the peer is kept from the first message on. Without it nothing is kept.
 */
export class InflatedMessages<Bytes extends Uint8Array = Uint8Array> implements CompressedMessage<Bytes>, RoomSeeker {
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
  /** The memory that it lies in while it is not in the arena. */
  #heapInput: Bytes | undefined;
  /** Whether the inflater has begun with it. */
  #hasBegun = false;
  /** How many bytes of history lie in front of the output. */
  #historyBytes = 0;
  /** Where the output lies: in the scratch, if undefined. */
  #output: Slab | undefined;
  /** What it is to go to next. */
  #reserved: Slab | undefined;
  #limit = 0;
  /** How far the UTF-8 of a text is. Between messages it is ACCEPT. */
  #utf8: number = Utf8.ACCEPT;
  /** Has the inflater go on with this message, if it was put aside. */
  #takeUp: (() => void) | undefined;
  #isDetached = false;
  /** How large a slab the output waits for, in bytes: 0 if only the input does. Undefined if the message does not wait. */
  #awaitedBytes: number | undefined;
  #hasWaitedInVain = false;
  /** Whether it counts as one that holds memory of the arena. */
  #isHolding = false;
  #inflatedBytes = 0;
  readonly #onRoom: () => void;

  /**
   * @param maxBytes the longest message, in bytes.
   * @param onRoom is called when a message that has waited for room is to go on.
   */
  constructor(
    inflation: Inflation<Bytes>,
    { contextTakeover, windowBits }: DeflateDirection,
    maxBytes: number,
    onRoom: () => void,
  ) {
    this.#inflation = inflation;
    this.#window = contextTakeover ? new DeflateWindow(inflation.windows, windowBits) : undefined;
    this.#maxBytes = maxBytes;
    this.#onRoom = onRoom;
    this.bytes = inflation.arena.bytes;
  }

  /** Whether all of it is inflated, and it can be reported. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Whether it waits for room. Then it is to be put aside, until it can go on. */
  get awaitsRoom(): boolean {
    return this.#awaitedBytes !== undefined;
  }

  /** How much of the message was inflated so far, in bytes. What is inflated anew does not count again. */
  get inflatedBytes(): number {
    return this.#inflatedBytes;
  }

  /** How much memory the message takes that is under way, in bytes. The window does not count: it was reserved with the connection. */
  get keptBytes(): number {
    const state = this.#takeUp === undefined ? 0 : this.#inflation.inflater.asideBytes;
    const input = this.#input?.capacity ?? this.#heapInput?.length ?? 0;
    return state + input + (this.#output?.capacity ?? 0) + (this.#reserved?.capacity ?? 0);
  }

  /**
   * Begins a message, which is not inflated before {@link step}. Its compressed bytes must stay where they are until it is whole, or
   * until {@link putAside}.
   * @throws ArenaError if it lies on the heap, the arena has no room for it, and to wait for that would be in vain.
   */
  begin(message: CompressedMessage<Bytes>): void {
    this.#isWhole = false;
    this.#hasBegun = false;
    this.#isDetached = false;
    this.firstByte = message.firstByte & ~RSV1;
    this.length = 0;
    this.#inflatedBytes = 0;
    this.#from = message.start;
    this.#inputLength = message.length;
    if (!message.reportedFromHeap) return;
    this.#heapInput = message.bytes;
    this.#awaitRoom(0);
  }

  /**
   * Inflates a part of the message.
   * @returns how much work that was at most, by the measure of {@link Inflater.inflate}.
   * @throws ProtocolError if the message is corrupt, too long, or not UTF-8; ArenaError if the arena has no room for it, and to wait for
   * that would be in vain.
   */
  step(): number {
    if (this.#hasWaitedInVain) throw noRoom();
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
    this.length = inflater.written;
    this.#inflatedBytes = Math.max(this.#inflatedBytes, this.length);
    if (isCorrupt(result)) throw corrupt(result);
    const work = this.#hasBegun ? 0 : this.#inputLength * WORK_PER_INPUT_BYTE;
    this.#hasBegun = true;
    this.#validate(length);
    const done = result === InflateResult.PAUSED ? STEP_WORK : Math.min(work + this.length - length, STEP_WORK);
    if (result === InflateResult.DONE) this.#finish();
    else if (result === InflateResult.NEEDS_ROOM) this.#makeRoom();
    return done;
  }

  /**
   * Takes everything that is needed to go on later out of the memory that other messages need, too.
   * @param message as in {@link begin}.
   * @throws ArenaError if the arena has no room for it, and to wait for that would be in vain.
   */
  putAside(message: CompressedMessage<Bytes>): void {
    const isDone = this.#isWhole && this.#output !== undefined;
    // Also if the message is whole in the scratch: it is inflated anew if there is no other room for it.
    if (!isDone && this.#input === undefined && this.#heapInput === undefined) this.#keepInput(message);
    if (!this.#hasBegun || this.#takeUp !== undefined) return;
    if (this.#output === undefined && !this.#moveOutput(Slabs.capacity(this.#layoutBytes(this.length)))) return;
    if (this.#isWhole) this.#freeInput();
    else this.#takeUp = this.#inflation.inflater.putAside();
  }

  /** The message is whole, and is about to be reported. Later ones may refer to it. */
  enterWindow(): void {
    if (this.length > 0) this.#window?.addBehind(this.bytes, this.start, this.length);
  }

  takeRoom(): boolean {
    const { slabs } = this.#inflation.arena;
    const wanted = this.#awaitedBytes ?? 0;
    // The output first: it is the larger one, as a rule.
    const reserved = wanted === 0 ? undefined : this.#takeSlab(wanted);
    if (wanted > 0 && reserved === undefined) return false;
    if (this.#heapInput !== undefined) {
      const input = this.#takeSlab(Slabs.capacity(this.#inputLength));
      if (input === undefined) {
        if (reserved !== undefined) slabs.free(reserved.offset, reserved.capacity);
        return false;
      }
      this.#input = input;
      this.bytes.set(this.#heapInput.subarray(this.#from, this.#from + this.#inputLength), input.offset);
      this.#from = input.offset;
      this.#heapInput = undefined;
    }
    this.#reserved = reserved;
    this.#awaitedBytes = undefined;
    this.#noteHolding();
    return true;
  }

  onRoom(): void {
    this.#onRoom();
  }

  onNoRoom(): void {
    this.#awaitedBytes = undefined;
    this.#hasWaitedInVain = true;
    this.#onRoom();
  }

  /** Leaves the slab that the message lies in to the caller, unless it is needed here: see {@link ReportedMessage.detachSlab}. */
  detachSlab(): Slab | undefined {
    const { arena, room } = this.#inflation;
    if (arena.slabs.isShort || room.isWaitedFor) return undefined;
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
    this.#awaitedBytes = undefined;
    this.#hasWaitedInVain = false;
    this.#utf8 = Utf8.ACCEPT;
    this.#heapInput = undefined;
    this.#freeInput();
    this.#freeOutput();
    this.#noteHolding();
    this.#inflation.room.leave(this);
  }

  /** Does that, and forgets what was kept from the messages before: there will not be another one. */
  discard(): void {
    this.release();
    this.#window?.release();
  }

  /** Puts the history to the scratch, where the output begins behind it. */
  #prepare(): void {
    const inflation = this.#inflation;
    this.#historyBytes = this.#window?.length ?? 0;
    this.start = inflation.scratchOutput;
    this.#limit = this.#limitIn(inflation.scratch + inflation.scratchBytes);
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
  }

  /** @throws ProtocolError if the message may not become longer. */
  #makeRoom(): void {
    if (this.#limit === this.start + this.#maxBytes) throw tooBig(this.#inputLength, this.#maxBytes);
    const { room, scratchBytes, arena } = this.#inflation;
    const output = this.#output;
    if (output !== undefined) {
      const capacity = 2 * output.capacity;
      if (arena.slabs.grow(output.offset, output.capacity)) this.#placeOutput({ offset: output.offset, capacity });
      else this.#moveOutput(capacity);
      return;
    }
    // Compressed messages become longer: one that is longer than the scratch is spared some copies.
    const capacity = Math.max(2 * scratchBytes, Slabs.capacity(this.#inputLength));
    if (room.isWaitedFor && this.#reserved === undefined) this.#awaitRoom(capacity);
    else this.#moveOutput(capacity);
  }

  /** How large a slab for the output has to be, in bytes, if the output itself may take so many. */
  #layoutBytes(outputBytes: number): number {
    return 2 * this.#inflation.marginBytes + this.#historyBytes + outputBytes;
  }

  /** How far the output may reach in a range of the arena that ends at `end`. */
  #limitIn(end: number): number {
    return Math.min(end - this.#inflation.marginBytes, this.start + this.#maxBytes);
  }

  /** Moves what there is of the output to a slab of this capacity at least. @returns false if the message has to wait for that */
  #moveOutput(capacity: number): boolean {
    let slab = this.#reserved;
    if (slab === undefined || slab.capacity < capacity) slab = this.#takeSlab(capacity);
    else this.#reserved = undefined;
    if (slab === undefined) {
      this.#awaitRoom(capacity);
      return false;
    }
    this.#placeOutput(slab);
    return true;
  }

  /** Moves what there is of the output to a slab, which may be the one that it lies in. The history goes with it if it is of use still. */
  #placeOutput(slab: Slab): void {
    const { inflater, marginBytes } = this.#inflation;
    const historyBytes = this.length < MAX_HISTORY_BYTES ? this.#historyBytes : 0;
    const start = slab.offset + marginBytes + historyBytes;
    if (start !== this.start) {
      this.bytes.copyWithin(start - historyBytes, this.start - historyBytes, this.start + this.length);
      inflater.outputMoved(start - this.start);
    }
    if (slab.offset !== this.#output?.offset) this.#freeOutput();
    this.#output = slab;
    this.#historyBytes = historyBytes;
    this.start = start;
    this.#limit = this.#limitIn(slab.offset + slab.capacity);
    this.#noteHolding();
  }

  /**
   * Gives back everything, and waits for a slab of so many bytes for the output, and one for the input if that is on the heap. If they
   * are there, the message goes on at once.
   * @throws ArenaError if nobody would give anything back.
   */
  #awaitRoom(outputBytes: number): void {
    const { room } = this.#inflation;
    this.#isWhole = false;
    this.#hasBegun = false;
    this.#takeUp = undefined;
    this.#utf8 = Utf8.ACCEPT;
    this.length = 0;
    if (this.#input !== undefined) this.#moveInputToHeap();
    this.#freeOutput();
    this.#noteHolding();
    this.#awaitedBytes = outputBytes;
    if (!room.isWaitedFor && this.takeRoom()) return;
    if (!room.wait(this)) throw noRoom();
  }

  /** Takes the input out of the memory of the frame reader: to a slab, or to the heap, if there is none or this message waits. */
  #keepInput(message: CompressedMessage<Bytes>): void {
    const { inflater } = this.#inflation;
    if (this.awaitsRoom) {
      this.#moveInputToHeap();
      return;
    }
    this.#input = message.detachSlab();
    if (this.#input === undefined) {
      const slab = this.#takeSlab(Slabs.capacity(this.#inputLength));
      if (slab === undefined) {
        const awaited = this.#output?.capacity ?? this.#reserved?.capacity ?? 0;
        this.#moveInputToHeap();
        this.#awaitRoom(awaited);
        return;
      }
      this.#input = slab;
      this.bytes.copyWithin(slab.offset, this.#from, this.#from + this.#inputLength);
      if (this.#hasBegun) inflater.inputMoved(slab.offset - this.#from);
      this.#from = slab.offset;
    }
    this.#noteHolding();
  }

  /** To memory that holds nothing else. */
  #moveInputToHeap(): void {
    const { arena } = this.#inflation;
    const heap = arena.allocate(this.#inputLength);
    heap.set(this.bytes.subarray(this.#from, this.#from + this.#inputLength));
    this.#heapInput = heap;
    this.#from = 0;
    this.#freeInput();
  }

  /** @returns undefined if there is none. */
  #takeSlab(capacity: number): Slab | undefined {
    const offset = this.#inflation.arena.slabs.take(capacity);
    return offset < 0 ? undefined : { offset, capacity };
  }

  #freeInput(): void {
    if (this.#input !== undefined) this.#inflation.arena.slabs.free(this.#input.offset, this.#input.capacity);
    this.#input = undefined;
  }

  #freeOutput(): void {
    const { slabs } = this.#inflation.arena;
    for (const slab of [this.#output, this.#reserved]) if (slab !== undefined) slabs.free(slab.offset, slab.capacity);
    this.#output = undefined;
    this.#reserved = undefined;
  }

  /** Tells the others when this message begins to hold something, and when it has given back all. */
  #noteHolding(): void {
    const isHolding = this.#input !== undefined || this.#output !== undefined || this.#reserved !== undefined;
    if (isHolding === this.#isHolding) return;
    this.#isHolding = isHolding;
    if (isHolding) this.#inflation.room.took();
    else this.#inflation.room.gaveBack();
  }

  #watch(): void {
    this.#inflation.watch(this.start - this.#historyBytes, this.#limit);
  }
}

function corrupt(result: number): ProtocolError {
  return new ProtocolError('deflate', `corrupt compressed message: ${faultOf(result)} (RFC 1951)`);
}

function tooBig(compressedBytes: number, maxBytes: number): ProtocolError {
  const ratio = Math.floor(maxBytes / Math.max(1, compressedBytes));
  return new ProtocolError(
    'too-big',
    `compressed message of ${compressedBytes} bytes that becomes ${ratio} times as long or longer, at most ${maxBytes} bytes are allowed`,
  );
}

function noRoom(): ArenaError {
  return new ArenaError('the arena has no room to decompress a message in');
}
