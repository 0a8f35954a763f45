/**
 * The inflater by zlib, in one call for each stream of a message. It is for comparison, and for those who trust zlib more. It cannot
 * pause: what is begun is done as a whole, or not at all.
 *
 * zlib does not tell whether its input ended between blocks. So bytes are put behind the message that only make sense there: a stored
 * block with a mark in it, whose header is the one that the message must end with, and a last block. The message is whole if zlib
 * comes to the end of all that, and the mark is its last output. A stored block that is cut could take the mark for its own
 * bytes. That shows in the length of the output.
 */
import { constants, inflateRawSync } from 'node:zlib';
import { InflateResult, type Inflater, MAX_HISTORY_BYTES } from './inflater.js';

/** Eight bytes that no sender has a reason to end with. */
const MARK = [0x9e, 0x37, 0x79, 0xb9, 0x7f, 0x4a, 0x7c, 0x15] as const;
/** The lengths of a stored block (RFC 1951 section 3.2.4), the mark, and an empty last block with fixed codes. */
const BEFORE_MARK = 0xff;
const ENDING = Uint8Array.of(8, 0, 0xf7, BEFORE_MARK, ...MARK, 0x03, 0x00);
/** The bytes of the empty last block. They are not read if the block with the mark is the last one. */
const LAST_BLOCK_BYTES = 2;
/**
 * The same behind a message that ends between blocks, with at most two zero bits left in its last byte: the header of the stored block
 * is three zero bits from there on. The rest of the byte is ones, so that its zeros complete nothing else.
 */
const ENDING_BETWEEN_BLOCKS = Uint8Array.of(0xf8, ...ENDING);

/** zlib allocates chunks of the output as large as this, in bytes: at first, each message is expected to be four times as large. */
const LEAST_CHUNK_BYTES = 1024;
const MOST_CHUNK_BYTES = 1024 * 1024;

/** What `inflateRawSync` returns with the option `info`. */
interface Inflated {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

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

/** A call of zlib that came to no end. */
class Failure {
  constructor(readonly result: number) {}
}

export class NativeInflater implements Inflater {
  readonly name = 'native';
  readonly #bytes: Uint8Array;
  #from = 0;
  #end = 0;
  #to = 0;
  #oldest = 0;
  #written = 0;

  constructor(memory: WebAssembly.Memory) {
    this.#bytes = new Uint8Array(memory.buffer);
  }

  get written(): number {
    return this.#written;
  }

  inflate(from: number, length: number, to: number, historyBytes: number, limit: number): number {
    this.#from = from;
    this.#end = from + length;
    this.#to = to;
    this.#oldest = to - historyBytes;
    return this.goOn(limit);
  }

  /** Nothing is kept of the call before: the message is inflated again from its beginning. */
  goOn(limit: number): number {
    this.#written = 0;
    let at = this.#from;
    let out = this.#to;
    while (at < this.#end) {
      const stream = this.#inflateStream(at, out, limit);
      if (stream instanceof Failure) return stream.result;
      const { buffer, engine } = stream;
      if (buffer.length > limit - out) return InflateResult.NEEDS_ROOM;
      this.#bytes.set(buffer, out);
      out += buffer.length;
      // Behind a last block, the next stream begins with the next byte.
      at += engine.bytesWritten;
    }
    this.#written = out - this.#to;
    return InflateResult.DONE;
  }

  inputMoved(bytes: number): void {
    this.#from += bytes;
    this.#end += bytes;
  }

  outputMoved(bytes: number): void {
    this.#to += bytes;
    this.#oldest += bytes;
  }

