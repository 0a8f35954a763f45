import { type BatchKernel, type Kernel, rotateKey } from '../kernels/kernel.js';
import { Utf8 } from '../kernels/utf8.js';
import { HEADROOM_BYTES, ROW_WORDS } from '../memory/arena.js';
import { FrameEvent } from './frame-event.js';
import {
  checkFirstByte,
  checkLength64,
  notUtf8,
  readLength16,
  readLength64,
  tooBig,
  violation,
} from './frame-rules.js';
import { FIN, MAX_CONTROL_PAYLOAD_BYTES, Opcode, RSV_BITS } from './opcode.js';
import { PartialMessage } from './partial-message.js';
import { ProtocolError } from './protocol-error.js';
import type { ReaderMemory } from './reader-memory.js';
import type { ReportedMessage, Slab } from './reported-message.js';
import { scanMessages, scannedHeaderBytes, scannedUpTo, unscanMessages } from './scan-table.js';

/** What may be carried from one read to the next in front of it: a control frame less its last byte. */
const MAX_CARRY_BYTES = 6 + MAX_CONTROL_PAYLOAD_BYTES - 1;

if (MAX_CARRY_BYTES > HEADROOM_BYTES) throw new Error('the headroom of a window is too small for a control frame');

/**
 * Below this many bytes still to come, the rest of a frame is read to the window, together with what follows it, and
 * copied: a read of its own would cost more.
 */
const MIN_DIRECT_READ_BYTES = 16 * 1024;

/**
 * The framing loop (RFC 6455 section 5): bytes from a client go in, messages and control frames come out. It knows a range
 * of the arena at a time and no socket:
 *
 * ```
 * reader.feed(start, end);               // what one read brought
 * while ((event = reader.next()) !== FrameEvent.NONE) …   // payload at reader.bytes[start, start + length)
 * ```
 *
 * Payloads are unmasked, and text is validated, in place and as they arrive. A message that lies whole in what was fed is
 * reported where it lies; another one is joined in a {@link PartialMessage}. What an event points to is valid until the
 * next call of `next`, `feed` or `discard`.
 *
 * Ahead of the loop goes a scan, if the kernel has one: it takes the whole small messages at the front of what was fed, all
 * of them in one call. The loop is complete without it, and the two do the same.
 *
 * Violations throw a {@link ProtocolError}, as soon as the byte that proves them is there; the reader is then of no
 * more use.
 */
export class MaskedFrameReader<Bytes extends Uint8Array = Uint8Array> implements ReportedMessage<Bytes> {
  readonly #arena: ReaderMemory<Bytes>;
  readonly #kernel: Kernel;
  readonly #maxPayloadBytes: number;
  readonly #maxEmptyFragments: number;
  readonly #allowedRsv: number;

  readonly #batch: BatchKernel | undefined;
  /** The scanned messages that are still to be reported: `[#row, #rowsEnd)` of the words of the arena's table. */
  #row = 0;
  #rowsEnd = 0;

  /** What was fed and not yet consumed: a range of the arena. */
  #position = 0;
  #end = 0;
  /** The beginning of a frame whose header, or whose control payload, is not yet whole. */
  #carry: Uint8Array | undefined;

  /** The data frame whose payload is arriving. */
  #inPayload = false;
  #remaining = 0;
  #key = 0;
  #final = false;

  /** Opcode and reserved bits of the message whose frames are arriving; `CONTINUATION` between messages. */
  #messageType: number = Opcode.CONTINUATION;
  #messageBytes = 0;
  /** The last fragments of it that had no payload. */
  #emptyFragments = 0;
  #utf8: number = Utf8.ACCEPT;
  #partial: PartialMessage<Bytes> | undefined;
  /** A message was reported from `#partial`, whose memory is to be given back when the caller has done with it. */
  #reportedPartial = false;
  /** Its slab is somebody else's. */
  #isDetached = false;

  /** How many fragments have come that were not the last of their message. Whoever counts them sets it back. */
  fragments = 0;

