import { type BatchKernel, type Kernel, rotateKey } from '../kernels/kernel.js';
import { Utf8 } from '../kernels/utf8.js';
import { HEADROOM_BYTES, ROW_WORDS } from '../memory/arena.js';
import { FrameEvent } from './frame-event.js';
import {
  checkFirstByte,
  checkLength64,
  controlTooLong,
  notMasked,
  notUtf8,
  readLength16,
  readLength64,
  tooBig,
} from './frame-rules.js';
import { FIN, MAX_CONTROL_PAYLOAD_BYTES, Opcode } from './opcode.js';
import { PartialMessage } from './partial-message.js';
import { ProtocolError } from './protocol-error.js';
import type { ReaderMemory } from './reader-memory.js';
import type { ReportedMessage, Slab } from './reported-message.js';
import { scanMessages, scannedHeaderBytes, scannedUpTo, unscanMessages } from './scan-table.js';

/** The longest beginning of a frame that is carried from one read to the next: a control frame without its last byte. */
const MAX_CARRY_BYTES = 6 + MAX_CONTROL_PAYLOAD_BYTES - 1;

if (MAX_CARRY_BYTES > HEADROOM_BYTES) throw new Error('the headroom of a window is too small for a control frame');

/**
 * If fewer bytes of a frame are still to come, they are read to the window together with what follows them, and copied. A read of
 * their own would cost more.
 */
const MIN_DIRECT_READ_BYTES = 16 * 1024;

/**
 * The framing loop of a server (RFC 6455 section 5): bytes from a client go in, messages and control frames come out. The reader
 * knows one range of the arena at a time, and no socket:
 *
 * ```
 * reader.feed(start, end);               // what one read brought
 * while ((event = reader.next()) !== FrameEvent.NONE) …   // payload at reader.bytes[start, start + length)
 * ```
 *
 * Payloads are unmasked (section 5.3), and text is validated (section 8.1), in place and as they arrive. A message that lies whole
 * in what was fed is reported where it lies. Any other message is joined in a {@link PartialMessage}. What an event points to is
 * valid until the next call of `next`, `feed`, `takeUnread` or `discard`.
 *
 * If the kernel can scan, a scan goes ahead of the loop: one call takes all of the whole small messages at the front of what was
 * fed. The loop is complete without the scan, and gives the same events.
 *
 * A violation throws a {@link ProtocolError} as soon as the byte that proves it has arrived. The reader must not be used after that.
 *
 * @typeParam Bytes the class of the views of the memory.
 */
export class MaskedFrameReader<Bytes extends Uint8Array = Uint8Array> implements ReportedMessage<Bytes> {
  readonly #arena: ReaderMemory<Bytes>;
  readonly #kernel: Kernel;
  readonly #maxPayloadBytes: number;
  readonly #maxEmptyFragments: number;
  readonly #allowedRsv: number;

  readonly #batch: BatchKernel | undefined;
  /** The scanned messages that are not reported yet: the words `[#row, #rowsEnd)` of the arena's table. */
  #row = 0;
  #rowsEnd = 0;

  /** What was fed and is not consumed yet: a range of the arena. */
  #position = 0;
  #end = 0;
  /** The beginning of a frame whose header, or whose control payload, is not yet whole. */
  #carry: Uint8Array | undefined;

  /** Whether the payload of a data frame is arriving. */
  #inPayload = false;
  /** How many bytes of that payload are still to come. */
  #remaining = 0;
  /** The masking key for those bytes: the first of them meets its first byte. */
  #key = 0;
  /** Whether that frame is the last of its message. */
  #final = false;

  /** Opcode and reserved bits of the message whose frames are arriving; `CONTINUATION` between messages. */
  #messageType: number = Opcode.CONTINUATION;
  /** The length of the message so far, as the headers of its frames declare it, in bytes. */
  #messageBytes = 0;
  /** How many fragments without payload have come, one behind the other. */
  #emptyFragments = 0;
  /** How far the UTF-8 of a text message is: a state of the validator. */
  #utf8: number = Utf8.ACCEPT;
  #partial: PartialMessage<Bytes> | undefined;
  /** Whether the last message was reported from `#partial`, so that its memory is given back when the message is void. */
  #reportedPartial = false;
  /** Whether the slab of the last message was left to the caller of {@link detachSlab}. */
  #isDetached = false;

  /** How many fragments have come that were not the last of their message. The connection counts them, and sets this to 0. */
  fragments = 0;
  /** How many messages were found by scans, without those that were taken back. The connection counts them, and sets this to 0. */
  scanned = 0;

  /** The memory that the payload of the last event lies in. */
  bytes: Bytes;
  /** Where that payload begins in `bytes`. */
  start = 0;
  /** The length of that payload, in bytes. */
  length = 0;
  /**
   * How many bytes in front of `start` nothing needs any more: the client's header, which is longer than a server's and leaves room
   * for one.
   */
  vacated = 0;
  /**
   * The first byte of one unfragmented frame with the last message (RFC 6455 section 5.2): FIN, the opcode, and the reserved bits of
   * the message's first frame.
   */
  firstByte = FIN | Opcode.TEXT;

