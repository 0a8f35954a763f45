import type { RoundMember } from '../compression/deflate-rounds.js';
import type { Deflation } from '../compression/deflation.js';
import { LargeDeflate } from '../compression/large-deflate.js';
import { SentWindow } from '../compression/sent-window.js';
import { NOT_SMALLER } from '../kernels/deflater.js';
import type { DeflateDirection } from '../protocol/deflate/agreement.js';
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

/** What waits to be sent behind a message that is being compressed, in memory of its own. */
interface Waiting {
  /** Of its frame; {@link FRAMES} if these are frames already. */
  readonly firstByte: number;
  readonly bytes: Uint8Array;
  readonly mayCompress: boolean;
}

/** In place of a first byte: no frame begins with it. */
const FRAMES = -1;

/** The connection, as its writer reports to it. */
export interface DeflatingListener extends FrameWriterListener {
  /** Called when something that has waited to be compressed waits no more. It may be appended to, or have ended. */
  onWritten(): void;
}

/** What the connections of a thread have in common for this. */
export interface DeflatingEnvironment {
  readonly deflation: Deflation;
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
 */
export class DeflatingFrameWriter implements MessageOutput, RoundMember {
  readonly #writer: FrameWriter;
  readonly #listener: DeflatingListener;
  readonly #env: DeflatingEnvironment;
  readonly #windowBits: number;
  /** What the receiver keeps of earlier messages; undefined if it keeps nothing. */
  readonly #window: SentWindow | undefined;
  /** How many bytes may be compressed until the connection has to wait for the next iteration of the event loop. */
  #bytesLeft: number;
  /** The first may be compressed partly. */
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
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
    { windowBits, contextTakeover }: DeflateDirection,
  ) {
    this.#writer = writer;
    this.#listener = listener;
    this.#env = env;
    this.#windowBits = windowBits;
    this.#window = contextTakeover ? new SentWindow(windowBits) : undefined;
    this.#bytesLeft = env.deflation.stretchBytes;
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
    return this.#waiting.length > 0;
  }

  isAboveMark(): boolean {
    return this.#isWaiting ? this.bufferedBytes > this.#writer.highWaterMarkBytes : this.#writer.isAboveMark();
  }

  data(data: SendData, own: LentMessage | undefined, mayCompress: boolean): void {
    if (this.#isWaiting) {
      this.#waitWithData(data, mayCompress);
    } else if (!mayCompress) {
      this.#asItIs(data, own);
    } else if (typeof data === 'string') {
      this.#text(data);
    } else if (data instanceof LentMessage) {
      const { firstByte, bytes, start, length } = data.reported;
      if (!this.#compress(firstByte, bytes, start, length)) this.#asItIs(data, own);
    } else {
      const payload = payloadOf(data);
      if (!this.#compress(FIN | Opcode.BINARY, payload, 0, payload.length)) this.#asItIs(data, own);
    }
  }

  /** A message behind this one may have to be compressed: it is not to be appended without being asked about. */
  #asItIs(data: SendData, own: LentMessage | undefined): void {
    this.#writer.data(data, own);
    this.#env.gatherBuffer.fastPathMessage = NO_MESSAGE;
  }

  #text(text: string): void {
    const { deflation } = this.#env;
    const most = 3 * text.length; // at most three bytes a UTF-16 unit
    if (most < deflation.thresholdBytes) {
      this.#writer.frameOfString(FIN | Opcode.TEXT, text);
      return;
    }
    if (most > deflation.pieceBytes && Buffer.byteLength(text) > deflation.pieceBytes) {
      this.#waitWithData(text, true);
      return;
    }
    const length = deflation.write(text);
    const { bytes, inputStart } = deflation;
    if (this.#compress(FIN | Opcode.TEXT, bytes, inputStart, length)) return;
    this.#writer.frame(FIN | Opcode.TEXT, bytes, inputStart, length);
  }

  /** Compresses a message and appends it, now or later. @returns false if it is to be sent as it is, and nothing was appended. */
  #compress(firstByte: number, payload: Uint8Array, start: number, length: number): boolean {
    const { deflation } = this.#env;
    if (length < deflation.thresholdBytes) return false;
    if (length <= deflation.pieceBytes && length <= this.#bytesLeft) {
      return this.#compressNow(firstByte, payload, start, length);
    }
    this.#wait(firstByte, copyOf(payload, start, length), true);
    return true;
  }

