import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

/** What a sender leaves out (RFC 7692 section 7.2.1), and a receiver puts back (section 7.2.2). */
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

/** The other side of permessage-deflate, by zlib: the last `windowBytes` of what was compressed are known to both. */
export class ZlibPeer {
  readonly #windowBits: number;
  readonly #keepsWindow: boolean;
  #window = Buffer.alloc(0);

  /** @param windowBits of a window that is kept; undefined for none. */
  constructor(windowBits?: number) {
    this.#windowBits = Math.max(9, windowBits ?? 15);
    this.#keepsWindow = windowBits !== undefined;
  }

  compress(message: Uint8Array | string): Buffer {
    const bytes = Buffer.from(message as Uint8Array);
    const compressed = deflateRawSync(bytes, { ...this.#options, level: 9 });
    this.#remember(bytes);
    return compressed.subarray(0, -TAIL.length);
  }

  decompress(compressed: Uint8Array): Buffer {
    const message = inflateRawSync(Buffer.concat([compressed, TAIL]), this.#options);
    this.#remember(message);
    return message;
  }

  get #options() {
    const dictionary = this.#window.length > 0 ? { dictionary: this.#window } : {};
    return { windowBits: this.#windowBits, finishFlush: constants.Z_SYNC_FLUSH, ...dictionary };
  }

  #remember(message: Buffer): void {
    if (this.#keepsWindow) this.#window = Buffer.concat([this.#window, message]).subarray(-(2 ** this.#windowBits));
  }
}

/** JSON as servers send it, in which a later match is often longer than the first one. */
export const RECORDS = JSON.stringify(
  Array.from({ length: 100 }, (_, i) => ({
    id: i * i,
    user: `user-${(i * 7919) % 1000}`,
    isAdmin: i % 3 === 0,
    rank: i,
  })),
);
