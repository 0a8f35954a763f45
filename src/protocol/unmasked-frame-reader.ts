import { Utf8, validateAround } from '../kernels/utf8.js';
import { FrameEvent } from './frame-event.js';
import {
  checkFirstByte,
  checkLength64,
  controlTooLong,
  masked,
  notUtf8,
  readLength16,
  readLength64,
  tooBig,
} from './frame-rules.js';
import { FIN, MAX_CONTROL_PAYLOAD_BYTES, Opcode } from './opcode.js';
import type { ProtocolError } from './protocol-error.js';

const EMPTY = new Uint8Array(0);

/** What an {@link UnmaskedFrameReader} needs of the platform that it runs on: Node, or a browser. */
export interface ReaderPlatform {
  /** Whether the bytes are valid UTF-8 as a whole. */
  readonly isUtf8: (bytes: Uint8Array) => boolean;
  /** New memory of `length` bytes. It need not be cleared: some platforms are faster if they do not clear it. */
  readonly allocate: (length: number) => Uint8Array;
}

/**
 * The framing loop of a client (RFC 6455 section 5): bytes from a server go in, messages and control frames come out. It needs no
 * arena and no kernel:
 *
 * ```
 * reader.feed(bytes);                    // what one read brought
 * while ((event = reader.next()) !== FrameEvent.NONE) …   // reader.payload
 * ```
 *
 * Text is validated as it arrives (section 8.1). A payload that lies whole in what was fed is reported where it lies, and is valid
 * until those bytes are overwritten. A payload that is joined from several frames or reads has memory of its own, which grows with
 * what has arrived and never with what a header declares.
 *
 * A violation throws a {@link ProtocolError} as soon as the byte that proves it has arrived. The reader must not be used after that.
 */
export class UnmaskedFrameReader {
  readonly #isUtf8: ReaderPlatform['isUtf8'];
  readonly #allocate: ReaderPlatform['allocate'];
  readonly #maxPayloadBytes: number;
  readonly #allowedRsv: number;

  /** What was fed. Of it, everything from `#position` on is not consumed yet. */
  #bytes: Uint8Array = EMPTY;
  #position = 0;
  /** The beginning of a frame whose header, or whose control payload, is not yet whole. */
  #carry: Uint8Array | undefined;

  /** Whether the payload of a data frame is arriving. */
  #inPayload = false;
  /** How many bytes of that payload are still to come. */
  #remaining = 0;
  /** Whether that frame is the last of its message. */
  #final = false;

  /** Opcode and reserved bits of the message whose frames are arriving; `CONTINUATION` between messages. */
  #messageType: number = Opcode.CONTINUATION;
  /** The length of the message so far, as the headers of its frames declare it, in bytes. */
  #messageBytes = 0;
  /** How far the UTF-8 of a text message is: a state of the validator. */
  #utf8: number = Utf8.ACCEPT;
  /** What has arrived of the message in earlier frames or reads: the first `#joinedBytes` of this memory. */
  #joined: Uint8Array | undefined;
  #joinedBytes = 0;

  /** The payload of the last event. */
  payload: Uint8Array = EMPTY;
  /**
   * The first byte of one unfragmented frame with the last message (RFC 6455 section 5.2): FIN, the opcode, and the reserved bits of
   * the message's first frame.
   */
  firstByte = FIN | Opcode.TEXT;
  /** Whether `payload` was joined, so that it is in memory which nobody else has. */
  ownsPayload = false;

  /**
   * @param maxPayloadBytes the longest message, its fragments in sum, in bytes: up to 2^32 - 1.
   * @param allowedRsv the reserved bits that negotiated extensions allow in the first frame of a message: see
   * {@link checkFirstByte}. A text with one of them is not validated, because its bytes are the extension's to judge.
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

  /** Takes what one read has brought. Everything that was fed before must have been consumed: `next` has returned `NONE`. */
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

  /** Copies what was fed and is not consumed: the memory that it lies in is going to be overwritten. */
  keepUnread(): void {
    this.#bytes = new Uint8Array(this.#bytes.subarray(this.#position));
    this.#position = 0;
  }

  /**
   * Goes on to the next event, whose payload is `payload`. For a message `firstByte` and `isBinary` say what it is, and `ownsPayload`
   * says whose memory it lies in.
   * @throws ProtocolError for a violation of RFC 6455 section 5 or 8.1, or of a limit.
   */
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

  /** Keeps a header or a control frame that is not whole, which is short, and lets go of what was fed. */
  #end(): FrameEvent {
    if (this.#position < this.#bytes.length) this.#carry = new Uint8Array(this.#bytes.subarray(this.#position));
    this.#bytes = EMPTY;
    this.#position = 0;
    return FrameEvent.NONE;
  }

  /**
   * Reads the header of a frame (section 5.2), and the whole of a control frame.
   * @returns MESSAGE at the beginning of a data frame's payload; NONE if bytes are missing. Then nothing is consumed, and what has
   * arrived is checked.
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
    if (length > 0x7f) throw masked();
    let payloadAt = at + 2;
    if (opcode >= Opcode.CLOSE) {
      if (length > MAX_CONTROL_PAYLOAD_BYTES) throw controlTooLong();
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
    // A length from 2^53 on is rounded. A sum below that is exact, and the limit is below 2^32.
    if (this.#messageBytes + length > this.#maxPayloadBytes) {
      throw tooBig(this.#messageBytes + length, this.#maxPayloadBytes);
    }
    if (opcode !== Opcode.CONTINUATION) this.#messageType = first & ~FIN;
    this.#messageBytes += length;
    this.#final = first >= FIN;
    this.#remaining = length;
    this.#inPayload = true;
    this.#position = payloadAt;
    return FrameEvent.MESSAGE;
  }

  /** Reports a control frame, which is whole and may stand between the fragments of a message (sections 5.4 and 5.5). */
  #readControl(opcode: number, payloadAt: number, length: number): FrameEvent {
    this.#position = payloadAt + length;
    this.payload = this.#bytes.subarray(payloadAt, this.#position);
    this.ownsPayload = false;
    if (opcode === Opcode.PING) return FrameEvent.PING;
    return opcode === Opcode.PONG ? FrameEvent.PONG : FrameEvent.CLOSE;
  }

  /** Consumes what has come of a data frame's payload (section 5.4). @returns whether that completes a message. */
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

  /** Validates what has come of a text (section 8.1). */
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
