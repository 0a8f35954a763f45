import { isUtf8 } from 'node:buffer';
import { Utf8, validateAround } from '../kernels/utf8.js';
import { notUtf8 } from '../protocol/frame-rules.js';
import type { DeflateWindow } from '../compression/deflate-window.js';
import type { InflatingMessage } from './inflating-message.js';

/** How much of a message one step validates and copies at most, in bytes: that takes half a millisecond at most. */
const STEP_BYTES = 512 * 1024;

/**
 * A message that has come compressed, from its compressed bytes to the message that can be handed out: inflated, validated, and copied if
 * it is long, step by step.
 */
export class Decompression {
  readonly #inflating: InflatingMessage;
  readonly #isText: boolean;
  /** What the window of the sender holds; undefined if it keeps nothing. */
  readonly #window: DeflateWindow | undefined;
  #isInflated = false;
  #utf8: number = Utf8.ACCEPT;
  /** How much of the message is validated, and copied if it is long. */
  #done = 0;
  /** The message, when it is whole. If it is not {@link ownsMessage}, it is valid until the next message of the thread. */
  message: Uint8Array = new Uint8Array(0);

  constructor(inflating: InflatingMessage, isText: boolean, window: DeflateWindow | undefined) {
    this.#inflating = inflating;
    this.#isText = isText;
    this.#window = window;
  }

  /** Whether the message has memory that nobody else has. */
  get ownsMessage(): boolean {
    return this.message.length > STEP_BYTES;
  }

  /** The message as it has come. */
  get compressed(): Uint8Array {
    return this.#inflating.input;
  }

  /** Copies the message as it has come: the memory that it lies in is going to be overwritten. */
  keepInput(): void {
    this.#inflating.keepInput();
  }

  /**
   * Does a step, of half a millisecond at most.
   * @returns whether the message is whole.
   * @throws ProtocolError if it is corrupt, too long, no UTF-8 though it is text, or there is no memory for it.
   */
  step(): boolean {
    if (!this.#isInflated) {
      this.#isInflated = this.#inflating.step();
      if (!this.#isInflated || this.#inflating.message.length > STEP_BYTES) return false;
    }
    const inflated = this.#inflating.message;
    const start = this.#done;
    this.#done = Math.min(start + STEP_BYTES, inflated.length);
    if (this.#isText) this.#validate(inflated, start);
    this.#takeOut(inflated, start);
    if (this.#done < inflated.length) return false;
    if (this.#utf8 !== Utf8.ACCEPT) throw notUtf8();
    this.#window?.add(inflated, 0, inflated.length);
    this.release();
    return true;
  }

  /** Gives up, and gives the memory back. */
  release(): void {
    this.#inflating.release();
  }

  #validate(bytes: Uint8Array, start: number): void {
    const length = this.#done - start;
    const isValid = (from: number, to: number) => isUtf8(bytes.subarray(from, to));
    this.#utf8 = validateAround(bytes, start, length, this.#utf8, isValid);
    if (this.#utf8 === Utf8.REJECT) throw notUtf8();
  }

  #takeOut(inflated: Uint8Array, start: number): void {
    if (inflated.length <= STEP_BYTES) {
      this.message = inflated;
      return;
    }
    if (start === 0) this.message = Buffer.allocUnsafeSlow(inflated.length);
    this.message.set(inflated.subarray(start, this.#done), start);
  }
}
