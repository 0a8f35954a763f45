/**
 * Frames as clients send them (RFC 6455 section 5.2), valid or not, written as plainly as the drawing in that section. Nothing
 * here is shared with the code under test.
 */

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** The masking key of the examples in section 5.7. */
export const KEY: readonly number[] = [0x37, 0xfa, 0x21, 0x3d];

export interface FrameParts {
  readonly opcode: number;
  /** A string stands for its UTF-8. Empty by default. */
  readonly payload?: Uint8Array | string;
  /** True by default. */
  readonly fin?: boolean;
  /** RSV1, RSV2 and RSV3 as a number of three bits: RSV1 is 4. */
  readonly rsv?: number;
  /** Four bytes, or `null` for a frame that is not masked. */
  readonly key?: readonly number[] | null;
  /** How the length is encoded; by default in the shortest way. */
  readonly lengthBits?: 7 | 16 | 64;
  /** The length in the header; by default the real one. */
  readonly declaredLength?: bigint;
}

export function frame(parts: FrameParts): Buffer {
  const { key = KEY } = parts;
  const payload = bytesOf(parts.payload ?? '');
  return Buffer.concat([
    headerWithoutKey({ ...parts, declaredLength: parts.declaredLength ?? BigInt(payload.length) }),
    Buffer.from(key ?? []),
    key === null ? payload : masked(payload, key),
  ]);
}

/** The header up to the masking key. */
export function headerWithoutKey(parts: FrameParts & { readonly declaredLength: bigint }): Buffer {
  const { opcode, fin = true, rsv = 0, key = KEY, declaredLength: length } = parts;
  const lengthBits = parts.lengthBits ?? (length <= 125n ? 7 : length <= 65535n ? 16 : 64);
  const maskBit = key === null ? 0 : 0x80;
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  if (lengthBits === 7) return Buffer.from([first, maskBit | Number(length)]);
  const header = Buffer.alloc(lengthBits === 16 ? 4 : 10);
  header[0] = first;
  if (lengthBits === 16) {
    header[1] = maskBit | 126;
    header.writeUInt16BE(Number(length), 2);
  } else {
    header[1] = maskBit | 127;
    header.writeBigUInt64BE(length, 2);
  }
  return header;
}

/** Section 5.3: byte i of the payload meets byte i mod 4 of the key. */
export function masked(payload: Uint8Array, key: readonly number[]): Buffer {
  return Buffer.from(payload.map((byte, i) => byte ^ (key[i % 4] as number)));
}

/** The frames of one message, its payload cut at the given places: as many frames as places, and one more. */
export function fragments(opcode: number, payload: Uint8Array | string, ...cuts: number[]): Buffer[] {
  const bytes = bytesOf(payload);
  const bounds = [0, ...cuts, bytes.length];
  return bounds.slice(1).map((end, i) =>
    frame({
      opcode: i === 0 ? opcode : CONTINUATION,
      fin: i === cuts.length,
      payload: bytes.subarray(bounds[i], end),
    }),
  );
}

export function bytesOf(payload: Uint8Array | string): Uint8Array {
  return typeof payload === 'string' ? Buffer.from(payload) : payload;
}

/** Bytes that look random and are the same each time (a xorshift generator). */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = seed * 0x9e3779b1 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** Text of at least `length` bytes with characters of one to four bytes, the same each time. */
export function longText(length: number, seed = 1): Buffer {
  const characters = ['a', '7', ' ', '\u00e9', '\u07ff', '\u20ac', '\ud7ff', '\ufffd', '\u{1f600}', '\u{10ffff}'];
  const runs = noise(Math.ceil(length / 2), seed);
  const parts: string[] = [];
  for (let i = 0, size = 0; size < length; i++) {
    const byte = runs[i % runs.length] as number;
    const part = (characters[byte % characters.length] as string).repeat(1 + (byte >>> 5));
    parts.push(part);
    size += Buffer.byteLength(part);
  }
  return Buffer.from(parts.join(''));
}
