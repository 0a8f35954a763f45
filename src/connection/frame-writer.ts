import { type Arena, OUT_BYTES } from '../memory/arena.js';
import { frameHeaderBytes, MAX_SERVER_HEADER_BYTES, writeFrameHeader } from '../protocol/frame-header.js';
import { FIN, Opcode } from '../protocol/opcode.js';
import type { Slab } from '../protocol/reported-message.js';
import type { FrameMemory } from '../pubsub/frame-memory.js';
import { Counter, type Counters } from '../telemetry/counters.js';
import type { SendData } from './connection.js';
import type { GatherBuffer, GatherBufferOwner } from './gather-buffer.js';
import { LentMessage } from './message.js';
import type { MessageOutput } from './message-output.js';
import { payloadOf } from './payload.js';
import type { PinnedMemory } from './pinned-memory.js';
import type { Transport } from './transport.js';

/**
 * From this many payload bytes on, a frame is written from where it lies, in a system call of its own, instead of being
 * gathered by a copy.
 */
export const DIRECT_WRITE_BYTES = 8 * 1024;

/**
 * Up to this many bytes are copied word by word: 20 bytes take 20 ns so, 46 byte by byte, and 54 by a call of copyWithin;
 * 128 bytes 32, 219 and 50 (Node 20).
 */
const WORDWISE_BYTES = 128;

/** Below this many bytes, publications that have to wait are copied instead of being held where they lie. */
const MIN_HELD_BYTES = 16 * 1024;

/** What a connection may have gathered at most, in bytes. */
const MAX_GATHERED_BYTES = OUT_BYTES;

/** Up to this many bytes that wait are moved to where their connection goes on to gather; more are sent before. */
const MAX_MOVED_BYTES = 4 * 1024;

/** The connection, as its writer reports to it. */
export interface FrameWriterListener {
  /** Called when a frame is gathered or queued: bytes that go straight to the descriptor would overtake it. */
  onOutput(): void;
}

/**
 * The output of one connection: frames are gathered until {@link flush}, which makes one write of them, in the order of
 * the calls. Everything it is given may be overwritten as soon as the call has returned.
 */
export class FrameWriter implements GatherBufferOwner, MessageOutput {
  readonly #arena: Arena;
  readonly #gatherBuffer: GatherBuffer;
  readonly #pinned: PinnedMemory;
  readonly #transport: Transport;
  readonly #listener: FrameWriterListener;
  readonly #counters: Counters;
  /** See {@link isAboveMark}. */
  readonly highWaterMarkBytes: number;
  /** Gathered before another connection took the gather buffer over: where it waits there. */
  #waitsFrom = 0;
  #waitsTo = 0;

  /**
   * @param counters count the bytes that leave.
   * @param highWaterMarkBytes see {@link isAboveMark}.
   */
  constructor(
    arena: Arena,
    out: GatherBuffer,
    pinned: PinnedMemory,
    transport: Transport,
    listener: FrameWriterListener,
    counters: Counters,
    highWaterMarkBytes: number,
  ) {
    this.highWaterMarkBytes = highWaterMarkBytes;
    this.#pinned = pinned;
    this.#arena = arena;
    this.#gatherBuffer = out;
    this.#transport = transport;
    this.#listener = listener;
    this.#counters = counters;
  }

  get bufferedBytes(): number {
    return this.#transport.queuedBytes + this.#gatheredBytes;
  }

  get queuedBytes(): number {
    return this.#transport.queuedBytes;
  }

  get isIdle(): boolean {
    return this.#transport.queuedBytes === 0;
  }

  get isClear(): boolean {
    return this.isIdle && this.#gatherBuffer.owner !== this && this.#waitsTo === this.#waitsFrom;
  }