  putAside(): () => void {
    const [from, end, to, oldest] = [this.#from, this.#end, this.#to, this.#oldest];
    return () => {
      this.#from = from;
      this.#end = end;
      this.#to = to;
      this.#oldest = oldest;
      this.#written = 0;
    };
  }

  /** Inflates up to the end of a stream or of the message, which begins or goes on at `at`; the output goes on at `out`. */
  #inflateStream(at: number, out: number, limit: number): Inflated | Failure {
    const length = this.#end - at;
    const marked = this.#inflateWith(ENDING, at, out, limit);
    if (marked instanceof Failure) {
      return marked.result === InflateResult.NEEDS_ROOM ? marked : this.#inflateWhole(at, out, limit);
    }
    if (marked.engine.bytesWritten <= length) return marked;
    const { buffer } = marked;
    const end = buffer.length - MARK.length;
    // If the byte in front of the mark is the one that is in front of it in the ending, maybe all of that was taken for content.
    const isWhole =
      marked.engine.bytesWritten >= length + ENDING.length - LAST_BLOCK_BYTES &&
      endsWithMark(buffer) &&
      buffer[end - 1] !== BEFORE_MARK;
    if (!isWhole) return this.#inflateWhole(at, out, limit);
    return { buffer: buffer.subarray(0, end), engine: { bytesWritten: length } };
  }

  /** Finds out what a message is that did not take the mark as it should: corrupt, cut, or one that ends between blocks. */
  #inflateWhole(at: number, out: number, limit: number): Inflated | Failure {
    const length = this.#end - at;
    const plain = this.#inflateWith(undefined, at, out, limit);
    if (plain instanceof Failure) return plain;
    if (plain.buffer.length > limit - out) return new Failure(InflateResult.NEEDS_ROOM);
    for (const ending of [ENDING, ENDING_BETWEEN_BLOCKS]) {
      const marked = this.#inflateWith(ending, at, out, limit);
      // A stored block that the message itself begins may be the last one.
      const unread = ending === ENDING ? LAST_BLOCK_BYTES : 0;
      if (marked instanceof Failure || marked.engine.bytesWritten < length + ending.length - unread) continue;
      if (marked.buffer.length === plain.buffer.length + MARK.length && endsWithMark(marked.buffer)) return plain;
    }
    return new Failure(InflateResult.CUT);
  }

  /** One call of zlib: the rest of the message, and an ending behind it. Without one, the rest may be cut anywhere. */
  #inflateWith(ending: Uint8Array | undefined, at: number, out: number, limit: number): Inflated | Failure {
    let input = this.#bytes.subarray(at, this.#end);
    if (ending !== undefined) {
      const extended = new Uint8Array(input.length + ending.length);
      extended.set(input);
      extended.set(ending, input.length);
      input = extended;
    }
    const room = limit - out + MARK.length;
    const oldest = Math.max(this.#oldest, out - MAX_HISTORY_BYTES);
    const options = {
      info: true,
      finishFlush: ending === undefined ? constants.Z_SYNC_FLUSH : constants.Z_FINISH,
      maxOutputLength: room,
      chunkSize: Math.max(LEAST_CHUNK_BYTES, Math.min(room, 4 * input.length, MOST_CHUNK_BYTES)),
      ...(oldest < out && { dictionary: this.#bytes.subarray(oldest, out) }),
    };
    try {
      // The types of Node do not know what `info` changes.
      return inflateRawSync(input, options) as unknown as Inflated;
    } catch (error) {
      return new Failure(resultOf(error));
    }
  }
}

function endsWithMark(buffer: Uint8Array): boolean {
  const start = buffer.length - MARK.length;
  return start >= 0 && MARK.every((byte, i) => buffer[start + i] === byte);
}

/** What an error of zlib means. @throws it, if it says nothing about the message */
function resultOf(error: unknown): number {
  if (!(error instanceof Error) || !('code' in error)) throw error;
  if (error.code === 'ERR_BUFFER_TOO_LARGE') return InflateResult.NEEDS_ROOM;
  if (error.code === 'Z_BUF_ERROR') return InflateResult.CUT;
  const fault = FAULTS[error.message];
  if (fault === undefined) throw error;
  return fault;
}
