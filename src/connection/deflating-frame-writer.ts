import type { RoundMember } from '../compression/deflate-rounds.js';
import { DeflateWindow } from '../compression/deflate-window.js';
import type { Deflation } from '../compression/deflation.js';
import { LargeDeflate } from '../compression/large-deflate.js';
import { MIN_COST_BYTES } from '../compression/stretch.js';
import { WaitingQueue } from '../compression/waiting-queue.js';
import { NOT_SMALLER } from '../kernels/deflater.js';
import type { DeflateDirection } from '../protocol/deflate/agreement.js';
import { frameHeaderBytes, writeFrameHeader } from '../protocol/frame-header.js';
import { FIN, Opcode, RSV1 } from '../protocol/opcode.js';
import type { FrameMemory } from '../pubsub/frame-memory.js';
import type { SendData } from './connection.js';
import { DIRECT_WRITE_BYTES, type FrameWriter, type FrameWriterListener, NO_SLAB } from './frame-writer.js';
import { type GatherBuffer, NO_MESSAGE } from './gather-buffer.js';
import { LentMessage } from './message.js';
import type { MessageOutput } from './message-output.js';
import { payloadOf } from './payload.js';
import type { Turn } from './turn.js';
import type { Budget } from './write-queue.js';

/** In place of a first byte: no frame begins with it. */
const FRAMES = -1;

/** What waits to be sent behind a message that is being compressed, in memory of its own. */
interface Waiting {
  /** Of the frame of a message that is to be compressed; {@link FRAMES} if these are frames of others, encoded. */
  readonly firstByte: number;
  readonly bytes: Uint8Array;
  /** How many of the bytes are used. */
  length: number;
  /** Whether the window is to be forgotten behind these frames. */
  forgetsWindow: boolean;
}

/** Encoded frames that wait go to memory of this size first, in bytes; what follows, to twice as much, up to the second figure. */
const FIRST_FRAMES_BYTES = 512;
const MAX_FRAMES_BYTES = 64 * 1024;

/** What it takes beside its bytes that something waits. */
const OVERHEAD_BYTES = 200;

/** The connection, as its writer reports to it. */
export interface DeflatingListener extends FrameWriterListener {
  /** Called when something that has waited to be compressed waits no more. It may be appended to, or have ended. */
  onWritten(): void;
}

/** What the connections of a thread have in common for this. */
export interface DeflatingEnvironment {
  readonly gatherBuffer: GatherBuffer;
  readonly budget: Budget;
  readonly turn: Pick<Turn, 'begin' | 'end'>;
}

/**
 * The output of a connection that has agreed on permessage-deflate: compresses messages (RFC 7692 section 7.2.1) and leaves the rest to
 * a {@link FrameWriter}.
 *
 * Messages that are short enough are compressed at once. What would take longer than a connection may take at a stretch is copied, and
 * compressed in the background, see {@link Deflation.rounds}. Everything that is appended meanwhile waits behind it, also control frames,
 * publications and FIN. So messages are compressed in the order in which they are sent, which keeps the window the same as the
 * receiver's, and a message that is not sent was never compressed.
 *
 * Publications are compressed elsewhere, for all subscribers together and without history. They enter the receiver's window all the
 * same. So the window of this side is forgotten behind them, and the next message refers to nothing in front of it.
 */
export class DeflatingFrameWriter implements MessageOutput, RoundMember {
  readonly #writer: FrameWriter;
  readonly #listener: DeflatingListener;
  readonly #env: DeflatingEnvironment;
  readonly #deflation: Deflation;
  readonly #windowBits: number;
  /** What the receiver keeps of earlier messages; undefined if it keeps nothing. */
  readonly #window: DeflateWindow | undefined;
  /** How many bytes may be compressed until the connection has to wait for the next iteration of the event loop. */
  #bytesLeft = 0;
  /** In which iteration that was said. */
  #iteration = -1;
  /** The first may be compressed partly. */
  readonly #waiting = new WaitingQueue<Waiting>();
  #waitingBytes = 0;
  /** The longest message that waits to be compressed. When it has gone, the longest of those that come after that. */
  #longest: Waiting | undefined;
  /** The memory that it takes, as the budget knows it, and what the first was compressed to so far. */
  #heldBytes = 0;
  /** The compression of the first that waits, if it has begun. */
  #large: LargeDeflate | undefined;
  /** Whether FIN is to follow what waits. */
  #isEnding = false;
  #isInRounds = false;