  /** Where the payload of the last event lies. */
  bytes: Bytes;
  start = 0;
  length = 0;
  /** Bytes in front of `start` that nothing needs any more (the client's longer header): ours may be written there. */
  vacated = 0;
  /** Of a frame that would carry the same message: FIN, the opcode, and the reserved bits of its first frame. */
  firstByte = FIN | Opcode.TEXT;

  /**
   * @param maxPayloadBytes of a message, its fragments in sum.
   * @param maxEmptyFragments that may follow each other: they are legal, but endless ones are not a message.
   * @param allowedRsv the reserved bits that negotiated extensions allow in the first frame of a message: see
   * {@link checkFirstByte}. A text with one of them is not validated: its bytes are the extension's to judge.
   */
  constructor(
    arena: ReaderMemory<Bytes>,
    kernel: Kernel,
    maxPayloadBytes: number,
    maxEmptyFragments = Number.POSITIVE_INFINITY,
    allowedRsv = 0,
  ) {
    this.#arena = arena;
    this.#kernel = kernel;
    this.#batch = kernel.batch;
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#maxEmptyFragments = maxEmptyFragments;
    this.#allowedRsv = allowedRsv;
    this.bytes = arena.bytes;
  }

  /** Takes back what was fed and not yet looked at, as a copy, to be fed again later. What an event pointed to is void. */
  takeUnread(): Uint8Array | undefined {
    this.#forgetEvent();
    if (this.#row < this.#rowsEnd) {
      this.#position = unscanMessages(this.#kernel, this.#arena, this.#row, this.#rowsEnd);
      this.#row = this.#rowsEnd;
    }
    if (this.#position === this.#end) return undefined;
    const unread = this.#copyUnread();
    this.#position = this.#end;
    return unread;
  }

  /** Whether a part of a message, or of a control frame, has arrived and its end has not. */
  get isMidway(): boolean {
    return this.#inPayload || this.#messageType !== Opcode.CONTINUATION || this.#carry !== undefined;
  }

  /** Memory that the message which is arriving takes, in bytes. */
  get keptBytes(): number {
    return this.#partial === undefined ? 0 : this.#partial.capacity;
  }

  /** Overwrites the message of the last event, if nobody else has its memory now: whoever kept a view sees it. */
  overwrite(filler: number): void {
    if (!this.#isDetached) this.bytes.fill(filler, this.start, this.start + this.length);
  }

  /** Whether the message of the last event was too much for the arena and lies on the heap. */
  get reportedFromHeap(): boolean {
    return this.bytes !== this.#arena.bytes;
  }

  /**
   * Takes what one read has put to `[start, end)` of the arena: in the window, or where {@link lendFreeEnd} said. Everything
   * fed before must have been consumed (`next` said `NONE`). `HEADROOM_BYTES` in front of the window are overwritten.
   */
  feed(start: number, end: number): void {
    this.#row = this.#rowsEnd;
    this.#position = start;
    this.#end = end;
    const carry = this.#carry;
    if (carry === undefined) return;
    this.#position = start - carry.length;
    this.#arena.bytes.set(carry, this.#position);
    this.#carry = undefined;
  }

  /** Goes on to the next event, of which `bytes`, `start`, `length` and `firstByte` speak. @throws ProtocolError */
  next(): FrameEvent {
    if (this.nextScanned()) return FrameEvent.MESSAGE;
    this.#forgetEvent();
    if (this.#position === this.#end && !this.#inPayload) return FrameEvent.NONE;
    for (;;) {
      if (this.#batch !== undefined && this.#scan(this.#batch)) return this.next();
      if (this.#inPayload) {
        if (this.#position === this.#end && this.#remaining > 0) return FrameEvent.NONE;
        if (this.#readPayload()) return FrameEvent.MESSAGE;
        if (this.#inPayload) return FrameEvent.NONE;
      }
      const event = this.#readHeader();
      if (event === FrameEvent.NONE) {
        this.#carryRest();
        return event;
      }
      if (event !== FrameEvent.MESSAGE) return event;
    }
  }

  /** Goes on to the next event if that is a message which was scanned already: then true. {@link next} does the same, and more. */
  nextScanned(): boolean {
    const row = this.#row;
    if (row >= this.#rowsEnd) return false;
    const { found } = this.#arena;
    this.#row = row + ROW_WORDS;
    const lengthAndFirst = found[row + 1] as number;
    this.start = found[row] as number;
    this.length = lengthAndFirst >>> 8;
    this.firstByte = lengthAndFirst & 0xff;
    this.vacated = scannedHeaderBytes(this.length);
    return true;
  }

  /**
   * Where the next read should go, if not to the window: to the end of the message that is arriving, so that its bytes
   * need not be copied. The returned range is [offset, length] in the arena. Calling it obliges to call {@link settle}.
   */
  lendFreeEnd(): readonly [offset: number, length: number] | undefined {
    if (!this.#inPayload || this.#partial === undefined) return undefined;
    return this.#partial.lendFreeEnd(this.#remaining, MIN_DIRECT_READ_BYTES);
  }

  /** libuv holds no range of ours now: see {@link PartialMessage.settle}. */
  settle(): void {
    this.#partial?.settle();
  }

  /**
   * After a MESSAGE that does not lie in what was fed: leaves its slab to the caller, who gives it back to the arena.
   * Undefined if it has none.
   */
  detachSlab(): Slab | undefined {
    if (!this.#reportedPartial) return undefined;
    this.#reportedPartial = false;
    const slab = (this.#partial as PartialMessage<Bytes>).detach();
    this.#isDetached = slab !== undefined;
    return slab;
  }

  /** Forgets everything that has arrived. No event comes any more from what was fed. */
  discard(): void {
    this.#row = this.#rowsEnd;
    this.#position = this.#end;
    this.#carry = undefined;
    this.#inPayload = false;
    this.#forgetEvent();
    this.#partial?.release();
  }

  /** Looks for whole small messages at the front of what was fed. @returns whether there are any. */
  #scan(batch: BatchKernel): boolean {
    if (this.#messageType !== Opcode.CONTINUATION || this.#position === this.#end) return false;
    const rowsEnd = scanMessages(batch, this.#arena, this.#position, this.#end, this.#maxPayloadBytes);
    if (rowsEnd === 0) return false;
    this.#row = 0;
    this.#rowsEnd = rowsEnd;
    this.#position = scannedUpTo(this.#arena.found, rowsEnd);
    return true;
  }

  /**
   * Reads a frame header, and with it the whole of a control frame. Returns MESSAGE for the beginning of a data frame's
   * payload, NONE if bytes are missing: nothing is consumed then but what has arrived has been checked.
   */
  #readHeader(): FrameEvent {
    const available = this.#end - this.#position;
    if (available === 0) return FrameEvent.NONE;
    const bytes = this.#arena.bytes;
    const at = this.#position;
    const first = bytes[at] as number;
    const opcode = first & 0x0f;
    checkFirstByte(first, this.#messageType !== Opcode.CONTINUATION, this.#allowedRsv);
    if (available < 2) return FrameEvent.NONE;

    const second = bytes[at + 1] as number;
    if (second < 0x80) throw violation('mask', 'frame without a mask');
    let length = second & 0x7f;
    if (opcode >= Opcode.CLOSE) {
      if (length > MAX_CONTROL_PAYLOAD_BYTES) throw violation('control-length', 'control frame of over 125 bytes');
      return available < 6 + length ? FrameEvent.NONE : this.#readControl(opcode, at + 6, length);
    }
    let keyAt = at + 2;
    if (length === 126) {
      if (available < 4) return FrameEvent.NONE;
      length = readLength16(bytes, at + 2);
      keyAt = at + 4;
    } else if (length === 127) {
      checkLength64(bytes, at + 2, this.#end);
      if (available < 10) return FrameEvent.NONE;
      length = readLength64(bytes, at + 2);
      keyAt = at + 10;
    }
    // Up to 2^63 and so maybe rounded, but a sum below 2^53 is exact, and the limit is below 2^32.
    if (this.#messageBytes + length > this.#maxPayloadBytes) {
      throw tooBig(this.#messageBytes + length, this.#maxPayloadBytes);
    }
    if (this.#end < keyAt + 4) return FrameEvent.NONE;
    if (length > 0 || first >= FIN) this.#emptyFragments = 0;
    else if (++this.#emptyFragments > this.#maxEmptyFragments) {
      throw new ProtocolError('empty-fragments', `more than ${this.#maxEmptyFragments} empty fragments in a row`);
    }

    if (opcode !== Opcode.CONTINUATION) this.#messageType = first & (RSV_BITS | 0x0f);
    this.#messageBytes += length;
    this.#final = first >= FIN;
    this.#key = this.#arena.view.getInt32(keyAt, true);
    this.#remaining = length;
    this.#inPayload = true;
    this.#position = keyAt + 4;
    this.vacated = keyAt + 4 - at;
    return FrameEvent.MESSAGE;
  }

  /** Control frames are whole and short, may stand between the fragments of a message, and are reported at once. */
  #readControl(opcode: number, payloadAt: number, length: number): FrameEvent {
    this.#kernel.unmask(payloadAt, length, this.#arena.view.getInt32(payloadAt - 4, true));
    this.#position = payloadAt + length;
    this.bytes = this.#arena.bytes;
    this.start = payloadAt;
    this.length = length;
    this.vacated = 6;
    if (opcode === Opcode.PING) return FrameEvent.PING;
    return opcode === Opcode.PONG ? FrameEvent.PONG : FrameEvent.CLOSE;
  }

  /** Consumes what there is of a data frame's payload. True if that completes a message. */
  #readPayload(): boolean {
    const from = this.#position;
    const length = Math.min(this.#remaining, this.#end - from);
    if (this.#messageType === Opcode.TEXT) {
      this.#utf8 = this.#kernel.unmaskText(from, length, this.#key, this.#utf8);
      if (this.#utf8 === Utf8.REJECT) throw notUtf8();
    } else {
      this.#kernel.unmask(from, length, this.#key);
    }
    this.#position = from + length;
    this.#remaining -= length;
    if (this.#remaining > 0) {
      this.#key = rotateKey(this.#key, length);
      this.#append(from, length);
      return false;
    }
    this.#inPayload = false;
    if (!this.#final) {
      this.fragments++;
      if (length > 0) this.#append(from, length);
      return false;
    }
    if (this.#utf8 !== Utf8.ACCEPT) throw notUtf8();
    this.#report(from, length);
    return true;
  }

  #report(from: number, length: number): void {
    this.firstByte = FIN | this.#messageType;
    this.#messageType = Opcode.CONTINUATION;
    this.#messageBytes = 0;
    if (this.#partial === undefined || this.#partial.length === 0) {
      this.bytes = this.#arena.bytes;
      this.start = from;
      this.length = length;
      return;
    }
    this.#partial.append(from, length);
    this.bytes = this.#partial.bytes;
    this.start = this.#partial.start;
    this.length = this.#partial.length;
    this.vacated = 0;
    this.#reportedPartial = true;
  }

  #append(from: number, length: number): void {
    this.#partial ??= new PartialMessage(this.#arena);
    this.#partial.append(from, length);
  }

  /** What the last event pointed to is void: memory on the heap must not stay for its sake. */
  #forgetEvent(): void {
    if (this.bytes !== this.#arena.bytes) {
      this.bytes = this.#arena.bytes;
      this.length = 0;
    }
    this.#isDetached = false;
    if (!this.#reportedPartial) return;
    this.#reportedPartial = false;
    (this.#partial as PartialMessage<Bytes>).release();
  }

  /** Keeps an unfinished header or control frame, of which there are few bytes, for the next {@link feed}. */
  #carryRest(): void {
    if (this.#position === this.#end) return;
    this.#carry = this.#copyUnread();
    this.#position = this.#end;
  }

  /** Memory of its own: a slice of a shared pool would pin all of the pool for as long as the peer likes. */
  #copyUnread(): Uint8Array {
    return new Uint8Array(this.#arena.bytes.subarray(this.#position, this.#end));
  }
}
