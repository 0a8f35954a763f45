import { isUtf8 } from 'node:buffer';
import { maskedFrame } from '../protocol/client-frame.js';
import { ClosingHandshake, ClosingState } from '../protocol/closing-handshake.js';
import { FrameEvent } from '../protocol/frame-event.js';
import { notUtf8 } from '../protocol/frame-rules.js';
import { FIN, Opcode, RSV1 } from '../protocol/opcode.js';
import { PendingPong } from '../protocol/pending-pong.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import { type ReaderPlatform, UnmaskedFrameReader } from '../protocol/unmasked-frame-reader.js';
import { bufferOf } from './buffer-of.js';
import { MaskingKeys } from './masking-keys.js';
import type { MessageDeflate } from './message-deflate.js';

/** A message that the server has sent. Its bytes are overwritten by the next read, and by a message that is sent compressed. */
export interface ReceivedMessage {
  readonly payload: Uint8Array;
  readonly isBinary: boolean;
  /** Whether nobody else has the memory of the payload, so that it stays. */
  readonly ownsPayload: boolean;
  /** What has come of a message that was compressed; undefined for one that was not. */
  readonly compressed: Uint8Array | undefined;
}

/** The owner of a {@link ClientSession}: it has the socket. */
export interface SessionOwner {
  /** Whether something that was written waits for the system to take it. */
  readonly isOutputWaiting: boolean;
  /** Writes a frame, or queues it. */
  writeFrame(frame: Buffer): void;
  /** A message has come. */
  onMessage(message: ReceivedMessage): void;
  /** @param payload is overwritten by the next read. */
  onPong(payload: Uint8Array): void;
  /** The server's Close has come, and has been answered. @param wasOpen whether this side had not begun to close. */
  onCloseFrame(wasOpen: boolean): void;
  /** The server has broken the protocol, and a Close with the reason was written to it. */
  onViolation(error: ProtocolError): void;
}

const NODE: ReaderPlatform = { isUtf8, allocate: (length) => Buffer.allocUnsafeSlow(length) };

/** One key of these for each frame of the thread. */
const keys = new MaskingKeys();

/**
 * The protocol of one open connection as its client sees it. Bytes that were read go in. The methods of its owner are called with
 * the messages and events that are in these bytes, and with the frames that answer them.
 */
export class ClientSession {
  readonly #owner: SessionOwner;
  readonly #maxPayloadBytes: number;
  readonly #closing = new ClosingHandshake();
  /** Made with the first bytes, and with the first ping: most connections of a load generator need neither. */
  #reader: UnmaskedFrameReader | undefined;
  #pendingPong: PendingPong | undefined;
  #deflate: MessageDeflate | undefined;

  /** @param maxPayloadBytes of a message that the server sends, its fragments in sum. */
  constructor(owner: SessionOwner, maxPayloadBytes: number) {
    this.#owner = owner;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Compresses and decompresses messages from now on. To be called before the first bytes are fed. */
  useDeflate(deflate: MessageDeflate): void {
    this.#deflate = deflate;
  }

  /** How far its end is; what ends it without a frame is noted here by the owner. */
  get closing(): ClosingHandshake {
    return this.#closing;
  }

  get isOpen(): boolean {
    return this.#closing.state === ClosingState.OPEN;
  }

  /** Whether a part of a message, or of a frame, has arrived and its end has not. */
  get isMidway(): boolean {
    return this.#reader?.isMidway === true;
  }

  /**
   * Takes what one read has brought. A violation of the protocol goes to {@link SessionOwner.onViolation}.
   * @throws what a method of the owner throws.
   */
  feed(read: Uint8Array): void {
    if (this.#closing.isFinished) return;
    this.#reader ??= new UnmaskedFrameReader(NODE, this.#maxPayloadBytes, this.#deflate === undefined ? 0 : RSV1);
    const reader = this.#reader;
    try {
      reader.feed(read);
      for (let event = reader.next(); event !== FrameEvent.NONE; event = reader.next()) {
        this.#onEvent(event, reader);
        if (this.#closing.isFinished) return;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const payload = this.#closing.fail(error.closeCode, '');
      if (payload !== undefined) this.send(Opcode.CLOSE, payload);
      this.#owner.onViolation(error);
    }
  }

  /** Sends a message in one frame: compressed, if that was agreed on, is allowed and makes it smaller. */
  sendMessage(opcode: number, message: Uint8Array, isCompressible: boolean): void {
    const compressed = isCompressible ? this.#deflate?.compress(message) : undefined;
    if (compressed === undefined) this.send(opcode, message);
    else this.send(RSV1 | opcode, compressed);
  }

  /** Sends a frame as it is. @param opcode with reserved bits, if there are any. */
  send(opcode: number, payload: Uint8Array): void {
    this.#owner.writeFrame(bufferOf(maskedFrame(FIN | opcode, payload, keys.next())));
  }

  /**
   * Sends a Close, unless one was sent or received.
   * @returns whether one was sent.
   * @throws CloseArgumentError if code or reason cannot be sent.
   */
  close(code: number, reason: string): boolean {
    const payload = this.#closing.begin(code, reason);
    if (payload === undefined) return false;
    this.send(Opcode.CLOSE, payload);
    return true;
  }

  /** To be called when what was queued has been taken by the system. */
  onDrain(): void {
    const payload = this.#pendingPong?.take();
    if (payload !== undefined && this.isOpen) this.send(Opcode.PONG, payload);
  }

  #onEvent(event: FrameEvent, reader: UnmaskedFrameReader): void {
    const { payload } = reader;
    switch (event) {
      case FrameEvent.MESSAGE:
        this.#owner.onMessage(this.#messageOf(reader));
        break;
      case FrameEvent.PING:
        if (this.isOpen) this.#onPing(payload);
        break;
      case FrameEvent.PONG:
        this.#owner.onPong(payload);
        break;
      case FrameEvent.CLOSE:
        this.#onCloseFrame(payload);
        break;
    }
  }

  /** The message that the reader has come to. @throws ProtocolError if it is compressed, and corrupt or too long. */
  #messageOf({ payload, firstByte, isBinary, ownsPayload }: UnmaskedFrameReader): ReceivedMessage {
    if (this.#deflate === undefined || (firstByte & RSV1) === 0) {
      return { payload, isBinary, ownsPayload, compressed: undefined };
    }
    const message = this.#deflate.decompress(payload, this.#maxPayloadBytes);
    if (!isBinary && !isUtf8(message)) throw notUtf8();
    return { payload: message, isBinary, ownsPayload: false, compressed: payload };
  }

  #onPing(payload: Uint8Array): void {
    this.#pendingPong ??= new PendingPong();
    const pong = this.#pendingPong.receive(payload, this.#owner.isOutputWaiting);
    if (pong !== undefined) this.send(Opcode.PONG, pong);
  }

  #onCloseFrame(payload: Uint8Array): void {
    const wasOpen = this.isOpen;
    const echo = this.#closing.receive(payload);
    if (echo !== undefined) this.send(Opcode.CLOSE, echo);
    this.#owner.onCloseFrame(wasOpen);
  }
}
