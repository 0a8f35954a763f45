import { advance, Utf8 } from '../kernels/utf8.js';
import { MASKING_KEY_BYTES, maskedCopy } from '../protocol/client-frame.js';
import { closeCodeIn } from '../protocol/close-payload.js';
import { MASK } from '../protocol/frame-header.js';
import { declaredLength, FrameHeaders } from '../protocol/frame-headers.js';
import { notUtf8 } from '../protocol/frame-rules.js';
import { FIN, MAX_CONTROL_PAYLOAD_BYTES, Opcode, RSV_BITS } from '../protocol/opcode.js';
import { type BrokenRule, brokenBy, brokenIn, cutOff } from './broken-rule.js';
import type { ByteBudget } from './byte-budget.js';
import type { Contents, DissectedClose, DissectedFrame, DissectedMessage } from './dissected-frame.js';
import { brokenInClose, brokenInHeader, type HeaderContext, type Side } from './frame-judge.js';
import { KeptBytes } from './kept-bytes.js';

/** The longest compressed message that is decompressed, in bytes: it has to be kept as a whole. */
const MAX_INFLATED_BYTES = 16 * 1024 * 1024;

/** How many bytes are kept of each payload and of each message, if nothing is said. */
const DEFAULT_KEPT_BYTES = 64;

/** What a dissector knows of the connection that its bytes are from. */
export interface DissectorOptions {
  /** The side that sends the frames. If it is not known, no frame breaks a rule by its mask. */
  readonly from?: Side | undefined;
  /**
   * The reserved bits that extensions give a meaning to, such as RSV1 with permessage-deflate. A message with one of them is the
   * extension's: its text is validated only if it is decompressed.
   * @default none
   */
  readonly allowedRsv?: number;
  /**
   * Decompresses a message of up to 16 MiB that has one of those bits, and returns undefined if it does not want to. The messages come in
   * their order, which matters if they may refer to earlier ones (RFC 7692 section 7.2.2).
   * @throws ProtocolError if it cannot.
   * @default none: compressed messages stay as they are
   */
  readonly inflate?: ((message: Uint8Array) => Uint8Array | undefined) | undefined;
  /**
   * Whether the bytes begin between the fragments of a message. Whether that is text or binary is not known then.
   * @default false
   */
  readonly isMidMessage?: boolean;
  /**
   * How many bytes are kept of each payload and of each message, from the beginning. Everything is validated, whether it is kept or not.
   * @default 64
   */
  readonly keptBytes?: number;
  /**
   * The memory for compressed messages that are not whole, which several dissectors may share. A message for which there is no room is
   * not decompressed.
   * @default as much as is needed
   */
  readonly budget?: ByteBudget | undefined;
}

/** A frame whose header has come. */
interface ArrivingFrame {
  readonly at: number;
  readonly header: Uint8Array;
  readonly declaredBytes: number;
  readonly key: Uint8Array | undefined;
  readonly kept: KeptBytes;
  /** The message that it belongs to, unless it is a control frame or breaks the rules of fragments. */
  readonly message: ArrivingMessage | undefined;
  readonly broken: BrokenRule[];
  payloadBytes: number;
}

/** A message whose last frame has not come. */
interface ArrivingMessage {
  readonly type: 'text' | 'binary' | 'unknown';
  readonly isCompressed: boolean;
  readonly kept: KeptBytes;
  frames: number;
  bytes: number;
  /** How far the UTF-8 of a text is: a state of the validator. */
  utf8: number;
}

/**
 * Takes the frames of one direction of a connection apart, and finds what rules they break:
 *
 * ```
 * const dissector = new FrameDissector({ from: 'client' });
 * for (const frame of dissector.feed(bytes)) …   // what one read brought
 * dissector.end();                               // the frame that is cut off, if nothing more comes
 * ```
 *
 * It goes on behind a broken rule, where a receiver would have failed the connection (RFC 6455 section 7.1.7). The memory that it
 * takes depends on `keptBytes`, and not on what headers declare.
 */
