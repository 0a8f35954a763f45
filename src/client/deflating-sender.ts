import type { RoundMember } from '../compression/deflate-rounds.js';
import type { LargeDeflate } from '../compression/large-deflate.js';
import { MIN_COST_BYTES } from '../compression/stretch.js';
import { WaitingQueue } from '../compression/waiting-queue.js';
import { MaskedFrame } from '../protocol/client-frame.js';
import { RSV1 } from '../protocol/opcode.js';
import type { MaskingKeys } from './masking-keys.js';
import type { MessageDeflate } from './message-deflate.js';

/** What frames are written by. */
export interface FrameSink {
  /** Writes a frame whose payload is not masked yet. */
  send(firstByte: number, payload: Uint8Array): void;
  /** Writes a frame, or queues it. */
  writeFrame(frame: Uint8Array): void;
  /** Nothing waits to be compressed any more. */
  onWritten(): void;
}

/** A message or a frame that waits. */
interface Waiting {
  readonly firstByte: number;
  /** Nobody else has this memory. */
  readonly payload: Uint8Array;
  readonly isCompressible: boolean;
}

/** What it takes to mask and copy a byte, as a part of what it takes to compress it, at most. */
const MASKING_SHARE = 1 / 4;
/** How much of a frame is masked and copied at a time, in bytes. */
const MASKED_BYTES = 128 * 1024;

/**
 * Sends the messages and frames of a connection in their order, where compression is agreed on. Messages that are short enough are
 * compressed at once. What would take longer than 2 ms at a stretch is copied, and compressed in the next iterations of the event loop;
 * everything that is sent meanwhile waits behind it.
 */
export class DeflatingSender implements RoundMember {
  /** How many bytes of messages and frames wait. */
  waitingBytes = 0;
  readonly #deflate: MessageDeflate;
  readonly #keys: MaskingKeys;
  readonly #sink: FrameSink;
  readonly #waiting = new WaitingQueue<Waiting>();
  #isInRounds = false;
  /** How many bytes may be compressed until the connection has to wait for the next iteration of the event loop. */
  #bytesLeft: number;
  /** Of the first that waits: its compression, what it has come to, and its frame, as far as they are begun. */
  #large: LargeDeflate | undefined;
  #parts: Uint8Array[] = [];
  #frame: MaskedFrame | undefined;

  constructor(deflate: MessageDeflate, keys: MaskingKeys, sink: FrameSink) {
    this.#deflate = deflate;
    this.#keys = keys;
    this.#sink = sink;
    this.#bytesLeft = deflate.stretch.stretchBytes;
  }

  /** Whether something waits. */
  get isWaiting(): boolean {
    return this.#waiting.first !== undefined;
  }

  /** Sends a message, in one frame. */
  message(firstByte: number, message: Uint8Array): void {
    const { length } = message;
    const { stretch } = this.#deflate;
    if (!this.#deflate.accepts(length)) {
      this.frame(firstByte, message);
    } else if (this.isWaiting || length > stretch.pieceBytes || length > this.#bytesLeft) {
      this.#wait({ firstByte, payload: new Uint8Array(message), isCompressible: true });
    } else {
      this.#compress(firstByte, message);
    }
  }

  /** Sends a frame as it is. */
  frame(firstByte: number, payload: Uint8Array): void {
    if (this.isWaiting) this.#wait({ firstByte, payload: new Uint8Array(payload), isCompressible: false });
    else this.#sink.send(firstByte, payload);
  }

  /** Nothing of what waits is sent any more. */
  drop(): void {
    this.#waiting.clear();
    this.waitingBytes = 0;
    this.#large = undefined;
    this.#frame = undefined;
    this.#parts = [];
  }

  goOn(): boolean {
    if (this.isWaiting) {
      this.#bytesLeft = this.#deflate.stretch.stretchBytes;
      for (let { first } = this.#waiting; first !== undefined && this.#send(first); first = this.#waiting.first) {
        this.#waiting.shift();
        this.waitingBytes -= first.payload.length;
      }
      if (!this.isWaiting) this.#sink.onWritten();
    }
    this.#isInRounds = this.isWaiting;
    return this.#isInRounds;
  }

  #wait(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.waitingBytes += waiting.payload.length;
    if (this.#isInRounds) return;
    this.#isInRounds = true;
    this.#deflate.rounds.add(this);
  }

  #compress(firstByte: number, message: Uint8Array): void {
    this.#bytesLeft -= Math.max(message.length, MIN_COST_BYTES);
    const compressed = this.#deflate.compress(message);
    if (compressed === undefined) this.#sink.send(firstByte, message);
    else this.#sink.send(RSV1 | firstByte, compressed);
  }

  /** Sends one that waits. @returns false if the connection has to give way first. */
  #send({ firstByte, payload, isCompressible }: Waiting): boolean {
    if (!isCompressible) {
      this.#sink.send(firstByte, payload);
      return true;
    }
    if (payload.length > this.#deflate.stretch.pieceBytes) return this.#sendLarge(firstByte, payload);
    if (payload.length > this.#bytesLeft) return false;
    this.#compress(firstByte, payload);
    return true;
  }

  #sendLarge(firstByte: number, message: Uint8Array): boolean {
    if (this.#frame === undefined && !this.#compressLarge(firstByte, message)) return false;
    const frame = this.#frame as unknown as MaskedFrame; // it is made when the message is compressed
    for (let part = this.#parts[0]; part !== undefined; part = this.#parts[0]) {
      if (this.#bytesLeft <= 0) return false;
      this.#bytesLeft -= part.length * MASKING_SHARE;
      frame.append(part);
      this.#parts.shift();
    }
    this.#frame = undefined;
    this.#sink.writeFrame(frame.bytes);
    return true;
  }

  /** @returns false if there is more to compress. */
  #compressLarge(firstByte: number, message: Uint8Array): boolean {
    const { pieceBytes } = this.#deflate.stretch;
    this.#large ??= this.#deflate.compressLarge(message);
    const large = this.#large;
    while (!large.isOver) {
      if (this.#bytesLeft < pieceBytes) return false;
      this.#bytesLeft -= pieceBytes;
      large.goOn();
    }
    this.#large = undefined;
    const { isSmaller } = large;
    if (isSmaller) this.#deflate.noteSent(message);
    this.#parts = isSmaller ? [...large.parts] : partsOf(message);
    const length = isSmaller ? large.compressedBytes : message.length;
    this.#frame = new MaskedFrame(isSmaller ? RSV1 | firstByte : firstByte, length, this.#keys.next());
    return true;
  }
}

function partsOf(message: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += MASKED_BYTES) parts.push(message.subarray(at, at + MASKED_BYTES));
  return parts;
}