  get #gatheredBytes(): number {
    return this.#gatherBuffer.owner === this ? this.#gatherBuffer.length : this.#waitsTo - this.#waitsFrom;
  }

  owedWith(bytes: number): number {
    return this.bufferedBytes + bytes;
  }

  isAboveMark(): boolean {
    const mark = this.highWaterMarkBytes;
    if (!this.isIdle) return this.bufferedBytes > mark;
    if (mark >= MAX_GATHERED_BYTES || this.#gatheredBytes <= mark) return false;
    this.flush();
    return this.bufferedBytes > mark;
  }

  data(data: SendData, own: LentMessage | undefined): number {
    if (data instanceof LentMessage) return this.#message(data, data === own);
    if (typeof data === 'string') return this.frameOfString(FIN | Opcode.TEXT, data);
    const payload = payloadOf(data);
    this.frame(FIN | Opcode.BINARY, payload, 0, payload.length);
    return payload.length;
  }

  #message(message: LentMessage, isOwn: boolean): number {
    const { reported } = message;
    const { firstByte, bytes, start, length, vacated } = reported;
    if (bytes !== this.#arena.bytes) {
      this.frame(firstByte, bytes, start, length);
    } else if (length >= DIRECT_WRITE_BYTES) {
      this.frameInPlace(firstByte, start, length, vacated, isOwn ? reported : NO_SLAB);
    } else if (vacated > 0) {
      const waits = this.frameLater(firstByte, start, length);
      if (waits && isOwn && this.isIdle && this.highWaterMarkBytes >= MAX_GATHERED_BYTES)
        this.#gatherBuffer.fastPathMessage = message;
    } else {
      this.frame(firstByte, bytes, start, length);
    }
    return length;
  }

  frame(firstByte: number, payload: Uint8Array, start: number, length: number): void {
    if (length >= DIRECT_WRITE_BYTES) {
      this.#frameDirect(firstByte, payload, start, length, NO_SLAB);
      return;
    }
    const out = this.#claim(length);
    const bytes = out.bytes;
    const at = writeFrameHeader(bytes, out.position, firstByte, length);
    if (payload === bytes) {
      if (length <= WORDWISE_BYTES) copyWordwise(this.#arena.view, at, start, length);
      else bytes.copyWithin(at, start, start + length);
    } else {
      bytes.set(start === 0 && length === payload.length ? payload : payload.subarray(start, start + length), at);
    }
    out.position = at + length;
  }

  /**
   * Appends a frame whose payload lies in the window, and stays there until {@link GatherBuffer.gatherRows}.
   * @returns false if it was not appended in that way, but copied.
   */
  frameLater(firstByte: number, start: number, length: number): boolean {
    const out = this.#gatherBuffer;
    if (!out.canWait || length >= DIRECT_WRITE_BYTES) {
      this.frame(firstByte, this.#arena.bytes, start, length);
      return false;
    }
    if (out.owner !== this) this.#own();
    if (out.later(firstByte, start, length)) return true;
    this.#own();
    return out.later(firstByte, start, length);
  }

  /** Appends a frame with the UTF-8 of a string. @returns its payload's length in bytes */
  frameOfString(firstByte: number, text: string): number {
    // At most three bytes a UTF-16 unit: a short string needs no second pass to know the length of its length.
    const length = text.length * 3 <= 125 ? -1 : Buffer.byteLength(text);
    if (length >= DIRECT_WRITE_BYTES) {
      this.#frameDirect(firstByte, Buffer.from(text), 0, length, NO_SLAB);
      return length;
    }
    const out = this.#claim(length < 0 ? 125 : length);
    if (length >= 0) {
      const at = writeFrameHeader(out.bytes, out.position, firstByte, length);
      out.bytes.write(text, at, length);
      out.position = at + length;
      return length;
    }
    const written = out.bytes.write(text, out.position + 2, 125);
    writeFrameHeader(out.bytes, out.position, firstByte, written);
    out.position += 2 + written;
    return written;
  }

  /**
   * Appends a frame whose payload lies in the arena and is large: written from there, its header put into the `vacated`
   * bytes in front of it if they suffice. `slabOwner` is asked for the payload's slab if the kernel does not take all
   * of it; without a slab the rest is copied.
   */
  frameInPlace(firstByte: number, start: number, length: number, vacated: number, slabOwner: SlabOwner): void {
    const headerBytes = frameHeaderBytes(length);
    if (vacated < headerBytes || this.#gatheredBytes > 0) {
      this.#frameDirect(firstByte, this.#arena.bytes, start, length, slabOwner);
      return;
    }
    const from = start - headerBytes;
    writeFrameHeader(this.#arena.bytes, from, firstByte, length);
    this.#counters.add(Counter.BYTES_OUT, headerBytes + length);
    const taken = this.#transport.tryWrite(this.#arena.bytes, from, start + length);
    if (taken < headerBytes + length) this.#enqueueRest(this.#arena.bytes, from + taken, start + length, slabOwner);
  }

  /** Appends a frame of `length` bytes of payload, in parts that do not change any more: they are held where they lie. */
  frameOfParts(firstByte: number, parts: readonly Uint8Array[], length: number): void {
    const isGathered = length < DIRECT_WRITE_BYTES;
    const out = this.#claim(isGathered ? length : 0);
    out.position = writeFrameHeader(out.bytes, out.position, firstByte, length);
    for (const part of parts) {
      if (isGathered) {
        out.bytes.set(part, out.position);
        out.position += part.length;
      } else {
        this.#writeDirect(part, 0, part.length, NEVER_CHANGES);
      }
    }
  }

  /** Appends frames that are encoded already, in memory that does not change any more: they are held where they lie. */
  heldFrames(bytes: Uint8Array): void {
    this.#claim(0);
    this.#writeDirect(bytes, 0, bytes.length, NEVER_CHANGES);
  }

  frames(memory: FrameMemory, start: number, end: number): void {
    this.flush();
    this.#counters.add(Counter.BYTES_OUT, end - start);
    const taken = this.#transport.tryWrite(memory.bytes, start, end);
    if (start + taken === end) return;
    this.#listener.onOutput();
    if (end - start - taken < MIN_HELD_BYTES) {
      this.#transport.enqueueCopy(memory.bytes, start + taken, end);
      return;
    }
    const { bytes, release } = this.#pinned.hold(memory, start, end, taken);
    this.#transport.enqueue(bytes, release);
  }

  /** It has none. */
  forgetWindow(): void {}

  flush(): void {
    const out = this.#gatherBuffer;
    if (out.owner !== this) {
      this.#flushWaiting();
      return;
    }
    out.gatherRows();
    const { base, position } = out;
    if (position === base) return;
    out.consume();
    this.#write(base, position);
  }

  end(): void {
    this.flush();
    this.#transport.end();
  }

  drop(): void {
    this.#waitsTo = this.#waitsFrom;
    if (this.#gatherBuffer.owner === this) this.#gatherBuffer.disown();
  }

  /** What was gathered waits for the next flush where it is, because another connection wants the gather buffer. */
  wait(from: number, to: number): void {
    this.#waitsFrom = from;
    this.#waitsTo = to;
  }

  #flushWaiting(): void {
    const from = this.#waitsFrom;
    const to = this.#waitsTo;
    this.#waitsTo = from;
    if (from < to) this.#write(from, to);
  }

  #write(from: number, to: number): void {
    const { bytes } = this.#gatherBuffer;
    this.#counters.add(Counter.BYTES_OUT, to - from);
    const taken = this.#transport.tryWrite(bytes, from, to);
    if (from + taken < to) this.#enqueueRest(bytes, from + taken, to, NO_SLAB);
  }

  #frameDirect(firstByte: number, payload: Uint8Array, start: number, length: number, slabOwner: SlabOwner): void {
    const out = this.#claim(0);
    out.position = writeFrameHeader(out.bytes, out.position, firstByte, length);
    this.#writeDirect(payload, start, length, slabOwner);
  }

  /** Appends bytes behind what this writer, the owner of the gather buffer, has gathered. Both leave at once. */
  #writeDirect(payload: Uint8Array, start: number, length: number, slabOwner: SlabOwner): void {
    const out = this.#gatherBuffer;
    this.#counters.add(Counter.BYTES_OUT, length);
    if (!this.isIdle) {
      this.flush();
      this.#enqueueRest(payload, start, start + length, slabOwner);
      return;
    }
    const gathered = out.position - out.base;
    this.#counters.add(Counter.BYTES_OUT, gathered);
    const taken = this.#transport.tryWriteBoth(
      out.bytes.subarray(out.base, out.position),
      payload.subarray(start, start + length),
    );
    if (taken < gathered) this.#enqueueRest(out.bytes, out.base + taken, out.position, NO_SLAB);
    out.consume();
    const payloadTaken = Math.max(0, taken - gathered);
    if (payloadTaken < length) this.#enqueueRest(payload, start + payloadTaken, start + length, slabOwner);
  }

  #enqueueRest(bytes: Uint8Array, start: number, end: number, slabOwner: SlabOwner): void {
    this.#listener.onOutput();
    if (slabOwner === NEVER_CHANGES) {
      this.#transport.enqueue(bytes.subarray(start, end));
      return;
    }
    const slab = slabOwner.detachSlab();
    if (slab === undefined) {
      this.#transport.enqueueCopy(bytes, start, end);
      return;
    }
    const slabs = this.#arena.slabs;
    this.#transport.enqueue(bytes.subarray(start, end), () => slabs.free(slab.offset, slab.capacity));
  }

  /** Makes this writer the owner of the gather buffer, with room for a frame of up to `length` bytes of payload. */
  #claim(length: number): GatherBuffer {
    const out = this.#gatherBuffer;
    if (out.owner === this) out.gatherRows();
    else this.#own();
    if (out.position + MAX_SERVER_HEADER_BYTES + length > out.end) this.#own();
    return out;
  }

  /** Makes this writer the owner of the gather buffer, behind its own frames that wait there. If it is the owner, the buffer is flushed. */
  #own(): void {
    const out = this.#gatherBuffer;
    out.give(this);
    this.#listener.onOutput();
    const length = this.#waitsTo - this.#waitsFrom;
    if (length > MAX_MOVED_BYTES) this.#flushWaiting();
    if (this.#waitsTo === this.#waitsFrom) return;
    out.bytes.copyWithin(out.position, this.#waitsFrom, this.#waitsTo);
    out.position += length;
    this.#waitsTo = this.#waitsFrom;
  }
}

/** Whose slab a payload may lie in: what has reported it. */
export interface SlabOwner {
  /** Leaves the slab to the caller; undefined if there is none. */
  detachSlab(): Slab | undefined;
}

export const NO_SLAB: SlabOwner = { detachSlab: () => undefined };

/** The payload lies on the heap and does not change any more, so that it need not be copied. */
const NEVER_CHANGES: SlabOwner = { detachSlab: () => undefined };

/** Copies bytes that do not overlap. */
function copyWordwise(view: DataView, to: number, from: number, length: number): void {
  const words = length & ~3;
  for (let i = 0; i < words; i += 4) view.setUint32(to + i, view.getUint32(from + i, true), true);
  for (let i = words; i < length; i++) view.setUint8(to + i, view.getUint8(from + i));
}
