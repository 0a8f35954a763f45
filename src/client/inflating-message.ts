import { faultOf, InflateResult, isCorrupt } from '../kernels/inflater.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import { type KernelMemory, MESSAGES_AT } from './kernel-memory.js';

/** Lends memory for one message at a time. */
export interface MemoryLender {
  /** @returns a memory with at least `end` bytes; undefined if that cannot be had. */
  lend(end: number): KernelMemory | undefined;
  /** Takes a memory back, which nobody uses any more. */
  giveBack(memory: KernelMemory): void;
}

/** How much of a message one step inflates at most, by the measure of {@link Inflater.inflate}: less than half a millisecond. */
const STEP_WORK = 200_000;

/** How much of a compressed message one step takes in at most, in bytes: that takes as long. */
const STEP_INPUT_BYTES = 512 * 1024;

/**
 * A compressed message while it is inflated, step by step. From the first step to {@link release} it has a memory of its own, so that other
 * messages may be compressed and inflated between two steps. A message that outgrows its memory begins again in a larger one.
 */
export class InflatingMessage {
  readonly #lender: MemoryLender;
  #input: Uint8Array;
  readonly #history: Uint8Array;
  readonly #maxBytes: number;
  #memory: KernelMemory | undefined;
  /** How much of the input is in the memory. */
  #taken = 0;
  #isBegun = false;
  /** Where the message goes, right behind the history. */
  readonly #to: number;

  /**
   * @param input the compressed message. It must not change before the message is whole, or {@link keepInput}.
   * @param history what the window of the sender holds. It must not change before the message is whole.
   * @param maxBytes of the message when it is inflated. Not a byte more is written.
   */
  constructor(lender: MemoryLender, input: Uint8Array, history: Uint8Array, maxBytes: number) {
    this.#lender = lender;
    this.#input = input;
    this.#history = history;
    this.#maxBytes = maxBytes;
    this.#to = MESSAGES_AT + input.length + history.length;
  }

  /** The compressed message. */
  get input(): Uint8Array {
    return this.#input;
  }

  /** Copies the compressed message: the memory that it lies in is going to be overwritten. */
  keepInput(): void {
    this.#input = new Uint8Array(this.#input);
  }

  /**
   * Does a step, of half a millisecond at most.
   * @returns whether the message is whole.
   * @throws ProtocolError if it is corrupt or too long, or there is no memory for it.
   */
  step(): boolean {
    const { length } = this.#input;
    this.#memory ??= this.#lend(this.#to);
    const memory = this.#memory;
    if (this.#taken < length) {
      this.#takeIn(memory.bytes);
      if (this.#taken < length) return false;
    }
    const end = this.#to + this.#maxBytes;
    const limit = Math.min(end, memory.end);
    const result = this.#isBegun ? memory.inflater.goOn(limit, STEP_WORK) : this.#begin(memory, limit);
    this.#isBegun = true;
    if (result === InflateResult.DONE) return true;
    if (isCorrupt(result)) throw corrupt(result);
    if (result === InflateResult.NEEDS_ROOM) {
      if (limit === end) throw tooBig(length, `more than the ${this.#maxBytes} that are allowed`);
      this.release();
      this.#memory = this.#lend(memory.end + 1);
    }
    return false;
  }

  /** The message, when it is whole. It is valid until {@link release}, and then until the memory is used again. */
  get message(): Uint8Array {
    const { bytes, inflater } = this.#memory as KernelMemory; // it is not released
    return bytes.subarray(this.#to, this.#to + inflater.written);
  }

  /** Gives the memory back. */
  release(): void {
    if (this.#memory !== undefined) this.#lender.giveBack(this.#memory);
    this.#memory = undefined;
    this.#taken = 0;
    this.#isBegun = false;
  }

  #takeIn(bytes: Uint8Array): void {
    const from = this.#taken;
    this.#taken = Math.min(from + STEP_INPUT_BYTES, this.#input.length);
    bytes.set(this.#input.subarray(from, this.#taken), MESSAGES_AT + from);
  }

  #begin({ bytes, inflater }: KernelMemory, limit: number): number {
    const history = this.#history;
    bytes.set(history, this.#to - history.length);
    return inflater.inflate(MESSAGES_AT, this.#input.length, this.#to, history.length, limit, STEP_WORK);
  }

  #lend(end: number): KernelMemory {
    const memory = this.#lender.lend(end);
    if (memory === undefined) throw tooBig(this.#input.length, 'more than there is memory for');
    return memory;
  }
}

function corrupt(result: number): ProtocolError {
  return new ProtocolError(
    'deflate',
    `compressed message that is corrupt: ${faultOf(result)} (RFC 1951, RFC 7692 section 7.2.2)`,
  );
}

function tooBig(compressedBytes: number, finding: string): ProtocolError {
  return new ProtocolError('too-big', `message whose ${compressedBytes} bytes decompress to ${finding}`);
}
