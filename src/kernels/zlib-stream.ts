/**
 * A raw stream of Node's zlib that is fed by hand and synchronously: each call says how much it may write, and tells how much it has
 * taken and written. So work can pause between two calls, which the functions of Node for whole buffers cannot.
 */
import { createDeflateRaw, createInflateRaw, type ZlibOptions } from 'node:zlib';

/** What Node keeps behind a stream of zlib. Its streams and its synchronous functions are made of it, in every version so far. */
interface Handle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputStart: number,
    inputBytes: number,
    output: Uint8Array,
    outputStart: number,
    outputBytes: number,
  ): void;
  reset(): void;
  close(): void;
  onerror: (message: string) => void;
}

/** The parts of a stream that are used here. */
interface Engine {
  readonly _handle: Handle;
  /** After a write: how much of the output, and of the input, is left. */
  readonly _writeState: Uint32Array;
}

/** Streams allocate a buffer of this size, in bytes, which is not used here. It is the least that Node allows. */
const UNUSED_BYTES = 64;

export class ZlibStream {
  /** How many bytes of the input the last write has taken, and how many it has written. */
  taken = 0;
  written = 0;
  /** What zlib has said about its input, if that is wrong. Nothing more can be written then. */
  fault: string | undefined;
  readonly #handle: Handle;
  readonly #left: Uint32Array;

  /** @throws Error if this version of Node has other streams. */
  static inflating(): ZlibStream {
    return new ZlibStream(createInflateRaw({ chunkSize: UNUSED_BYTES }));
  }

  /** @throws Error if this version of Node has other streams. */
  static deflating(options: ZlibOptions): ZlibStream {
    return new ZlibStream(createDeflateRaw({ ...options, chunkSize: UNUSED_BYTES }));
  }

  private constructor(stream: object) {
    const { _handle: handle, _writeState: left } = stream as Partial<Engine>; // checked here
    if (typeof handle?.writeSync !== 'function' || !(left instanceof Uint32Array)) {
      throw new Error(`zlib of Node ${process.versions.node} cannot be used in pieces: choose the kernel wasm`);
    }
    this.#handle = handle;
    this.#left = left;
    handle.onerror = (message) => {
      this.fault = message;
    };
  }

  /** Takes input and writes output, as much of both as it can. @param flush one of zlib's constants. */
  write(
    flush: number,
    input: Uint8Array,
    inputStart: number,
    inputBytes: number,
    output: Uint8Array,
    outputStart: number,
    outputBytes: number,
  ): void {
    this.#handle.writeSync(flush, input, inputStart, inputBytes, output, outputStart, outputBytes);
    if (this.fault !== undefined) return;
    this.written = outputBytes - (this.#left[0] as number); // there are two
    this.taken = inputBytes - (this.#left[1] as number);
  }

  /** Forgets everything, also a fault, and begins anew. */
  reset(): void {
    this.fault = undefined;
    this.#handle.reset();
  }

  /** Frees its memory at once. To be called at most once. */
  close(): void {
    this.#handle.close();
  }
}
