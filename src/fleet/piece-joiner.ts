import type { FleetMessage } from './fleet-message.js';

/** How many messages may be incomplete at a time. */
const MAX_INCOMPLETE = 1024;
/** The first memory for a message, in bytes; it doubles with what has arrived. More would cost much for a first piece of one byte. */
const FIRST_BYTES = 1024;

export interface PieceJoinerOptions {
  /** The longest whole message, with the header of its frame, in bytes. */
  readonly maxBytes: number;
  /** How much memory all incomplete messages may take, in bytes. At least one message may always grow to `maxBytes`. */
  readonly maxMemoryBytes: number;
  /** An incomplete message that gets no piece for this long, in ms, is given up. */
  readonly timeoutMs: number;
  /** The present time, in ms. */
  now(): number;
  /** A message was given up, or its first piece says what cannot be. @param messages how many messages are lost. */
  onLost(messages: number): void;
}

/** A message of which some pieces have come. */
interface Incomplete {
  readonly serial: number;
  readonly pieces: number;
  readonly totalBytes: number;
  memory: Uint8Array;
  length: number;
  nextPiece: number;
  /** When the last piece came. */
  since: number;
}

/**
 * Joins messages that were cut into pieces. An engine brings the pieces of a message in their order, so one message of each origin and topic
 * is incomplete at a time, and a piece out of order ends it. Memory grows with bytes that have arrived, and never with those that a header
 * declares. If there is too much of it, the messages that have waited longest are given up.
 */
export class PieceJoiner {
  readonly #options: PieceJoinerOptions;
  /** By origin and topic. The one that got a piece last is the last. */
  readonly #incomplete = new Map<string, Incomplete>();
  #memoryBytes = 0;

  constructor(options: PieceJoinerOptions) {
    this.#options = options;
  }

  /** How many messages are incomplete. */
  get size(): number {
    return this.#incomplete.size;
  }

  /** How much memory they take, in bytes. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /**
   * Takes a piece.
   * @returns the frame if this was its last piece.
   */
  add(topic: string, message: FleetMessage): Uint8Array | undefined {
    this.expire();
    const key = `${message.origin}${topic}`; // all origins have the same length
    let incomplete = this.#incomplete.get(key);
    if (incomplete !== undefined && !isNext(incomplete, message)) {
      this.#giveUp(key, incomplete);
      incomplete = undefined;
    }
    if (incomplete === undefined) {
      // A later piece alone is no loss: its message was counted when it was given up, or began before this server had subscribed.
      if (message.piece > 0) return undefined;
      incomplete = this.#begin(message);
      if (incomplete === undefined) {
        this.#options.onLost(1);
        return undefined;
      }
    }
    this.#incomplete.delete(key);
    this.#append(incomplete, message.frames);
    if (incomplete.nextPiece === incomplete.pieces) {
      this.#memoryBytes -= incomplete.memory.length;
      return incomplete.memory.subarray(0, incomplete.length);
    }
    incomplete.since = this.#options.now();
    this.#incomplete.set(key, incomplete);
    return undefined;
  }

  /** Gives up the messages that have got no piece for too long. */
  expire(): void {
    if (this.#incomplete.size === 0) return;
    const before = this.#options.now() - this.#options.timeoutMs;
    for (const [key, incomplete] of this.#incomplete) {
      if (incomplete.since > before) return;
      this.#giveUp(key, incomplete);
    }
  }

  /** Forgets all incomplete messages, without counting them as lost: the connection is over, and nobody knows what was lost with it. */
  reset(): void {
    this.#incomplete.clear();
    this.#memoryBytes = 0;
  }

  #begin(message: FleetMessage): Incomplete | undefined {
    const { serial, pieces, totalBytes, messages } = message;
    const isPossible = messages === 1 && pieces <= totalBytes && totalBytes <= this.#options.maxBytes;
    const incomplete = { serial, pieces, totalBytes, memory: NOTHING, length: 0, nextPiece: 0, since: 0 };
    if (!isPossible || !isNext(incomplete, message)) return undefined;
    if (this.#incomplete.size >= MAX_INCOMPLETE) this.#giveUpOldest();
    return incomplete;
  }

  #append(incomplete: Incomplete, bytes: Uint8Array): void {
    const length = incomplete.length + bytes.length;
    if (length > incomplete.memory.length) {
      const capacity = Math.min(Math.max(length, 2 * incomplete.memory.length, FIRST_BYTES), incomplete.totalBytes);
      const more = capacity - incomplete.memory.length;
      while (this.#memoryBytes + more > this.#options.maxMemoryBytes && this.#incomplete.size > 0) this.#giveUpOldest();
      const memory = new Uint8Array(capacity);
      memory.set(incomplete.memory.subarray(0, incomplete.length));
      incomplete.memory = memory;
      this.#memoryBytes += more;
    }
    incomplete.memory.set(bytes, incomplete.length);
    incomplete.length = length;
    incomplete.nextPiece++;
  }

  #giveUpOldest(): void {
    for (const [key, incomplete] of this.#incomplete) {
      this.#giveUp(key, incomplete);
      return;
    }
  }

  #giveUp(key: string, incomplete: Incomplete): void {
    this.#incomplete.delete(key);
    this.#memoryBytes -= incomplete.memory.length;
    this.#options.onLost(1);
  }
}

const NOTHING = new Uint8Array(0);

/** Whether a piece follows those that have come, and leaves at least a byte for each that is to come. */
function isNext(incomplete: Incomplete, { serial, piece, pieces, totalBytes, frames }: FleetMessage): boolean {
  if (serial !== incomplete.serial || pieces !== incomplete.pieces || totalBytes !== incomplete.totalBytes)
    return false;
  if (piece !== incomplete.nextPiece || frames.length === 0) return false;
  const piecesLeft = pieces - piece - 1;
  const bytesLeft = totalBytes - incomplete.length - frames.length;
  return piecesLeft === 0 ? bytesLeft === 0 : bytesLeft >= piecesLeft;
}
