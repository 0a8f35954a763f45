/** Bytes that depend on the seed and on their place: no two messages of a test look alike anywhere. */
export function pattern(seed: number, length: number): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1;
  for (let i = 0; i < words.length; i++) {
    // xorshift32 (Marsaglia, 2003)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return Buffer.from(words.buffer, 0, length);
}

const LETTERS = [...'aé€😀z'];

/** Text of `length` bytes of UTF-8, with sequences of every length at irregular places. */
export function textPattern(seed: number, length: number): Buffer {
  const period = Buffer.from(LETTERS.map((_, i) => LETTERS[(seed + i) % LETTERS.length]).join(''));
  const text = Buffer.alloc(length, period);
  // A sequence that the end has cut is replaced by letters of one byte.
  for (let at = Math.floor(length / period.length) * period.length; at < length; at++) text[at] = 0x78;
  return text;
}

/** A generator of numbers from 0 to 1 that a test can repeat. */
export function random(seed: number): () => number {
  let state = (Math.imul(seed, 0x85ebca6b) ^ 0x27d4eb2f) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A whole number from `least` to `most`; small ones as likely as large ones, by order of magnitude. */
export function randomSize(next: () => number, least: number, most: number): number {
  return Math.min(most, Math.floor(least * ((most + 1) / least) ** next()));
}

/** Compares without printing megabytes. @throws with the first place that differs */
export function expectBytes(actual: Uint8Array, expected: Uint8Array, what = 'message'): void {
  if (Buffer.compare(actual, expected) === 0) return;
  if (actual.length !== expected.length) {
    throw new Error(`${what}: ${actual.length} bytes instead of ${expected.length}`);
  }
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  const excerpt = (bytes: Uint8Array) => Buffer.from(bytes.subarray(at, at + 16)).toString('hex');
  throw new Error(
    `${what} of ${actual.length} bytes differs at ${at}: ${excerpt(actual)} instead of ${excerpt(expected)}`,
  );
}
