/**
 * Unmasks payloads (RFC 6455 section 5.3) and validates UTF-8 (section 8.1) for the framing loop, in place, at byte offsets into
 * the memory of the thread's arena.
 *
 * Offsets and lengths are bytes inside that memory and are not checked: a kernel touches exactly `[offset, offset + length)`.
 */
export interface Kernel {
  /** The name by which the kernel is chosen and printed: `js`, `wasm`, `wasm-scalar`, `native` or `auto`. */
  readonly name: string;

  /**
   * XORs each byte with the masking key. Byte `i` of the range meets byte `i mod 4` of `key`, an int32 whose least
   * significant byte comes first; a caller in the middle of a payload rotates the key first ({@link rotateKey}).
   */
  unmask(offset: number, length: number, key: number): void;

  /**
   * Advances a UTF-8 decoder over the range and returns its new state: `Utf8.ACCEPT` between characters,
   * `Utf8.REJECT` as soon as no continuation could make the text valid, another value inside a character.
   * `state` is what the previous call returned, so a character may be cut anywhere. `Utf8.REJECT` stays.
   */
  validate(offset: number, length: number, state: number): number;

  /**
   * `unmask` and `validate` of the unmasked bytes, in one pass. When it returns `Utf8.REJECT`, the contents of the range
   * are unspecified.
   */
  unmaskText(offset: number, length: number, key: number, state: number): number;

  /**
   * Unmasks a text, and finds out how much of its front is ASCII. Undefined if this kernel cannot do that.
   * @returns how many bytes at the front are known to be ASCII: `length` if all are.
   */
  readonly unmaskAscii?: ((offset: number, length: number, key: number) => number) | undefined;

  /** Many frames in one call. Undefined if this kernel does not have it. */
  readonly batch?: BatchKernel | undefined;
}

/**
 * Handles many small frames in one call. Each frame is a row of a table in the same memory. A row has two int32: the offset of
 * the payload, and 256 times the length of the payload plus the first byte of the frame.
 */
export interface BatchKernel {
  /**
   * Unmasks the messages at the front of `[at, end)`, and validates those that are text. It stops at the first frame that is not
   * a whole message, or longer than `maxBytes` (text: `maxTextBytes`), or wrong in any way. That frame, and everything behind it,
   * is left as it was.
   * @returns how many messages there are, at most `maxRows`.
   */
  scan(at: number, end: number, maxBytes: number, maxTextBytes: number, table: number, maxRows: number): number;

  /**
   * Writes the unmasked frames for the rows of a table, one behind the other from `to` on. Their payloads have at most
   * 65535 bytes. Up to 15 bytes behind the last frame are overwritten, and up to 15 bytes behind each payload are read:
   * they must be within the memory.
   * @returns where the last frame ends.
   */
  gather(table: number, rows: number, to: number): number;
}

/** The masking key for a place `bytes` further on in the payload: byte 0 of the result is byte `bytes mod 4` of `key`. */
export function rotateKey(key: number, bytes: number): number {
  const bits = (bytes & 3) << 3;
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits));
}