export class FrameDissector {
  readonly #context: HeaderContext;
  readonly #keptBytes: number;
  readonly #inflate: DissectorOptions['inflate'];
  readonly #budget: ByteBudget | undefined;
  readonly #headers: FrameHeaders;
  /** The frames that were completed by the bytes that are being fed. */
  #whole: DissectedFrame[] = [];
  /** Where the next frame begins. */
  #at = 0;
  #frame: ArrivingFrame | undefined;
  #message: ArrivingMessage | undefined;
  /** Whether a compressed message was not decompressed, to which later ones may refer. */
  #hasSkippedMessage = false;

  constructor(options: DissectorOptions = {}) {
    const { from, allowedRsv = 0, isMidMessage = false, keptBytes = DEFAULT_KEPT_BYTES } = options;
    this.#context = { from, allowedRsv };
    this.#keptBytes = keptBytes;
    this.#inflate = options.inflate;
    this.#budget = options.budget;
    this.#headers = new FrameHeaders(
      (header) => this.#begin(header),
      (part) => this.#addPayload(part),
    );
    if (isMidMessage) this.#message = this.#newMessage('unknown', false);
  }

  /** Whether a message has begun whose last frame has not come. */
  get isMidMessage(): boolean {
    return this.#message !== undefined;
  }

  /** Gives up the message that is not whole, and the memory that it takes. */
  discard(): void {
    this.#message?.kept.release();
    this.#message = undefined;
  }

  /** Takes the next bytes of the stream. @returns the frames that are whole with them. */
  feed(bytes: Uint8Array): readonly DissectedFrame[] {
    this.#headers.feed(bytes);
    const whole = this.#whole;
    this.#whole = [];
    return whole;
  }

  /** To be called if nothing more comes. @returns the frame that is cut off, if one is. */
  end(): DissectedFrame | undefined {
    const frame = this.#frame;
    if (frame !== undefined) {
      const { payloadBytes, declaredBytes } = frame;
      frame.broken.push(cutOff(`payload cut off: ${payloadBytes} of ${declaredBytes} bytes`));
      return this.#dissected(frame);
    }
    const header = this.#headers.unfinished.slice();
    if (header.length === 0) return undefined;
    const broken = brokenInHeader(header, this.isMidMessage, this.#context);
    broken.push(cutOff(`header cut off after ${header.length === 1 ? '1 byte' : `${header.length} bytes`}`));
    return {
      ...{ at: this.#at, header, declaredBytes: undefined, payloadBytes: 0, payload: new Uint8Array(0) },
      ...{ contents: 'unknown', close: undefined, message: undefined, broken },
    };
  }

  #begin(bytes: Uint8Array): void {
    const header = bytes.slice();
    const [first, second] = header as unknown as [number, number]; // the header is whole
    const opcode = first & 0x0f;
    const broken = brokenInHeader(header, this.isMidMessage, this.#context);
    const isControl = opcode >= Opcode.CLOSE;
    // A Close is judged as a whole.
    const limit = isControl ? Math.max(this.#keptBytes, MAX_CONTROL_PAYLOAD_BYTES) : this.#keptBytes;
    this.#frame = {
      ...{ at: this.#at, header, broken, payloadBytes: 0 },
      declaredBytes: declaredLength(header),
      key: (second & MASK) === 0 ? undefined : header.subarray(-MASKING_KEY_BYTES),
      kept: new KeptBytes(limit),
      message: this.#messageOf(first),
    };
    if (this.#frame.declaredBytes === 0) this.#finish(this.#frame);
  }

  /** The message that a frame with this first byte begins or goes on with. */
  #messageOf(first: number): ArrivingMessage | undefined {
    const opcode = first & 0x0f;
    if (opcode === Opcode.TEXT || opcode === Opcode.BINARY) {
      const isCompressed = (first & RSV_BITS & this.#context.allowedRsv) !== 0;
      this.#message = this.#newMessage(opcode === Opcode.TEXT ? 'text' : 'binary', isCompressed);
    } else if (opcode !== Opcode.CONTINUATION) return undefined;
    if (this.#message !== undefined) this.#message.frames++;
    return this.#message;
  }

  #newMessage(type: ArrivingMessage['type'], isCompressed: boolean): ArrivingMessage {
    this.discard();
    const isKept = isCompressed && this.#inflate !== undefined;
    const kept = isKept ? new KeptBytes(MAX_INFLATED_BYTES, this.#budget) : new KeptBytes(this.#keptBytes);
    return { type, isCompressed, kept, frames: 0, bytes: 0, utf8: Utf8.ACCEPT };
  }

  #addPayload(part: Uint8Array): void {
    const frame = this.#frame as ArrivingFrame; // a payload has a header in front
    const { key, kept, message } = frame;
    const plain = key === undefined ? part : maskedCopy(part, key, frame.payloadBytes);
    kept.append(plain);
    frame.payloadBytes += plain.length;
    if (message !== undefined) {
      message.kept.append(plain);
      message.bytes += plain.length;
      if (!message.isCompressed) validate(frame, message, plain);
    }
    if (frame.payloadBytes === frame.declaredBytes) this.#finish(frame);
  }

  #finish(frame: ArrivingFrame): void {
    const { header, declaredBytes, message } = frame;
    const isLast = message !== undefined && (header[0] as number) >= FIN;
    this.#whole.push(this.#dissected(frame, isLast ? this.#ended(frame, message) : undefined));
    if (isLast) this.discard();
    this.#frame = undefined;
    this.#at += header.length + declaredBytes;
  }

  /** The message that ends with a frame. */
  #ended(frame: ArrivingFrame, message: ArrivingMessage): DissectedMessage {
    const { type, isCompressed, frames, bytes, kept } = message;
    const inflated = isCompressed ? this.#inflated(frame, message) : undefined;
    if (inflated !== undefined) validate(frame, message, inflated);
    const isCutOff = message.utf8 !== Utf8.ACCEPT && message.utf8 !== Utf8.REJECT;
    if (isCutOff) frame.broken.push(brokenBy(notUtf8()));
    return {
      ...{ contents: isCompressed && inflated === undefined ? 'compressed' : type, frames },
      ...{ bytes: inflated?.length ?? bytes, compressedBytes: inflated && bytes },
      // A copy, so that what is not kept can be collected. A Buffer's slice would be none.
      payload: new Uint8Array((inflated ?? kept.bytes).subarray(0, this.#keptBytes)),
    };
  }

  #inflated(frame: ArrivingFrame, { bytes, kept }: ArrivingMessage): Uint8Array | undefined {
    if (bytes > MAX_INFLATED_BYTES || kept.bytes.length < bytes) {
      this.#hasSkippedMessage = true;
      return undefined;
    }
    if (this.#hasSkippedMessage) return undefined;
    let inflated: Uint8Array | undefined;
    const broken = brokenIn(() => {
      inflated = this.#inflate?.(kept.bytes);
    });
    if (broken !== undefined) frame.broken.push(broken);
    return inflated;
  }

  /** @param ended the message that ends with the frame. */
  #dissected(frame: ArrivingFrame, ended?: DissectedMessage): DissectedFrame {
    const { at, header, declaredBytes, payloadBytes, kept, message, broken } = frame;
    const opcode = (header[0] as number) & 0x0f;
    const isWholeClose =
      opcode === Opcode.CLOSE && payloadBytes === declaredBytes && declaredBytes <= MAX_CONTROL_PAYLOAD_BYTES;
    if (isWholeClose) broken.push(...brokenInClose(kept.bytes));
    return {
      ...{ at, header, declaredBytes, payloadBytes, broken },
      payload: kept.bytes.subarray(0, this.#keptBytes),
      contents: message === undefined ? (opcode >= Opcode.CLOSE ? 'control' : 'unknown') : contentsOf(message),
      close: isWholeClose && payloadBytes > 1 ? closeOf(kept.bytes) : undefined,
      message: ended,
    };
  }
}

/** Validates the next bytes of a message if it is a text (section 8.1). What is wrong is reported once. */
function validate(frame: ArrivingFrame, message: ArrivingMessage, plain: Uint8Array): void {
  if (message.type !== 'text' || message.utf8 === Utf8.REJECT) return;
  message.utf8 = advance(plain, 0, plain.length, message.utf8);
  if (message.utf8 === Utf8.REJECT) frame.broken.push(brokenBy(notUtf8()));
}

/** What the frames of a message have, whether it is decompressed at its end or not. */
function contentsOf({ type, isCompressed }: ArrivingMessage): Contents {
  return isCompressed ? 'compressed' : type;
}

function closeOf(payload: Uint8Array): DissectedClose {
  const reason = new TextDecoder('utf-8', { ignoreBOM: true }).decode(payload.subarray(2));
  return { code: closeCodeIn(payload), reason };
}
