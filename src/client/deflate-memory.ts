/**
 * Where the clients of a thread compress and decompress: a memory of their own, for one message at a time.
 *
 * | bytes   | what |
 * |--------:|------|
 * | 64 KiB  | static data of the WebAssembly module |
 * | 226 KiB | the scratch of the deflaters |
 * | 20 KiB  | the region of the inflater |
 * | the rest | the message that goes in, and what comes out, the history in front of one of them |
 *
 * Nothing in it is of use between two messages. For a message that needs more it is replaced by a larger one, and that stays. Pages that
 * no message has reached take no memory.
 */
import {
  DEFLATE_SCRATCH_BYTES,
  DEFLATE_SLACK_BYTES,
  type DeflateLevel,
  type Deflater,
  NOT_SMALLER,
} from '../kernels/deflater.js';
import {
  ALL_WORK,
  INFLATE_REGION_BYTES,
  InflateResult,
  type Inflater,
  isCorrupt,
  MAX_HISTORY_BYTES,
} from '../kernels/inflater.js';
import { wasmModule } from '../kernels/wasm.js';
import { WasmDeflater } from '../kernels/wasm-deflater.js';
import { WasmInflater } from '../kernels/wasm-inflater.js';
import { ArenaError, PAGE_BYTES, reserveMemory } from '../memory/reserve.js';
import { ProtocolError } from '../protocol/protocol-error.js';

const SCRATCH_AT = PAGE_BYTES;
const REGION_AT = align(SCRATCH_AT + DEFLATE_SCRATCH_BYTES);
const MESSAGES_AT = align(REGION_AT + INFLATE_REGION_BYTES);

/** What is reserved at first, and what can be reserved at most, in pages of 64 KiB: 4 MiB, and 4 GiB less a page. */
const FIRST_PAGES = 64;
const MOST_PAGES = 65535;

/** A message that was compressed. Both views are valid until the next message. */
export interface Deflated {
  readonly input: Uint8Array;
  readonly output: Uint8Array;
}

export class DeflateMemory {
  #kernels: Kernels | undefined;

  /** Reserves the memory, unless that is done: so that it fails before a message needs it. @throws ArenaError if it cannot be had. */
  prepare(): void {
    this.#kernels ??= new Kernels(FIRST_PAGES);
  }

  /**
   * Compresses a message.
   * @param history what the receiver's window holds.
   * @param windowBits of that window: 8 to 15.
   * @returns undefined if the message does not get smaller, or there is no memory for it.
   */
  deflate(message: Uint8Array, history: Uint8Array, windowBits: number, level: DeflateLevel): Deflated | undefined {
    const { length } = message;
    const input = MESSAGES_AT + MAX_HISTORY_BYTES;
    const output = input + length;
    const kernels = this.#withRoomUntil(output + length + DEFLATE_SLACK_BYTES);
    if (kernels === undefined) return undefined;
    const { bytes, deflaters } = kernels;
    bytes.set(history, input - history.length);
    bytes.set(message, input);
    const task = { input, length, historyBytes: history.length, windowBits, output, capacity: length };
    const size = deflaters[level].deflate(task);
    if (size === NOT_SMALLER) return undefined;
    return { input: bytes.subarray(input, output), output: bytes.subarray(output, output + size) };
  }

  /**
   * Decompresses a message.
   * @param history what the window of the sender holds.
   * @param maxBytes of the message when it is decompressed. Not a byte more is written.
   * @returns the message, which is valid until the next one.
   * @throws ProtocolError if it is corrupt or longer, or there is no memory for it.
   */
  inflate(message: Uint8Array, history: Uint8Array, maxBytes: number): Uint8Array {
    const { length } = message;
    const from = MESSAGES_AT;
    const to = align(from + length) + history.length;
    let kernels = this.#withRoomUntil(to + Math.min(length, maxBytes));
    while (kernels !== undefined) {
      const { bytes, inflater, end } = kernels;
      bytes.set(message, from);
      bytes.set(history, to - history.length);
      const limit = Math.min(to + maxBytes, end);
      const result = inflater.inflate(from, length, to, history.length, limit, ALL_WORK);
      if (result === InflateResult.DONE) return bytes.subarray(to, to + inflater.written);
      if (isCorrupt(result)) throw corrupt(result);
      if (limit === to + maxBytes) {
        throw tooBig(length, `more than the ${maxBytes} that are allowed`);
      }
      kernels = this.#withRoomUntil(end + 1);
    }
    throw tooBig(length, 'more than there is memory for');
  }

  /**
   * The kernels over a memory that has at least `end` bytes; undefined if that cannot be had. A memory that is replaced is replaced by one
   * twice as large, so that messages that grow do not replace it each time.
   */
  #withRoomUntil(end: number): Kernels | undefined {
    const kernels = this.#kernels;
    if (kernels !== undefined && end <= kernels.end) return kernels;
    const pages = Math.ceil(end / PAGE_BYTES);
    if (pages > MOST_PAGES) return undefined;
    const twice = kernels === undefined ? FIRST_PAGES : (2 * kernels.end) / PAGE_BYTES;
    try {
      this.#kernels = new Kernels(Math.max(pages, Math.min(twice, MOST_PAGES)));
    } catch (error) {
      if (error instanceof ArenaError) return undefined;
      throw error;
    }
    return this.#kernels;
  }
}

/** A memory, and what works on it. */
class Kernels {
  readonly bytes: Uint8Array;
  /** How many bytes it has. */
  readonly end: number;
  readonly deflaters: Readonly<Record<DeflateLevel, Deflater>>;
  readonly inflater: Inflater;

  constructor(pages: number) {
    const memory = reserveMemory(pages, { what: 'memory to compress in' });
    this.bytes = new Uint8Array(memory.buffer);
    this.end = this.bytes.length;
    const module = wasmModule(memory);
    this.deflaters = {
      fast: new WasmDeflater(module, 'fast', SCRATCH_AT),
      small: new WasmDeflater(module, 'small', SCRATCH_AT),
    };
    this.inflater = new WasmInflater(module, REGION_AT);
  }
}

/** The next multiple of what both kernels need. */
function align(offset: number): number {
  return Math.ceil(offset / 16) * 16;
}

function corrupt(result: number): ProtocolError {
  const [reason = ''] = Object.entries(InflateResult).find(([, value]) => value === result) ?? [];
  const words = reason.toLowerCase().replaceAll('_', ' ');
  return new ProtocolError(
    'deflate',
    `compressed message that is corrupt: ${words} (RFC 1951, RFC 7692 section 7.2.2)`,
  );
}

function tooBig(compressedBytes: number, finding: string): ProtocolError {
  return new ProtocolError('too-big', `message whose ${compressedBytes} bytes decompress to ${finding}`);
}
