/**
 * Ways to unmask bytes in ordinary memory in JavaScript, as a library gets them: in a view that begins anywhere in its buffer. Loops over
 * words need other views of the same bytes. These are made in each call, or kept for as long as the buffer is the same, as it is for all
 * frames that one read has brought. Short ranges are done before `buffer` and `byteOffset` are asked for, which are calls. `as number`
 * and `as bigint` stand where an index is in range.
 */
import { rotateKey } from '#dist/kernels/kernel.js';

export interface ViewUnmasker {
  unmask(view: Uint8Array, key: number): void;
}

/** For shorter ranges the bytes take less time than to make a view. */
const WORTH_A_VIEW_BYTES = 48;
/** For shorter ranges the bytes take less time than the ends of a loop over words. */
const WORTH_WORDS_BYTES = 16;

/** The naive loop, as libraries without native code have it. */
export const byteLoopOfViews: ViewUnmasker = {
  unmask(view, key) {
    unmaskBytes(view, 0, view.length, key);
  },
};

/** Eight words of 32 bits a turn, in an Int32Array that each call makes. */
export const wordsOfViews: ViewUnmasker = {
  unmask(view, key) {
    if (view.length < WORTH_A_VIEW_BYTES) {
      unmaskBytes(view, 0, view.length, key);
      return;
    }
    const { buffer, byteOffset, length } = view;
    const from = -byteOffset & 3;
    unmaskBytes(view, 0, from, key);
    key = rotateKey(key, from);
    const words = new Int32Array(buffer, byteOffset + from, (length - from) >>> 2);
    unmaskWords(words, 0, words.length, key);
    unmaskBytes(view, from + (words.length << 2), length, key);
  },
};

/** Eight words of 32 bits a turn, in a DataView that each call makes: it need not begin at a multiple of four. */
export const dataViewOfViews: ViewUnmasker = {
  unmask(view, key) {
    if (view.length < WORTH_A_VIEW_BYTES) {
      unmaskBytes(view, 0, view.length, key);
      return;
    }
    const { buffer, byteOffset, length } = view;
    const words = new DataView(buffer, byteOffset, length);
    let at = 0;
    for (; at + 32 <= length; at += 32) {
      words.setInt32(at, words.getInt32(at, true) ^ key, true);
      words.setInt32(at + 4, words.getInt32(at + 4, true) ^ key, true);
      words.setInt32(at + 8, words.getInt32(at + 8, true) ^ key, true);
      words.setInt32(at + 12, words.getInt32(at + 12, true) ^ key, true);
      words.setInt32(at + 16, words.getInt32(at + 16, true) ^ key, true);
      words.setInt32(at + 20, words.getInt32(at + 20, true) ^ key, true);
      words.setInt32(at + 24, words.getInt32(at + 24, true) ^ key, true);
      words.setInt32(at + 28, words.getInt32(at + 28, true) ^ key, true);
    }
    unmaskBytes(view, at, length, key);
  },
};

/** Four words of 64 bits a turn, in a BigInt64Array that each call makes. */
export const longsOfViews: ViewUnmasker = {
  unmask(view, key) {
    if (view.length < WORTH_A_VIEW_BYTES) {
      unmaskBytes(view, 0, view.length, key);
      return;
    }
    const { buffer, byteOffset, length } = view;
    const from = -byteOffset & 7;
    unmaskBytes(view, 0, from, key);
    key = rotateKey(key, from);
    const longs = new BigInt64Array(buffer, byteOffset + from, (length - from) >>> 3);
    unmaskLongs(longs, 0, longs.length, key);
    unmaskBytes(view, from + (longs.length << 3), length, key);
  },
};

/** The same as {@link wordsOfViews}, with a view of the whole buffer that is made when another buffer comes. */
export function keptWords(): ViewUnmasker {
  let words: Int32Array = new Int32Array();
  return {
    unmask(view, key) {
      if (view.length < WORTH_WORDS_BYTES) {
        unmaskBytes(view, 0, view.length, key);
        return;
      }
      const { buffer, byteOffset, length } = view;
      if (words.buffer !== buffer) words = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
      const from = -byteOffset & 3;
      unmaskBytes(view, 0, from, key);
      key = rotateKey(key, from);
      const first = (byteOffset + from) >>> 2;
      const count = (length - from) >>> 2;
      unmaskWords(words, first, first + count, key);
      unmaskBytes(view, from + (count << 2), length, key);
    },
  };
}

/** The same as {@link longsOfViews}, with a view of the whole buffer that is made when another buffer comes. */
export function keptLongs(): ViewUnmasker {
  let longs: BigInt64Array = new BigInt64Array();
  return {
    unmask(view, key) {
      if (view.length < WORTH_WORDS_BYTES) {
        unmaskBytes(view, 0, view.length, key);
        return;
      }
      const { buffer, byteOffset, length } = view;
      if (longs.buffer !== buffer) longs = new BigInt64Array(buffer, 0, buffer.byteLength >>> 3);
      const from = -byteOffset & 7;
      unmaskBytes(view, 0, from, key);
      key = rotateKey(key, from);
      const first = (byteOffset + from) >>> 3;
      const count = (length - from) >>> 3;
      unmaskLongs(longs, first, first + count, key);
      unmaskBytes(view, from + (count << 3), length, key);
    },
  };
}

