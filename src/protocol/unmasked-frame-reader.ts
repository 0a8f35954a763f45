import { Utf8, validateAround } from '../kernels/utf8.js';
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
import type { ProtocolError } from './protocol-error.js';

const EMPTY = new Uint8Array(0);

/** What an {@link UnmaskedFrameReader} needs of the platform that it runs on. */
export interface ReaderPlatform {
  /** Whether the bytes are valid UTF-8 as a whole. */
  readonly isUtf8: (bytes: Uint8Array) => boolean;
  /** New memory. What it contains is not defined: a platform that need not clear it is faster. */
  readonly allocate: (length: number) => Uint8Array;
}

/**
 * The framing loop of a client (RFC 6455 section 5): bytes from a server go in, messages and control frames come out. What
 * the frame reader of the server is for masked frames in an arena, this is for unmasked ones that lie anywhere:
 *
 * ```
 * reader.feed(bytes);                    // what one read brought
 * while ((event = reader.next()) !== FrameEvent.NONE) …   // reader.payload
 * ```
 *
 * Text is validated as it arrives. A payload that lies whole in what was fed is reported where it lies, and is valid until
 * those bytes are overwritten; one that is joined from several frames or reads has memory of its own, which grows with what
 * has arrived and never with what a header declares.
 *
 * Violations throw a {@link ProtocolError}, as soon as the byte that proves them is there; the reader is then of no
 * more use.
 */
export class UnmaskedFrameReader {
  readonly #isUtf8: ReaderPlatform['isUtf8'];
  readonly #allocate: ReaderPlatform['allocate'];
  readonly #maxPayloadBytes: number;
  readonly #allowedRsv: number;

  /** What was fed and not yet consumed. */
  #bytes: Uint8Array = EMPTY;
  #position = 0;
  /** The beginning of a frame whose header, or whose control payload, is not yet whole. */
  #carry: Uint8Array | undefined;

  /** The data frame whose payload is arriving. */
  #inPayload = false;
  #remaining = 0;
  #final = false;

  /** Opcode and reserved bits of the message whose frames are arriving; `CONTINUATION` between messages. */
  #messageType: number = Opcode.CONTINUATION;
  #messageBytes = 0;
  #utf8: number = Utf8.ACCEPT;
  /** What has arrived of it, if that is not all in what was fed: the first `#joinedBytes` of it. */
  #joined: Uint8Array | undefined;
  #joinedBytes = 0;

  /** Of the last event. */
  payload: Uint8Array = EMPTY;
  /** Of an unfragmented frame with the last message: FIN, the opcode, and the reserved bits of its first frame. */
  firstByte = FIN | Opcode.TEXT;
  /** Whether nobody else has the memory of `payload`: it was joined. */
  ownsPayload = false;

  /**
   * @param maxPayloadBytes of a message, its fragments in sum.
   * @param allowedRsv the reserved bits that negotiated extensions allow in the first frame of a message: see
   * {@link checkFirstByte}. A text with one of them is not validated: its bytes are the extension's to judge.
   */
  constructor({ isUtf8, allocate }: ReaderPlatform, maxPayloadBytes: number, allowedRsv = 0) {
    this.#isUtf8 = isUtf8;
    this.#allocate = allocate;
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#allowedRsv = allowedRsv;
  }

  /** Whether the last message is binary, and not text (RFC 6455 section 5.6). */
  get isBinary(): boolean {
    return (this.firstByte & 0x0f) === Opcode.BINARY;
  }

  /** Whether a part of a message, or of a frame, has arrived and its end has not. */
  get isMidway(): boolean {
    return this.#inPayload || this.#messageType !== Opcode.CONTINUATION || this.#carry !== undefined;
  }

  /** Takes what one read has brought. Everything fed before must have been consumed (`next` said `NONE`). */
  feed(bytes: Uint8Array): void {
    const carry = this.#carry;
    if (carry === undefined) {
      this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    } else {
      this.#bytes = this.#allocate(carry.length + bytes.length);
      this.#bytes.set(carry, 0);
      this.#bytes.set(bytes, carry.length);
    }
    this.#carry = undefined;
    this.#position = 0;
  }

