/**
 * The inflater by zlib, for comparison, and for those who trust zlib more. Each stream of a message is a stream of zlib, which stops
 * behind each block, and where the output ends that it may write.
 *
 * zlib does not tell whether its input ended between blocks. So bytes are put behind the message that make sense there and nowhere
 * else: see {@link ENDING}.
 */
import { constants } from 'node:zlib';
import type { WasmMemory } from '../memory/wasm-memory.js';
import { InflateResult, type Inflater, MAX_HISTORY_BYTES } from './inflater.js';
import { ZlibStream } from './zlib-stream.js';

/**
 * `ENDING` is put behind a message. A message is whole in two cases, and both read it as a stored block (RFC 1951 section 3.2.4) and an empty
 * last block:
 *
 * | the message ends                                    | `f8`               | `00 07 ff f8`   | then |
 * |-----------------------------------------------------|--------------------|-----------------|------|
 * | behind the header of a stored block (the usual case) | with `00`: 248 bytes | `07 ff`: the complement | 248 bytes, of which `f8` is the first |
 * | between blocks, with up to two bits left, all zero  | the header, with these bits | 1792 bytes, and the complement | 1792 bytes |
 *
 * If the message ended elsewhere, other bytes are the content of a block, if any.
 */
const ENDING_HEAD = [0xf8, 0x00, 0x07, 0xff, 0xf8] as const;
const LAST_BLOCK = [0x03, 0x00] as const;

/** Where in it the content of the block begins, and how many bytes it has. */
const BEHIND_HEADER = { start: 4, length: 0x00f8 } as const;
const BETWEEN = { start: 5, length: 0x0700 } as const;

const ENDING = makeEnding();

function makeEnding(): Uint8Array {
  const end = BETWEEN.start + BETWEEN.length + LAST_BLOCK.length;
  const bytes = new Uint8Array(end + 1); // only a stream that goes on takes the last byte
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.imul(i, 0x9e37_79b1) >>> 24;
  bytes.set(ENDING_HEAD);
  for (const { start, length } of [BEHIND_HEADER, BETWEEN]) bytes.set(LAST_BLOCK, start + length);
  return bytes;
}

// What zlib takes long for, as work: see `Inflater.inflate`.
/** To be called, and to read the codes of a block. */
const CALL_WORK = 2048;
/** To begin a stream, without and with a history of 32 KiB. */
const STREAM_WORK = 2048;
const HISTORY_WORK = 4096;

/** The messages of zlib, and what they are called here. */
const FAULTS: Readonly<Record<string, number>> = {
  'invalid block type': InflateResult.BLOCK_TYPE,
  'invalid stored block lengths': InflateResult.STORED_LENGTHS,
  'too many length or distance symbols': InflateResult.TOO_MANY_SYMBOLS,
  'invalid code lengths set': InflateResult.LENGTHS_CODE,
  'invalid bit length repeat': InflateResult.LENGTHS_REPEAT,
  'invalid code -- missing end-of-block': InflateResult.NO_END,
  'invalid literal/lengths set': InflateResult.LITERALS_CODE,
  'invalid distances set': InflateResult.DISTANCES_CODE,
  'invalid literal/length code': InflateResult.LITERAL_SYMBOL,
  'invalid distance code': InflateResult.DISTANCE_SYMBOL,
  'invalid distance too far back': InflateResult.TOO_FAR,
};

/** What zlib holds of a message that is put aside, in bytes: a window of 32 KiB, the tables of a block, and its state. */
const ASIDE_BYTES = 48 * 1024;

/** In place of a byte. */
const NONE = -1;

export class NativeInflater implements Inflater {
  readonly name = 'native';
  readonly asideBytes = ASIDE_BYTES;
  readonly #bytes: Uint8Array;
  /** Where the content of {@link ENDING} goes, and what there is no room for. */
  readonly #behind = Buffer.alloc(ENDING.length);
  /** Where zlib writes a history that it is told. Nobody reads it. */
  readonly #told = new Uint8Array(MAX_HISTORY_BYTES);
  /** A stream that is not in use. To make one takes zlib and Node as long as to inflate 4 KiB, and collecting it takes longer. */
  #idle: ZlibStream | undefined;
  /** The input that zlib has not taken. */
  #at = 0;
  #end = 0;
  #out = 0;
  #outBegin = 0;
  #oldest = 0;
  /** Undefined in front of a stream. */
  #stream: ZlibStream | undefined;
  /** Whether the stream has written all that it can without more input. */
  #isDrained = false;
  /** The byte for which there was no room; {@link NONE} if there is none. */
  #surplus = NONE;

