import { checkMessageFrames, type FrameFlaw } from '../protocol/message-frames.js';
import { MAX_SERVER_HEADER_BYTES } from '../protocol/frame-header.js';
import { type HeaderFlaw, originName, readFleetMessage } from './fleet-message.js';
import { PieceJoiner } from './piece-joiner.js';

/**
 * How much memory incomplete messages may take: that of four longest messages, but no more than this, in bytes, unless one takes more.
 */
const MAX_INCOMPLETE_MESSAGES = 4;
const MAX_INCOMPLETE_BYTES = 256 * 1024 * 1024;
/** How long an incomplete message waits for its next piece, in ms. */
const PIECE_TIMEOUT_MS = 10_000;

/** A longer lag than this, in ms, says that a clock is wrong. */
const MAX_LAG_MS = 24 * 60 * 60 * 1000;

/** The shortest frame, in bytes. */
const LEAST_FRAME_BYTES = 2;

/**
 * Why a message was refused: it is not of the fleet, or of another version of the format; its header and its frames contradict each other; its
 * pieces did not come as they should; or a flaw of its frames.
 */
export type RefusalReason = HeaderFlaw | 'count' | 'pieces' | FrameFlaw;

export interface FleetReceiverOptions {
  /** The origin of this server: its own messages are dropped. */
  readonly origin: Uint8Array;
  /** The longest payload that this server takes. */
  readonly maxPayloadBytes: number;
  /** The present time, in ms since 1970. */
  now(): number;
  /** Whether `[start, end)` of the bytes is UTF-8. */
  validateText(bytes: Uint8Array, start: number, end: number): boolean;
}

export interface FleetReceiverListener {
  /**
   * Right frames of other servers, for subscribers of a topic here.
   * @param frames valid during the call.
   * @param messages how many they are.
   * @param lagMs how long ago they were published, in whole ms, by the clocks of both machines; 0 if these contradict each other, or
   * differ by more than a day.
   * @param mayCompress whether they may be compressed for clients.
   */
  onFrames(topic: string, frames: Uint8Array, messages: number, lagMs: number, mayCompress: boolean): void;
  /** Something was dropped that is not right. @param messages how many messages it was, as far as can be told. */
  onRefused(messages: number, why: RefusalReason): void;
}

/**
 * Takes what comes from one engine. Nothing of it is trusted, because clients get it as it is: a wrong frame or a text that is not UTF-8 would
 * make them close. It joins pieces, drops what this server has published itself, and checks all frames before any is used.
 */
export class FleetReceiver {
  readonly #origin: string;
  readonly #options: FleetReceiverOptions;
  readonly #listener: FleetReceiverListener;
  readonly #joiner: PieceJoiner;

  constructor(options: FleetReceiverOptions, listener: FleetReceiverListener) {
    this.#origin = originName(options.origin);
    this.#options = options;
    this.#listener = listener;
    const maxBytes = MAX_SERVER_HEADER_BYTES + options.maxPayloadBytes;
    this.#joiner = new PieceJoiner({
      maxBytes,
      maxMemoryBytes: Math.max(maxBytes, Math.min(MAX_INCOMPLETE_MESSAGES * maxBytes, MAX_INCOMPLETE_BYTES)),
      timeoutMs: PIECE_TIMEOUT_MS,
      now: () => options.now(),
      onLost: (messages) => listener.onRefused(messages, 'pieces'),
    });
  }

  /** Whether pieces wait for others. Then {@link expire} should be called from time to time. */
  get isJoining(): boolean {
    return this.#joiner.size > 0;
  }

  /** Takes a message of the engine. */
  receive(topic: string, bytes: Uint8Array): void {
    const message = readFleetMessage(bytes);
    if (typeof message === 'string') {
      this.#listener.onRefused(1, message);
      return;
    }
    if (message.origin === this.#origin) return;
    const { pieces, piece, messages, totalBytes, timestamp } = message;
    if (pieces > 1) {
      const frame = this.#joiner.add(topic, message);
      if (frame !== undefined) this.#take(topic, frame, 1, timestamp, message.mayCompress);
    } else if (pieces === 0 || piece > 0 || messages === 0 || totalBytes !== message.frames.length) {
      this.#refuse(messages, message.frames, 'count');
    } else {
      this.#take(topic, message.frames, messages, timestamp, message.mayCompress);
    }
  }

  /** Gives up messages that have waited too long for their next piece. */
  expire(): void {
    this.#joiner.expire();
  }

  /** To be called when the connection is over: pieces that wait for others are dropped. */
  reset(): void {
    this.#joiner.reset();
  }

  #take(topic: string, frames: Uint8Array, messages: number, timestamp: number, mayCompress: boolean): void {
    const { maxPayloadBytes, validateText, now } = this.#options;
    const found = checkMessageFrames(frames, 0, frames.length, maxPayloadBytes, validateText);
    if (found !== messages) {
      this.#refuse(messages, frames, typeof found === 'string' ? found : 'count');
      return;
    }
    const lagMs = Math.floor(now() - timestamp);
    this.#listener.onFrames(topic, frames, messages, lagMs > 0 && lagMs <= MAX_LAG_MS ? lagMs : 0, mayCompress);
  }

  #refuse(messages: number, frames: Uint8Array, why: RefusalReason): void {
    const most = Math.floor(frames.length / LEAST_FRAME_BYTES); // whatever the header says
    this.#listener.onRefused(Math.max(1, Math.min(messages, most)), why);
  }
}