  /** Goes on to the next event, of which `payload`, `firstByte`, `isBinary` and `ownsPayload` speak. @throws ProtocolError */
  next(): FrameEvent {
    for (;;) {
      if (this.#inPayload) {
        if (this.#position === this.#bytes.length && this.#remaining > 0) return this.#end();
        if (this.#readPayload()) return FrameEvent.MESSAGE;
        if (this.#inPayload) return this.#end();
      }
      const event = this.#readHeader();
      if (event === FrameEvent.NONE) return this.#end();
      if (event !== FrameEvent.MESSAGE) return event;
    }
  }

  /** Keeps an unfinished header or control frame, of which there are few bytes, and lets go of the rest. */
  #end(): FrameEvent {
    if (this.#position < this.#bytes.length) this.#carry = new Uint8Array(this.#bytes.subarray(this.#position));
    this.#bytes = EMPTY;
    this.#position = 0;
    return FrameEvent.NONE;
  }

  /**
   * Reads a frame header, and with it the whole of a control frame. Returns MESSAGE for the beginning of a data frame's
   * payload, NONE if bytes are missing: nothing is consumed then but what has arrived has been checked.
   */
  #readHeader(): FrameEvent {
    const bytes = this.#bytes;
    const at = this.#position;
    const available = bytes.length - at;
    if (available === 0) return FrameEvent.NONE;
    const first = bytes[at] as number;
    const opcode = first & 0x0f;
    checkFirstByte(first, this.#messageType !== Opcode.CONTINUATION, this.#allowedRsv);
    if (available < 2) return FrameEvent.NONE;

    let length = bytes[at + 1] as number;
    if (length > 0x7f) throw violation('mask', 'masked frame from a server');
    let payloadAt = at + 2;
    if (opcode >= Opcode.CLOSE) {
      if (length > MAX_CONTROL_PAYLOAD_BYTES) throw violation('control-length', 'control frame of over 125 bytes');
      return available < 2 + length ? FrameEvent.NONE : this.#readControl(opcode, payloadAt, length);
    }
    if (length === 126) {
      if (available < 4) return FrameEvent.NONE;
      length = readLength16(bytes, at + 2);
      payloadAt = at + 4;
    } else if (length === 127) {
      checkLength64(bytes, at + 2, bytes.length);
      if (available < 10) return FrameEvent.NONE;
      length = readLength64(bytes, at + 2);
      payloadAt = at + 10;
    }
    // Up to 2^63 and so maybe rounded, but a sum below 2^53 is exact, and the limit is below 2^32.
    if (this.#messageBytes + length > this.#maxPayloadBytes) {
      throw tooBig(this.#messageBytes + length, this.#maxPayloadBytes);
    }
    if (opcode !== Opcode.CONTINUATION) this.#messageType = first & (RSV_BITS | 0x0f);
    this.#messageBytes += length;
    this.#final = first >= FIN;
    this.#remaining = length;
    this.#inPayload = true;
    this.#position = payloadAt;
    return FrameEvent.MESSAGE;
  }

  /** Control frames are whole and short, may stand between the fragments of a message, and are reported at once. */
  #readControl(opcode: number, payloadAt: number, length: number): FrameEvent {
    this.#position = payloadAt + length;
    this.payload = this.#bytes.subarray(payloadAt, this.#position);
    this.ownsPayload = false;
    if (opcode === Opcode.PING) return FrameEvent.PING;
    return opcode === Opcode.PONG ? FrameEvent.PONG : FrameEvent.CLOSE;
  }

  /** Consumes what there is of a data frame's payload. True if that completes a message. */
  #readPayload(): boolean {
    const from = this.#position;
    const length = Math.min(this.#remaining, this.#bytes.length - from);
    if (this.#messageType === Opcode.TEXT) this.#validate(from, length);
    this.#position = from + length;
    this.#remaining -= length;
    const isFrameWhole = this.#remaining === 0;
    this.#inPayload = !isFrameWhole;
    if (!isFrameWhole || !this.#final) {
      if (length > 0) this.#join(from, length);
      return false;
    }
    if (this.#utf8 !== Utf8.ACCEPT) throw notUtf8();
    this.#report(from, length);
    return true;
  }

  #validate(from: number, length: number): void {
    const bytes = this.#bytes;
    this.#utf8 = validateAround(bytes, from, length, this.#utf8, (start, end) =>
      this.#isUtf8(bytes.subarray(start, end)),
    );
    if (this.#utf8 === Utf8.REJECT) throw notUtf8();
  }

  #report(from: number, length: number): void {
    this.firstByte = FIN | this.#messageType;
    this.#messageType = Opcode.CONTINUATION;
    this.#messageBytes = 0;
    this.ownsPayload = this.#joined !== undefined;
    if (this.#joined === undefined) {
      this.payload = this.#bytes.subarray(from, from + length);
      return;
    }
    this.#join(from, length);
    this.payload = this.#joined.subarray(0, this.#joinedBytes);
    this.#joined = undefined;
    this.#joinedBytes = 0;
  }

  #join(from: number, length: number): void {
    const total = this.#joinedBytes + length;
    if (this.#joined === undefined || total > this.#joined.length) {
      const grown = this.#allocate(Math.max(total, 2 * this.#joinedBytes));
      if (this.#joined !== undefined) grown.set(this.#joined.subarray(0, this.#joinedBytes));
      this.#joined = grown;
    }
    this.#joined.set(this.#bytes.subarray(from, from + length), this.#joinedBytes);
    this.#joinedBytes = total;
  }
}