  /** @param direction what was agreed on for what this side sends. */
  constructor(
    writer: FrameWriter,
    listener: DeflatingListener,
    env: DeflatingEnvironment,
    deflation: Deflation,
    { windowBits, contextTakeover }: DeflateDirection,
  ) {
    this.#writer = writer;
    this.#listener = listener;
    this.#env = env;
    this.#deflation = deflation;
    this.#windowBits = windowBits;
    this.#window = contextTakeover ? new DeflateWindow(deflation.windows, windowBits) : undefined;
  }

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes + this.#waitingBytes;
  }

  get queuedBytes(): number {
    return this.#writer.queuedBytes + this.#waitingBytes;
  }

  get isIdle(): boolean {
    return this.#writer.isIdle && !this.#isWaiting;
  }

  get isClear(): boolean {
    return this.#writer.isClear && !this.#isWaiting;
  }

  get #isWaiting(): boolean {
    return this.#waiting.first !== undefined;
  }

  owedWith(bytes: number): number {
    const { first } = this.#waiting;
    if (first === undefined) return this.#writer.owedWith(bytes);
    const longest = this.#longest ?? (first.firstByte === FRAMES ? undefined : first);
    const others = this.bufferedBytes - (longest?.length ?? 0);
    return this.#writer.isIdle ? others : others + (this.#large?.compressedBytes ?? 0) + bytes;
  }

  isAboveMark(): boolean {
    return this.#isWaiting ? this.bufferedBytes > this.#writer.highWaterMarkBytes : this.#writer.isAboveMark();
  }

  data(data: SendData, own: LentMessage | undefined, mayCompress: boolean): number {
    if (this.#isWaiting) return this.#waitWithData(data, mayCompress);
    if (!mayCompress) return this.#asItIs(data, own);
    if (typeof data === 'string') return this.#text(data);
    if (data instanceof LentMessage) {
      const { firstByte, bytes, start, length } = data.reported;
      return this.#compress(firstByte, bytes, start, length) ? length : this.#asItIs(data, own);
    }
    const payload = payloadOf(data);
    const { length } = payload;
    return this.#compress(FIN | Opcode.BINARY, payload, 0, length) ? length : this.#asItIs(data, own);
  }

  /** A message behind this one may have to be compressed: it is not to be appended without being asked about. */
  #asItIs(data: SendData, own: LentMessage | undefined): number {
    const length = this.#writer.data(data, own);
    this.#env.gatherBuffer.fastPathMessage = NO_MESSAGE;
    return length;
  }

  #text(text: string): number {
    const deflation = this.#deflation;
    const most = 3 * text.length; // at most three bytes a UTF-16 unit
    if (most < deflation.thresholdBytes) return this.#writer.frameOfString(FIN | Opcode.TEXT, text);
    if (most > deflation.pieceBytes) {
      const length = Buffer.byteLength(text);
      if (!this.#isLong(length)) return this.#writer.frameOfString(FIN | Opcode.TEXT, text);
      if (length > deflation.pieceBytes) return this.#waitWithData(text, true);
    }
    const length = deflation.write(text);
    const { bytes, inputStart } = deflation;
    if (!this.#compress(FIN | Opcode.TEXT, bytes, inputStart, length)) {
      this.#writer.frame(FIN | Opcode.TEXT, bytes, inputStart, length);
    }
    return length;
  }

  /** Compresses a message and appends it, now or later. @returns false if it is to be sent as it is, and nothing was appended. */
  #compress(firstByte: number, payload: Uint8Array, start: number, length: number): boolean {
    const deflation = this.#deflation;
    if (!this.#isLong(length)) return false;
    const iteration = deflation.rounds.iteration();
    if (iteration !== this.#iteration) {
      this.#iteration = iteration;
      this.#bytesLeft = deflation.stretchBytes;
    }
    if (length <= deflation.pieceBytes && length <= this.#bytesLeft) {
      return this.#compressNow(firstByte, payload, start, length);
    }
    this.#waitForCompression(firstByte, new Uint8Array(payload.subarray(start, start + length)));
    return true;
  }

  /** Compresses a message and appends it. @returns false if it is to be sent as it is, and nothing was appended. */
  #compressNow(firstByte: number, payload: Uint8Array, start: number, length: number): boolean {
    const deflation = this.#deflation;
    this.#bytesLeft -= Math.max(length, MIN_COST_BYTES);
    const compressedBytes = deflation.deflate(payload, start, length, this.#windowBits, this.#window);
    if (compressedBytes === NOT_SMALLER) return false;
    const { bytes, outputStart, vacated } = deflation;
    if (compressedBytes < DIRECT_WRITE_BYTES) {
      this.#writer.frame(firstByte | RSV1, bytes, outputStart, compressedBytes);
    } else {
      this.#writer.frameInPlace(firstByte | RSV1, outputStart, compressedBytes, vacated, NO_SLAB);
    }
    return true;
  }

  frame(firstByte: number, payload: Uint8Array, start: number, length: number): void {
    if (this.#isWaiting) this.#waitAsFrame(firstByte, payload, start, length);
    else this.#writer.frame(firstByte, payload, start, length);
  }

  frames(memory: FrameMemory, start: number, end: number): void {
    if (!this.#isWaiting) {
      this.#writer.frames(memory, start, end);
      return;
    }
    const frames = this.#framesWithRoom(end - start);
    frames.bytes.set(memory.bytes.subarray(start, end), frames.length);
    this.#noteFrames(frames, end - start);
  }

  forgetWindow(): void {
    if (this.#isWaiting) this.#framesWithRoom(0).forgetsWindow = true;
    else this.#window?.clear();
  }

  flush(): void {
    this.#writer.flush();
  }

  end(): void {
    if (this.#isWaiting) this.#isEnding = true;
    else this.#writer.end();
  }

  drop(): void {
    this.#writer.drop();
    this.#hold(-this.#heldBytes);
    this.#waiting.clear();
    this.#waitingBytes = 0;
    this.#longest = undefined;
    this.#large = undefined;
    this.#isEnding = false;
    this.#window?.release(); // nothing is sent any more
  }

  /** A copy of a message waits. @returns the length of its payload, in bytes */
  #waitWithData(data: SendData, mayCompress: boolean): number {
    if (data instanceof LentMessage) {
      const { firstByte, bytes, start, length } = data.reported;
      if (mayCompress && this.#isLong(length)) {
        this.#waitForCompression(firstByte, new Uint8Array(bytes.subarray(start, start + length)));
      } else {
        this.#waitAsFrame(firstByte, bytes, start, length);
      }
      return length;
    }
    if (typeof data === 'string') {
      const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(data));
      bytes.write(data);
      if (mayCompress && this.#isLong(bytes.length)) this.#waitForCompression(FIN | Opcode.TEXT, bytes);
      else this.#waitAsFrame(FIN | Opcode.TEXT, bytes, 0, bytes.length);
      return bytes.length;
    }
    const payload = payloadOf(data);
    if (mayCompress && this.#isLong(payload.length)) {
      this.#waitForCompression(FIN | Opcode.BINARY, new Uint8Array(payload));
    } else {
      this.#waitAsFrame(FIN | Opcode.BINARY, payload, 0, payload.length);
    }
    return payload.length;
  }

  #isLong(length: number): boolean {
    return length >= this.#deflation.thresholdBytes;
  }

  /** @param message must not change. */
  #waitForCompression(firstByte: number, message: Uint8Array): void {
    const { length } = message;
    const waiting = { firstByte, bytes: message, length, forgetsWindow: false };
    this.#wait(waiting);
    this.#waitingBytes += length;
    if (this.#longest === undefined || length > this.#longest.length) this.#longest = waiting;
  }

  #waitAsFrame(firstByte: number, payload: Uint8Array, start: number, length: number): void {
    const frameBytes = frameHeaderBytes(length) + length;
    const frames = this.#framesWithRoom(frameBytes);
    const at = writeFrameHeader(frames.bytes, frames.length, firstByte, length);
    frames.bytes.set(payload.subarray(start, start + length), at);
    this.#noteFrames(frames, frameBytes);
  }

  /** Where encoded frames are copied to: behind those that wait last, if there is room, so that many small ones cost little. */
  #framesWithRoom(needed: number): Waiting {
    const { last } = this.#waiting;
    const isBehindFrames = last !== undefined && last.firstByte === FRAMES;
    if (isBehindFrames && last.length + needed <= last.bytes.length) return last;
    const room = isBehindFrames ? Math.min(2 * last.bytes.length, MAX_FRAMES_BYTES) : FIRST_FRAMES_BYTES;
    const bytes = new Uint8Array(Math.max(room, needed));
    const frames = { firstByte: FRAMES, bytes, length: 0, forgetsWindow: false };
    this.#wait(frames);
    return frames;
  }

  #noteFrames(frames: Waiting, added: number): void {
    frames.length += added;
    this.#waitingBytes += added;
  }

  #wait(waiting: Waiting): void {
    // What was gathered before leaves now, as it would in front of a large message that is not compressed.
    if (!this.#isWaiting) this.#writer.flush();
    this.#listener.onOutput();
    this.#waiting.push(waiting);
    this.#hold(waiting.bytes.length + OVERHEAD_BYTES);
    if (this.#isInRounds) return;
    this.#isInRounds = true;
    this.#deflation.rounds.add(this);
  }

  /** Notes that so much memory is held more, or less. */
  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#env.budget.add(bytes);
  }

  goOn(): boolean {
    if (this.#isWaiting) this.#sendWaiting(); // else all of it was dropped
    this.#isInRounds = this.#isWaiting;
    return this.#isInRounds;
  }

  /** Sends what waits, until the connection has compressed as much as it may at a stretch. */
  #sendWaiting(): void {
    const { turn } = this.#env;
    this.#bytesLeft = this.#deflation.stretchBytes;
    turn.begin();
    try {
      let { first } = this.#waiting;
      while (first !== undefined && this.#send(first)) {
        this.#waiting.shift();
        first = this.#waiting.first;
      }
      this.#writer.flush();
      if (!this.#isWaiting && this.#isEnding) this.#writer.end();
    } finally {
      turn.end();
    }
    this.#listener.onWritten();
  }

  /** Sends one that waits. @returns false if the connection has to give way first */
  #send(waiting: Waiting): boolean {
    const { firstByte, bytes, length } = waiting;
    if (firstByte === FRAMES) {
      this.#noLongerWaits(waiting);
      if (length > 0) this.#writer.heldFrames(bytes.subarray(0, length));
      if (waiting.forgetsWindow) this.#window?.clear();
      return true;
    }
    if (length > this.#deflation.pieceBytes) return this.#sendLarge(waiting);
    if (length > this.#bytesLeft) return false;
    this.#noLongerWaits(waiting);
    if (!this.#compressNow(firstByte, bytes, 0, length)) this.#writer.frameOfParts(firstByte, [bytes], length);
    return true;
  }

  #sendLarge(waiting: Waiting): boolean {
    const deflation = this.#deflation;
    const { firstByte, bytes: message, length } = waiting;
    this.#large ??= new LargeDeflate(deflation.pieces(this.#windowBits, this.#window), message);
    const large = this.#large;
    while (!large.isOver) {
      if (this.#bytesLeft < deflation.pieceBytes) return false;
      this.#bytesLeft -= deflation.pieceBytes;
      const before = large.compressedBytes;
      large.goOn();
      this.#hold(large.compressedBytes - before);
    }
    this.#large = undefined;
    this.#hold(-large.compressedBytes);
    this.#noLongerWaits(waiting);
    if (large.isSmaller) {
      this.#writer.frameOfParts(firstByte | RSV1, large.parts, large.compressedBytes);
      this.#window?.add(message, 0, length);
      deflation.countLarge(length, large.compressedBytes);
    } else {
      this.#writer.frameOfParts(firstByte, [message], length);
    }
    return true;
  }

  #noLongerWaits(waiting: Waiting): void {
    if (waiting === this.#longest) this.#longest = undefined;
    this.#waitingBytes -= waiting.length;
    this.#hold(-waiting.bytes.length - OVERHEAD_BYTES);
  }
}
