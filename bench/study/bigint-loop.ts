import { rotateKey } from '#dist/kernels/kernel.js';

/** Unmasking in 64-bit words, which JavaScript has only as BigInt. The bytes around whole words are unmasked one by one. */
export class BigIntLoop {
  readonly #bytes: Uint8Array;
  readonly #words: BigInt64Array;

  constructor({ buffer }: WebAssembly.Memory) {
    this.#bytes = new Uint8Array(buffer);
    this.#words = new BigInt64Array(buffer);
  }

  unmask(offset: number, length: number, key: number): void {
    const bytes = this.#bytes;
    const words = this.#words;
    const end = offset + length;
    let at = offset;
    for (; at < end && (at & 7) !== 0; at++) {
      bytes[at] = (bytes[at] as number) ^ key;
      key = rotateKey(key, 1);
    }
    if (end - at >= 8) {
      const half = BigInt(key >>> 0);
      const key64 = BigInt.asIntN(64, (half << 32n) | half);
      let word = at >>> 3;
      const endWord = word + ((end - at) >>> 3);
      at += (endWord - word) << 3;
      for (; word < endWord; word++) words[word] = (words[word] as bigint) ^ key64;
    }
    for (; at < end; at++) {
      bytes[at] = (bytes[at] as number) ^ key;
      key = rotateKey(key, 1);
    }
  }
}
