import { isUtf8 } from 'node:buffer';
import { maskedFrame } from '../protocol/client-frame.js';
import { ClosingHandshake, ClosingState } from '../protocol/closing-handshake.js';
import { FrameEvent } from '../protocol/frame-event.js';
import { FIN, Opcode, RSV1 } from '../protocol/opcode.js';
import { PendingPong } from '../protocol/pending-pong.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import { type ReaderPlatform, UnmaskedFrameReader } from '../protocol/unmasked-frame-reader.js';
import { bufferOf } from './buffer-of.js';
import type { Decompression } from './decompression.js';
import { DeflatingSender } from './deflating-sender.js';
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
  /** What has waited to be compressed is written: see {@link ClientSession.isWaiting}. */
  onWritten(): void;
  /** Nothing more is to be read until {@link releaseInput}: messages that have come are being decompressed. */
  holdInput(): void;
  releaseInput(): void;
  /** A message has come. */
  onMessage(message: ReceivedMessage): void;
  /** @param payload is overwritten by the next read. */
  onPong(payload: Uint8Array): void;
  /** The server's Close has come, and has been answered. @param wasOpen whether this side had not begun to close. */
  onCloseFrame(wasOpen: boolean): void;
  /** The server has broken the protocol, and a Close with the reason was written to it. */
  onViolation(error: ProtocolError): void;
}

/** After so many ms of decompressing, a connection goes on in the next iteration of the event loop. A step takes 0.5 ms at most. */
const STRETCH_MS = 1;

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
  /** Undefined if nothing is compressed. */
  #sender: DeflatingSender | undefined;
  /** The compressed message that has come last, while it is decompressed. */
  #decompression: Decompression | undefined;
  /** Whether what was fed is not handled yet, because messages of it take long to decompress. What is fed meanwhile is kept. */
  #isHeld = false;
  #unread: Uint8Array[] = [];

  /** @param maxPayloadBytes of a message that the server sends, its fragments in sum. */
  constructor(owner: SessionOwner, maxPayloadBytes: number) {
    this.#owner = owner;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Compresses and decompresses messages from now on. To be called before the first bytes are fed. */
  useDeflate(deflate: MessageDeflate): void {
    this.#deflate = deflate;
    this.#sender = new DeflatingSender(deflate, keys, {
      send: (firstByte, payload) => this.#write(firstByte, payload),
      writeFrame: (frame) => this.#owner.writeFrame(bufferOf(frame)),
      onWritten: () => this.#owner.onWritten(),
    });
  }

  /** Whether a message waits to be compressed, and maybe frames behind it. */
  get isWaiting(): boolean {
    return this.#sender?.isWaiting === true;
  }

  /** How many bytes of messages and frames wait to be compressed, or behind such a message. */
  get waitingBytes(): number {
    return this.#sender?.waitingBytes ?? 0;
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
    return this.#isHeld || this.#reader?.isMidway === true;
  }

  /**
   * Takes what one read has brought. A violation of the protocol goes to {@link SessionOwner.onViolation}.
   * @throws what a method of the owner throws.
   */
  feed(read: Uint8Array): void {
    if (this.#closing.isFinished) return;
    this.#reader ??= new UnmaskedFrameReader(NODE, this.#maxPayloadBytes, this.#deflate === undefined ? 0 : RSV1);
    if (this.#isHeld) {
      this.#unread.push(new Uint8Array(read));
      return;
    }
    this.#reader.feed(read);
    this.#handle(this.#reader);
  }

  /** Forgets what waits to be compressed or decompressed. To be called when the connection is over. */
  drop(): void {
    this.#sender?.drop();
    this.#forgetInput();
  }

  /** Handles what was fed, until all of it is done, or the connection is over, or has to give way. */
  #handle(reader: UnmaskedFrameReader): void {
    let endsAt = Number.NEGATIVE_INFINITY;
    try {
      while (!this.#closing.isFinished) {
        if (this.#deflate !== undefined && this.#decompression !== undefined) {
          const { now } = this.#deflate;
          if (endsAt < 0) endsAt = now() + STRETCH_MS;
          this.#goOnDecompressing(this.#decompression, reader);
          if (now() < endsAt) continue;
          this.#hold(reader, this.#deflate);
          return;
        }
        const event = reader.next();
        if (event !== FrameEvent.NONE) {
          this.#onEvent(event, reader);
          continue;
        }
        const unread = this.#unread.shift();
        if (unread === undefined) break;
        reader.feed(unread);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#sender?.drop();
      const payload = this.#closing.fail(error.closeCode, '');
      if (payload !== undefined) this.send(Opcode.CLOSE, payload);
      this.#owner.onViolation(error);
    }
    if (this.#closing.isFinished) this.#forgetInput();
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#owner.releaseInput();
  }

  /** Goes on with what was fed in the next iteration of the event loop. */
  #hold(reader: UnmaskedFrameReader, { rounds }: MessageDeflate): void {
    if (this.#isHeld) return; // it is, and the rounds know
    this.#isHeld = true;
    if (!reader.ownsPayload) this.#decompression?.keepInput();
    reader.keepUnread();
    this.#owner.holdInput();
    rounds.add({
      goOn: () => {
        this.#handle(reader);
        return this.#isHeld;
      },
    });
  }

  #forgetInput(): void {
    this.#decompression?.release();
    this.#decompression = undefined;
    this.#unread = [];
  }

  /** Sends a message in one frame: compressed, if that was agreed on, is allowed and makes it smaller. */
  sendMessage(opcode: number, message: Uint8Array, isCompressible: boolean): void {
    if (isCompressible && this.#sender !== undefined) this.#sender.message(FIN | opcode, message);
    else this.send(opcode, message);
  }

  /** Sends a frame as it is. */
  send(opcode: number, payload: Uint8Array): void {
    if (this.#sender === undefined) this.#write(FIN | opcode, payload);
    else this.#sender.frame(FIN | opcode, payload);
  }

  #write(firstByte: number, payload: Uint8Array): void {
    this.#owner.writeFrame(bufferOf(maskedFrame(firstByte, payload, keys.next())));
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
        this.#onMessage(reader);
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

  /** The reader has come to a message. One that is compressed is reported when it is decompressed. */
  #onMessage({ payload, firstByte, isBinary, ownsPayload }: UnmaskedFrameReader): void {
    if (this.#deflate === undefined || (firstByte & RSV1) === 0) {
      this.#owner.onMessage({ payload, isBinary, ownsPayload, compressed: undefined });
      return;
    }
    this.#decompression = this.#deflate.decompress(payload, !isBinary, this.#maxPayloadBytes);
  }

  /**
   * Decompresses a part of a message, and reports it if it is whole.
   * @throws ProtocolError if it is corrupt, too long, or not UTF-8 though it is text.
   */
  #goOnDecompressing(decompression: Decompression, { isBinary }: UnmaskedFrameReader): void {
    if (!decompression.step()) return;
    this.#decompression = undefined;
    const { message, ownsMessage, compressed } = decompression;
    this.#owner.onMessage({ payload: message, isBinary, ownsPayload: ownsMessage, compressed });
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