  constructor(memory: WasmMemory) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#idle = ZlibStream.inflating(); // so that it fails at once, if it does
  }

  get written(): number {
    return this.#out - this.#outBegin;
  }

  inflate(from: number, length: number, to: number, historyBytes: number, limit: number, work: number): number {
    this.#close();
    this.#at = from;
    this.#end = from + length;
    this.#out = to;
    this.#outBegin = to;
    this.#oldest = to - historyBytes;
    this.#surplus = NONE;
    return this.goOn(limit, work);
  }

  goOn(limit: number, work: number): number {
    if (this.#surplus !== NONE) {
      if (this.#out >= limit) return InflateResult.NEEDS_ROOM;
      this.#bytes[this.#out++] = this.#surplus;
      this.#surplus = NONE;
    }
    let left = work;
    while (this.#at < this.#end || (this.#stream !== undefined && !this.#isDrained)) {
      if (left <= 0) return InflateResult.PAUSED;
      if (this.#stream === undefined) left -= this.#open();
      else left -= this.#write(this.#stream, limit, left);
      const fault = this.#stream?.fault;
      if (fault !== undefined) {
        this.#close();
        return resultOf(fault);
      }
      if (this.#surplus !== NONE) return InflateResult.NEEDS_ROOM;
    }
    return this.#finish();
  }

  inputMoved(bytes: number): void {
    this.#at += bytes;
    this.#end += bytes;
  }

  outputMoved(bytes: number): void {
    this.#out += bytes;
    this.#outBegin += bytes;
    this.#oldest += bytes;
  }

  putAside(): () => void {
    const [at, end, out, outBegin, oldest] = [this.#at, this.#end, this.#out, this.#outBegin, this.#oldest];
    const [stream, isDrained, surplus] = [this.#stream, this.#isDrained, this.#surplus];
    this.#stream = undefined;
    return () => {
      this.#close();
      this.#at = at;
      this.#end = end;
      this.#out = out;
      this.#outBegin = outBegin;
      this.#oldest = oldest;
      this.#stream = stream;
      this.#isDrained = isDrained;
      this.#surplus = surplus;
    };
  }

  /** Begins a stream, which knows what was written before. @returns how much work that was */
  #open(): number {
    const out = this.#out;
    const known = Math.min(out - this.#oldest, MAX_HISTORY_BYTES);
    const stream = this.#idle ?? ZlibStream.inflating();
    this.#idle = undefined;
    stream.reset();
    if (known > 0) {
      // A stored block enters the window like any other, and takes no more than two copies.
      const header = Uint8Array.of(0, known & 0xff, known >>> 8, ~known & 0xff, (~known >>> 8) & 0xff);
      stream.write(constants.Z_NO_FLUSH, header, 0, header.length, this.#told, 0, known);
      stream.write(constants.Z_NO_FLUSH, this.#bytes, out - known, known, this.#told, 0, known);
    }
    this.#stream = stream;
    this.#isDrained = false;
    return STREAM_WORK + Math.ceil((known * HISTORY_WORK) / MAX_HISTORY_BYTES);
  }

  #close(): void {
    if (this.#stream === undefined) return;
    if (this.#idle === undefined) this.#idle = this.#stream;
    else this.#stream.close();
    this.#stream = undefined;
  }

  /** Calls zlib, for up to a block and up to `most` bytes. A stream that is over is closed. @returns how much work that was */
  #write(stream: ZlibStream, limit: number, most: number): number {
    const at = this.#at;
    const room = Math.min(limit - this.#out, most);
    const [output, to] = room > 0 ? [this.#bytes, this.#out] : [this.#behind, 0];
    const length = this.#end - at;
    stream.write(constants.Z_BLOCK, this.#bytes, at, length, output, to, Math.max(1, room));
    if (stream.fault !== undefined) return CALL_WORK;
    const { taken, written } = stream;
    this.#at += taken;
    this.#isDrained = written < Math.max(1, room);
    if (room > 0) this.#out += written;
    else if (written > 0) this.#surplus = this.#behind[0] as number; // it was written there
    // A stream that has something to read and does not read it is over. The next one begins with the next byte.
    if (length > 0 && taken === 0 && written === 0) this.#close();
    return CALL_WORK + written;
  }

  /** All of the message is inflated: finds out whether it is whole. */
  #finish(): number {
    const stream = this.#stream;
    if (stream === undefined) return InflateResult.DONE;
    // Behind a block there may be bits of the message that the stream has not looked at.
    stream.write(constants.Z_SYNC_FLUSH, ENDING, 0, 0, this.#behind, 0, 1);
    const { fault } = stream;
    if (fault !== undefined) {
      this.#close();
      return resultOf(fault);
    }
    stream.write(constants.Z_SYNC_FLUSH, ENDING, 0, ENDING.length, this.#behind, 0, this.#behind.length);
    const isWhole = stream.fault === undefined && this.#isEnding(stream.taken, stream.written);
    this.#close();
    return isWhole ? InflateResult.DONE : InflateResult.CUT;
  }

  /** Whether the stream was over with the message, or has taken {@link ENDING} for what it is. */
  #isEnding(taken: number, written: number): boolean {
    if (taken === 0) return true;
    const { start, length } = written === BETWEEN.length ? BETWEEN : BEHIND_HEADER;
    const end = start + length;
    if (written !== length || this.#behind.compare(ENDING, start, end, 0, length) !== 0) return false;
    // The stored block whose header is in the message may be the last one: then the empty block is not taken.
    return taken === end + LAST_BLOCK.length || (taken === end && start === BEHIND_HEADER.start);
  }
}

/** What zlib's word for a fault means. @throws Error if it says nothing about the message */
function resultOf(fault: string): number {
  const result = FAULTS[fault];
  if (result === undefined) throw new Error(`zlib has failed: ${fault}`);
  return result;
}