  /**
   * @param maxPayloadBytes the longest message, its fragments in sum, in bytes: up to 2^32 - 1.
   * @param maxEmptyFragments how many fragments without payload may follow each other. They are legal (section 5.4), but endless
   * ones are not a message.
   * @param allowedRsv the reserved bits that negotiated extensions allow in the first frame of a message: see
   * {@link checkFirstByte}. A text with one of them is not validated, because its bytes are the extension's to judge.
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

  /**
   * Takes back what was fed and is not consumed yet. What the last event pointed to is void.
   * @returns a copy, to be fed again later; undefined if there is nothing.
   */
  takeUnread(): Uint8Array | undefined {
    this.#forgetEvent();
    if (this.#row < this.#rowsEnd) {
      this.#position = unscanMessages(this.#kernel, this.#arena, this.#row, this.#rowsEnd);
      this.scanned -= (this.#rowsEnd - this.#row) / ROW_WORDS;
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

  /** How much memory is taken by the message that is arriving, in bytes. */
  get keptBytes(): number {
    return this.#partial === undefined ? 0 : this.#partial.capacity;
  }

  /** Overwrites the last message, unless its slab was left to somebody else. A view of it that was kept shows the filler then. */
  overwrite(filler: number): void {
    if (!this.#isDetached) this.bytes.fill(filler, this.start, this.start + this.length);
  }

  /** Whether the last message lies on the heap, because the arena had no room for it. */
  get reportedFromHeap(): boolean {
    return this.bytes !== this.#arena.bytes;
  }

  /**
   * Takes what one read has put to `[start, end)` of the arena: in the window, or where {@link lendFreeEnd} said. Everything that
   * was fed before must have been consumed: `next` has returned `NONE`. Up to `HEADROOM_BYTES` in front of `start` are overwritten if
   * the last read has ended inside of a header or a control frame.
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

  /**
   * Goes on to the next event. `bytes`, `start`, `length` and `vacated` say where its payload lies; for a message `firstByte` says
   * what it is.
   * @throws ProtocolError for a violation of RFC 6455 section 5 or 8.1, or of a limit.
   */
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

  /**
   * Goes on to the next event if that is a message which was scanned already. {@link next} does that too. Hot: it is called for each
   * small message.
   * @returns whether there was one.
   */
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
   * Lends a range for the next read behind what has arrived of the message, so that its bytes need not be copied. The caller must
   * call {@link endLoan} before it feeds that read.
   * @returns the range in the arena; undefined if the next read should go to the window.
   */
  lendFreeEnd(): readonly [offset: number, length: number] | undefined {
    if (!this.#inPayload || this.#partial === undefined) return undefined;
    return this.#partial.lendFreeEnd(this.#remaining, MIN_DIRECT_READ_BYTES);
  }

  /** To be called when libuv holds no range of this reader: see {@link PartialMessage.endLoan}. */
  endLoan(): void {
    this.#partial?.endLoan();
  }

  /**
   * Leaves the slab of the last message to the caller, who gives it back to the arena.
   * @returns undefined if the message lies in what was fed, or on the heap.
   */
  detachSlab(): Slab | undefined {
    if (!this.#reportedPartial) return undefined;
    this.#reportedPartial = false;
    const slab = (this.#partial as PartialMessage<Bytes>).detach();
    this.#isDetached = slab !== undefined;
    return slab;
  }

  /** Forgets everything that has arrived, and gives its memory back. No event comes any more from what was fed. */
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
    this.scanned += rowsEnd / ROW_WORDS;
    this.#position = scannedUpTo(this.#arena.found, rowsEnd);
    return true;
  }

  /**
   * Reads the header of a frame (section 5.2), and the whole of a control frame.
   * @returns MESSAGE at the beginning of a data frame's payload; NONE if bytes are missing. Then nothing is consumed, and what has
   * arrived is checked.
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
    if (second < 0x80) throw notMasked();
    let length = second & 0x7f;
    if (opcode >= Opcode.CLOSE) {
      if (length > MAX_CONTROL_PAYLOAD_BYTES) throw controlTooLong();
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
    // A length from 2^53 on is rounded. A sum below that is exact, and the limit is below 2^32.
    if (this.#messageBytes + length > this.#maxPayloadBytes) {
      throw tooBig(this.#messageBytes + length, this.#maxPayloadBytes);
    }
    if (this.#end < keyAt + 4) return FrameEvent.NONE;
    if (length > 0 || first >= FIN) this.#emptyFragments = 0;
    else if (++this.#emptyFragments > this.#maxEmptyFragments) {
      throw new ProtocolError('empty-fragments', `more than ${this.#maxEmptyFragments} empty fragments in a row`);
    }

    if (opcode !== Opcode.CONTINUATION) this.#messageType = first & ~FIN;
    this.#messageBytes += length;
    this.#final = first >= FIN;
    this.#key = this.#arena.view.getInt32(keyAt, true);
    this.#remaining = length;
    this.#inPayload = true;
    this.#position = keyAt + 4;
    this.vacated = keyAt + 4 - at;
    return FrameEvent.MESSAGE;
  }

  /** Reports a control frame, which is whole and may stand between the fragments of a message (sections 5.4 and 5.5). */
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

  /** Consumes what has come of a data frame's payload (sections 5.3 and 8.1). @returns whether that completes a message. */
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

  /** Makes the last event void, and gives its memory back: on the heap it would be kept by `bytes`. */
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

  /** Keeps a header or a control frame that is not whole, at most {@link MAX_CARRY_BYTES}, for the next {@link feed}. */
  #carryRest(): void {
    if (this.#position === this.#end) return;
    this.#carry = this.#copyUnread();
    this.#position = this.#end;
  }

  /** Copies to memory of its own: a slice of a shared pool would keep all of the pool for as long as the peer likes. */
  #copyUnread(): Uint8Array {
    return new Uint8Array(this.#arena.bytes.subarray(this.#position, this.#end));
  }
}