  /** Compresses a message and appends it. @returns false if it is to be sent as it is, and nothing was appended. */
  #compressNow(firstByte: number, payload: Uint8Array, start: number, length: number): boolean {
    const { deflation } = this.#env;
    this.#bytesLeft -= length;
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
    if (this.#isWaiting) this.#wait(firstByte, copyOf(payload, start, length), false);
    else this.#writer.frame(firstByte, payload, start, length);
  }

  frames(memory: FrameMemory, start: number, end: number): void {
    if (this.#isWaiting) this.#wait(FRAMES, copyOf(memory.bytes, start, end - start), false);
    else this.#writer.frames(memory, start, end);
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
    this.#env.budget.add(-this.#waitingBytes - (this.#large?.compressedBytes ?? 0));
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#large = undefined;
    this.#isEnding = false;
  }

  #waitWithData(data: SendData, mayCompress: boolean): void {
    if (data instanceof LentMessage) {
      const { firstByte, bytes, start, length } = data.reported;
      this.#wait(firstByte, copyOf(bytes, start, length), mayCompress);
    } else if (typeof data === 'string') {
      this.#wait(FIN | Opcode.TEXT, copyOfText(data), mayCompress);
    } else {
      const payload = payloadOf(data);
      this.#wait(FIN | Opcode.BINARY, copyOf(payload, 0, payload.length), mayCompress);
    }
  }

  #wait(firstByte: number, bytes: Uint8Array, mayCompress: boolean): void {
    this.#listener.onOutput();
    this.#waiting.push({ firstByte, bytes, mayCompress });
    this.#waitingBytes += bytes.length;
    this.#env.budget.add(bytes.length);
    if (this.#isInRounds) return;
    this.#isInRounds = true;
    this.#env.deflation.rounds.add(this);
  }

  goOn(): boolean {
    if (this.#isWaiting) this.#sendWaiting(); // else all of it was dropped
    this.#isInRounds = this.#isWaiting;
    return this.#isInRounds;
  }

  /** Sends what waits, until the connection has compressed as much as it may at a stretch. */
  #sendWaiting(): void {
    const { turn, deflation } = this.#env;
    this.#bytesLeft = deflation.stretchBytes;
    turn.begin();
    try {
      let first = this.#waiting[0];
      while (first !== undefined && this.#send(first)) {
        this.#waiting.shift();
        first = this.#waiting[0];
      }
      this.#writer.flush();
      if (!this.#isWaiting && this.#isEnding) this.#writer.end();
    } finally {
      turn.end();
    }
    this.#listener.onWritten();
  }

  /** Sends one that waits. @returns false if the connection has to give way first */
  #send({ firstByte, bytes, mayCompress }: Waiting): boolean {
    const { length } = bytes;
    const { thresholdBytes, pieceBytes } = this.#env.deflation;
    if (mayCompress && length > pieceBytes) return this.#sendLarge(firstByte, bytes);
    const isCompressed = mayCompress && length >= thresholdBytes;
    if (isCompressed && length > this.#bytesLeft) return false;
    this.#noLongerWaits(length);
    if (isCompressed && this.#compressNow(firstByte, bytes, 0, length)) return true;
    if (firstByte === FRAMES) this.#writer.heldFrames(bytes);
    else this.#writer.frameOfParts(firstByte, [bytes], length);
    return true;
  }

  #sendLarge(firstByte: number, message: Uint8Array): boolean {
    const { deflation, budget } = this.#env;
    this.#large ??= new LargeDeflate(deflation, message, this.#windowBits, this.#window);
    const large = this.#large;
    while (!large.isOver) {
      if (this.#bytesLeft < deflation.pieceBytes) return false;
      this.#bytesLeft -= deflation.pieceBytes;
      const before = large.compressedBytes;
      large.goOn();
      budget.add(large.compressedBytes - before);
    }
    this.#large = undefined;
    budget.add(-large.compressedBytes);
    this.#noLongerWaits(message.length);
    if (large.isSmaller) {
      this.#writer.frameOfParts(firstByte | RSV1, large.parts, large.compressedBytes);
      this.#window?.add(message, 0, message.length);
    } else {
      this.#writer.frameOfParts(firstByte, [message], message.length);
    }
    return true;
  }

  #noLongerWaits(bytes: number): void {
    this.#waitingBytes -= bytes;
    this.#env.budget.add(-bytes);
  }
}

/** Not of Buffer's pool, all of which it would hold. */
function copyOf(bytes: Uint8Array, start: number, length: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, start + length));
}

function copyOfText(text: string): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
