/** permessage-deflate by zlib, as other WebSocket libraries for Node do it, to compare with. */
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Codec } from './codec.js';

/** What a sender leaves out (RFC 7692 section 7.2.1), and a receiver puts back (section 7.2.2). */
const TAIL = Uint8Array.of(0, 0, 0xff, 0xff);

/** The smallest window that zlib has for raw streams. */
const MIN_WINDOW_BITS = 9;

/** Each message by a call of its own, in this thread. */
export class ZlibOneShot implements Codec {
  readonly #level: number;

  /** @param level of zlib: 1 to 9. */
  constructor(level: number) {
    this.#level = level;
  }

  deflate(message: Uint8Array): Uint8Array {
    const options = { level: this.#level, finishFlush: constants.Z_SYNC_FLUSH, chunkSize: chunkBytes(message.length) };
    return deflateRawSync(message, options).subarray(0, -TAIL.length);
  }

  inflate(compressed: Uint8Array, length: number): Uint8Array {
    const options = { finishFlush: constants.Z_SYNC_FLUSH, chunkSize: chunkBytes(length) };
    return inflateRawSync(Buffer.concat([compressed, TAIL]), options);
  }

  close(): void {}
}

/** One chunk that holds all of the output is fastest; there is a least one. */
function chunkBytes(length: number): number {
  return Math.max(64, length + (length >> 10) + 64);
}

type ZlibStream = ReturnType<typeof createDeflateRaw>;

/** A stream for each direction, which refers to earlier messages and works in threads of Node. */
export class ZlibStreams implements Codec {
  readonly #deflater: ZlibStream;
  readonly #inflater: ZlibStream;

  /** @param level of zlib: 1 to 9. */
  constructor(level: number, windowBits: number) {
    const bits = Math.max(windowBits, MIN_WINDOW_BITS);
    this.#deflater = createDeflateRaw({ level, windowBits: bits });
    this.#inflater = createInflateRaw({ windowBits: bits }) as ZlibStream;
  }

  async deflate(message: Uint8Array): Promise<Uint8Array> {
    const compressed = await through(this.#deflater, message);
    return compressed.subarray(0, -TAIL.length);
  }

  inflate(compressed: Uint8Array): Promise<Uint8Array> {
    return through(this.#inflater, Buffer.concat([compressed, TAIL]));
  }

  close(): void {
    this.#deflater.close();
    this.#inflater.close();
  }
}

/** What comes out of a stream for what is put in. */
function through(stream: ZlibStream, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const output: Buffer[] = [];
    const onData = (data: Buffer) => output.push(data);
    stream.on('data', onData).once('error', reject);
    stream.write(bytes);
    stream.flush(constants.Z_SYNC_FLUSH, () => {
      stream.off('data', onData).off('error', reject);
      resolve(Buffer.concat(output));
    });
  });
}
