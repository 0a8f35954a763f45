/*
 * SHA-1 (FIPS 180-4, section 6.1.2). Browsers have it only on pages that came over TLS or from the same machine, and only as a promise.
 * It is broken as a signature. The opening handshake needs it for something else: see RFC 6455 section 10.8.
 */

const BLOCK_BYTES = 64;
const ROUNDS = 80;

/** The state before the first block (section 5.3.1). */
const FIRST_STATE = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];

/** SHA-1 of bytes: 20 bytes. */
export function sha1(message: Uint8Array): Uint8Array {
  const padded = pad(message);
  const state = Uint32Array.from(FIRST_STATE);
  for (let at = 0; at < padded.byteLength; at += BLOCK_BYTES) addBlock(state, padded, at);
  const digest = new DataView(new ArrayBuffer(20));
  state.forEach((word, i) => {
    digest.setUint32(4 * i, word);
  });
  return new Uint8Array(digest.buffer);
}

/** The message, a bit that is 1, zeros, and the length in bits: whole blocks (section 5.1.1). */
function pad(message: Uint8Array): DataView {
  const blocks = Math.ceil((message.length + 9) / BLOCK_BYTES);
  const bytes = new Uint8Array(blocks * BLOCK_BYTES);
  bytes.set(message);
  bytes[message.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setBigUint64(bytes.length - 8, BigInt(message.length) * 8n);
  return view;
}

function addBlock(state: Uint32Array, message: DataView, at: number): void {
  const words = new Uint32Array(ROUNDS);
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
  for (let t = 0; t < ROUNDS; t++) {
    words[t] = t < 16 ? message.getUint32(at + 4 * t) : rotate(mixed(words, t), 1);
    const [f, constant] = roundOf(t, b, c, d);
    const next = (rotate(a, 5) + f + e + constant + (words[t] as number)) >>> 0; // t is below ROUNDS
    [e, d, c, b, a] = [d, c, rotate(b, 30), a, next];
  }
  [a, b, c, d, e].forEach((word, i) => {
    state[i] = (state[i] as number) + word; // five words, as the state has
  });
}

function mixed(words: Uint32Array, t: number): number {
  return [3, 8, 14, 16].reduce((mix, back) => mix ^ (words[t - back] as number), 0); // t is 16 at least
}

/** The function and the constant of a round (sections 4.1.1 and 4.2.1). */
function roundOf(t: number, b: number, c: number, d: number): [f: number, constant: number] {
  if (t < 20) return [(b & c) | (~b & d), 0x5a827999];
  if (t < 40) return [b ^ c ^ d, 0x6ed9eba1];
  if (t < 60) return [(b & c) | (b & d) | (c & d), 0x8f1bbcdc];
  return [b ^ c ^ d, 0xca62c1d6];
}

function rotate(word: number, bits: number): number {
  return ((word << bits) | (word >>> (32 - bits))) >>> 0;
}
