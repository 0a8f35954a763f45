import { checkMessageFrames, type FrameFlaw } from '../protocol/message-frames.js';
import { MAX_SERVER_HEADER_BYTES } from '../protocol/frame-header.js';
import { type Envelope, type HeaderFlaw, originName, readEnvelope } from './envelope.js';
import type { FleetPublication } from './fleet-publication.js';
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
 * Why an envelope was refused: it is none, or of another version of the format; its header and its frames contradict each other; its pieces did
 * not come as they should; or a flaw of its frames.
 */
export type RefusalReason = HeaderFlaw | 'count' | 'pieces' | FrameFlaw;

export interface FleetReceiverOptions {
  /** The origin of this server: its own messages are dropped. */
  readonly origin: Uint8Array;
  /** The longest payload that this server takes. */
  readonly maxPayloadBytes: number;
  /** The present time, in ms since 1970. */
  now(): number;
  /** The present time in ms, by a clock that nobody sets. */
  clock(): number;
  /** Whether `[start, end)` of the bytes is UTF-8. */
  validateText(bytes: Uint8Array, start: number, end: number): boolean;
}

export interface FleetReceiverListener {
  /**
   * Right messages of another server, for subscribers here.
   * @param publication its frames are valid during the call.
   * @param lagMs how long ago they were published, in whole ms, by the clocks of both machines; 0 if these contradict each other, or
   * differ by more than a day.
   */
  onPublication(publication: FleetPublication, lagMs: number): void;
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
      now: () => options.clock(),
      onLost: (messages) => listener.onRefused(messages, 'pieces'),
    });
  }

  /** Whether pieces wait for others. Then {@link expire} should be called from time to time. */
  get isJoining(): boolean {
    return this.#joiner.size > 0;
  }

  /** Takes what the engine has brought. */
  receive(topic: string, bytes: Uint8Array): void {
    const envelope = readEnvelope(bytes);
    if (typeof envelope === 'string') {
      this.#listener.onRefused(1, envelope);
      return;
    }
    if (envelope.origin === this.#origin) return;
    const { pieces, piece, messages, totalBytes, frames } = envelope;
    if (pieces > 1) {
      const frame = this.#joiner.add(topic, envelope);
      if (frame !== undefined) this.#take(topic, envelope, frame);
    } else if (pieces === 0 || piece > 0 || messages === 0 || totalBytes !== frames.length) {
      this.#refuse(messages, frames, 'count');
    } else {
      this.#take(topic, envelope, frames);
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

  /** @param envelope the last one, if the message has come in pieces. @param frames what was in it, or in all of them. */
  #take(topic: string, { messages, timestamp, mayCompress }: Envelope, frames: Uint8Array): void {
    const { maxPayloadBytes, validateText, now } = this.#options;
    const found = checkMessageFrames(frames, 0, frames.length, maxPayloadBytes, validateText);
    if (found !== messages) {
      this.#refuse(messages, frames, typeof found === 'string' ? found : 'count');
      return;
    }
    const lagMs = Math.floor(now() - timestamp);
    const isLag = lagMs > 0 && lagMs <= MAX_LAG_MS;
    this.#listener.onPublication({ topic, frames, messages, mayCompress }, isLag ? lagMs : 0);
  }

  #refuse(messages: number, frames: Uint8Array, why: RefusalReason): void {
    const most = Math.floor(frames.length / LEAST_FRAME_BYTES); // whatever the header says
    this.#listener.onRefused(Math.max(1, Math.min(messages, most)), why);
  }
}