/**
 * Eight words of 32 bits a turn in a view in a closure, for a program whose reads all go to one buffer. A view of another buffer is unmasked by
 * bytes.
 */
export function wordsOver(own: ArrayBufferLike): ViewUnmasker {
  const words = new Int32Array(own, 0, own.byteLength >>> 2);
  return {
    unmask(view, key) {
      if (view.length < WORTH_WORDS_BYTES || view.buffer !== own) {
        unmaskBytes(view, 0, view.length, key);
        return;
      }
      const { byteOffset, length } = view;
      const from = -byteOffset & 3;
      unmaskBytes(view, 0, from, key);
      key = rotateKey(key, from);
      let word = (byteOffset + from) >>> 2;
      const count = (length - from) >>> 2;
      const end = word + count;
      for (; word + 8 <= end; word += 8) {
        words[word] = (words[word] as number) ^ key;
        words[word + 1] = (words[word + 1] as number) ^ key;
        words[word + 2] = (words[word + 2] as number) ^ key;
        words[word + 3] = (words[word + 3] as number) ^ key;
        words[word + 4] = (words[word + 4] as number) ^ key;
        words[word + 5] = (words[word + 5] as number) ^ key;
        words[word + 6] = (words[word + 6] as number) ^ key;
        words[word + 7] = (words[word + 7] as number) ^ key;
      }
      for (; word < end; word++) words[word] = (words[word] as number) ^ key;
      unmaskBytes(view, from + (count << 2), length, key);
    },
  };
}

/** The same in four words of 64 bits a turn. */
export function longsOver(own: ArrayBufferLike): ViewUnmasker {
  const longs = new BigInt64Array(own, 0, own.byteLength >>> 3);
  return {
    unmask(view, key) {
      if (view.length < WORTH_WORDS_BYTES || view.buffer !== own) {
        unmaskBytes(view, 0, view.length, key);
        return;
      }
      const { byteOffset, length } = view;
      const from = -byteOffset & 7;
      unmaskBytes(view, 0, from, key);
      key = rotateKey(key, from);
      const half = BigInt(key >>> 0);
      const long = BigInt.asIntN(64, (half << 32n) | half);
      let at = (byteOffset + from) >>> 3;
      const count = (length - from) >>> 3;
      const end = at + count;
      for (; at + 4 <= end; at += 4) {
        longs[at] = (longs[at] as bigint) ^ long;
        longs[at + 1] = (longs[at + 1] as bigint) ^ long;
        longs[at + 2] = (longs[at + 2] as bigint) ^ long;
        longs[at + 3] = (longs[at + 3] as bigint) ^ long;
      }
      for (; at < end; at++) longs[at] = (longs[at] as bigint) ^ long;
      unmaskBytes(view, from + (count << 3), length, key);
    },
  };
}

/** The byte at `from` meets the first byte of the key. */
function unmaskBytes(bytes: Uint8Array, from: number, to: number, key: number): void {
  for (let at = from; at < to; at++) {
    bytes[at] = (bytes[at] as number) ^ key;
    key = rotateKey(key, 1);
  }
}

function unmaskWords(words: Int32Array, from: number, to: number, key: number): void {
  let word = from;
  for (; word + 8 <= to; word += 8) {
    words[word] = (words[word] as number) ^ key;
    words[word + 1] = (words[word + 1] as number) ^ key;
    words[word + 2] = (words[word + 2] as number) ^ key;
    words[word + 3] = (words[word + 3] as number) ^ key;
    words[word + 4] = (words[word + 4] as number) ^ key;
    words[word + 5] = (words[word + 5] as number) ^ key;
    words[word + 6] = (words[word + 6] as number) ^ key;
    words[word + 7] = (words[word + 7] as number) ^ key;
  }
  for (; word < to; word++) words[word] = (words[word] as number) ^ key;
}

function unmaskLongs(longs: BigInt64Array, from: number, to: number, key: number): void {
  const half = BigInt(key >>> 0);
  const long = BigInt.asIntN(64, (half << 32n) | half);
  let at = from;
  for (; at + 4 <= to; at += 4) {
    longs[at] = (longs[at] as bigint) ^ long;
    longs[at + 1] = (longs[at + 1] as bigint) ^ long;
    longs[at + 2] = (longs[at + 2] as bigint) ^ long;
    longs[at + 3] = (longs[at + 3] as bigint) ^ long;
  }
  for (; at < to; at++) longs[at] = (longs[at] as bigint) ^ long;
}
