import { printableJson } from '../telemetry/printable.js';

/** What may stand between bytes: white space, colons, commas. */
const SEPARATOR = /[\s:,]/;

/** The two digits of each byte. */
const DIGITS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** How many bytes are written at a time: a list of the digits of 16 MiB would take a few hundred megabytes. */
const WRITTEN_AT_A_TIME = 1024;

/** Bytes in hexadecimal, two digits each. @param separator between the bytes. */
export function hexOf(bytes: Uint8Array, separator = ''): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += WRITTEN_AT_A_TIME) {
    parts.push(Array.from(bytes.subarray(at, at + WRITTEN_AT_A_TIME), (byte) => DIGITS[byte]).join(separator));
  }
  return parts.join(separator);
}

/**
 * Reads bytes in hexadecimal, as tools print them: with or without white space, colons or commas between bytes, and with or without
 * `0x` or `\x` in front of them. The text may come in parts that are cut anywhere.
 */
export class HexReader {
  /** How many characters have come. */
  #position = 0;
  /** The first digit of a byte whose second one has not come. */
  #high: number | undefined;
  /** Whether a `0x` may begin with what has come: at a `0` behind a separator, or a backslash. */
  #before: '' | '0' | '\\' = '';
  /** Whether the next character begins a group of digits. */
  #isStart = true;

  /**
   * Takes the next part of the text. @returns the bytes that are whole with it.
   * @throws SyntaxError for what is no hexadecimal, with its place.
   */
  feed(text: string): Uint8Array {
    const bytes = new Uint8Array((text.length + 1) >>> 1);
    let length = 0;
    for (const character of text) {
      this.#position++;
      const byte = this.#take(character);
      if (byte !== undefined) bytes[length++] = byte;
    }
    return bytes.subarray(0, length);
  }

  /** To be called behind the last part. @throws SyntaxError if a byte lacks its second digit. */
  end(): void {
    if (this.#before === '\\') throw new SyntaxError('a backslash at the end');
    if (this.#high !== undefined) throw oddDigits(this.#position);
  }

  #take(character: string): number | undefined {
    const before = this.#before;
    this.#before = '';
    if (character === 'x' || character === 'X') {
      if (before === '') throw this.#notHex(character);
      this.#high = undefined;
      this.#isStart = true;
      return undefined;
    }
    if (before === '\\') throw this.#notHex(character);
    if (character === '\\' || SEPARATOR.test(character)) {
      if (this.#high !== undefined) throw oddDigits(this.#position - 1);
      this.#isStart = true;
      if (character === '\\') this.#before = '\\';
      return undefined;
    }
    const digit = /^[0-9a-fA-F]$/.test(character) ? Number.parseInt(character, 16) : undefined;
    if (digit === undefined) throw this.#notHex(character);
    const high = this.#high;
    if (high === undefined) {
      if (this.#isStart && digit === 0) this.#before = '0';
      this.#isStart = false;
      this.#high = digit;
      return undefined;
    }
    this.#high = undefined;
    return high * 16 + digit;
  }

  #notHex(character: string): SyntaxError {
    return new SyntaxError(`no digit of hex at position ${this.#position}: ${printableJson(character)}`);
  }
}

function oddDigits(position: number): SyntaxError {
  return new SyntaxError(`a byte of one digit at position ${position}: each has two`);
}

/** Reads bytes in hexadecimal from a text: see {@link HexReader}. @throws SyntaxError for what is no hexadecimal. */
export function readHex(text: string): Uint8Array {
  const reader = new HexReader();
  const bytes = reader.feed(text);
  reader.end();
  return bytes;
}
