import { excerpt } from '../../options/shown.js';
import { HandshakeResponseError } from './handshake-response-error.js';
import { isToken } from './header-grammar.js';

/** The status line and the header fields of an HTTP/1.1 response (RFC 9112 sections 4 and 5). */
export interface ResponseHead {
  /** The HTTP status, 101 or 200 to 599. */
  readonly status: number;
  /** The reason phrase, which may be empty. */
  readonly reason: string;
  /** The names and values of all field lines in turn, as they came: one character per byte, without the space around values. */
  readonly rawHeaders: readonly string[];
}

/** The longest head that is read, in bytes. Servers allow as much to a request. */
const MAX_HEAD_BYTES = 16 * 1024;

const VERSION = 'HTTP/1.';
const CR = 0x0d;
const LF = 0x0a;
/** Of the empty line, with the end of the line before it: CR LF CR LF. */
const END_BYTES = 4;

/**
 * Takes the head of a response out of a stream of bytes, however it is cut (RFC 9112 sections 2 to 5, without what is obsolete
 * there). Interim responses in front of it, which are 100 to 199 except 101, are passed over.
 */
export class ResponseHeadReader {
  #bytes: Uint8Array = new Uint8Array(0);
  /** How many of the bytes have been searched for the end. */
  #searched = 0;
  #head: ResponseHead | undefined;

  /** The head; undefined until it is whole. */
  get head(): ResponseHead | undefined {
    return this.#head;
  }

  /**
   * Takes what one read has brought.
   * @returns what was read behind the head, which may be empty; undefined while the head is not whole.
   * @throws HandshakeResponseError as soon as it is known that these bytes are no head, or that the head is too long.
   */
  feed(bytes: Uint8Array): Uint8Array | undefined {
    this.#bytes = joined(this.#bytes, bytes);
    for (;;) {
      checkVersion(this.#bytes);
      const end = endOfHead(this.#bytes, this.#searched);
      if ((end < 0 ? this.#bytes.length : end) > MAX_HEAD_BYTES) {
        throw new HandshakeResponseError(
          'WSLOOM_RESPONSE_TOO_LARGE',
          `its head must be at most ${MAX_HEAD_BYTES} bytes`,
        );
      }
      if (end < 0) {
        this.#searched = Math.max(0, this.#bytes.length - END_BYTES + 1);
        return undefined;
      }
      const head = parseHead(latin1(this.#bytes, end));
      const rest = this.#bytes.subarray(end + END_BYTES);
      if (head.status >= 200 || head.status === 101) {
        this.#head = head;
        return rest;
      }
      this.#bytes = rest;
      this.#searched = 0;
    }
  }
}

/** Judges the bytes that have come: a peer that does not speak HTTP may never send the end of a head. */
function checkVersion(bytes: Uint8Array): void {
  const present = Math.min(bytes.length, VERSION.length);
  if (latin1(bytes, present) === VERSION.slice(0, present)) return;
  throw syntaxError(`it must begin with "HTTP/1.", got ${excerpt(latin1(bytes, 64))}`);
}

/** Where the empty line begins, with the end of the line before it, from `start` on; -1 if it has not come. */
function endOfHead(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(CR, start); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) return at;
  }
  return -1;
}

/** The first bytes, one character each. There are not more of them than a head may have, which a call can take as arguments. */
function latin1(bytes: Uint8Array, length: number): string {
  return String.fromCharCode(...bytes.subarray(0, length));
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function parseHead(text: string): ResponseHead {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const [, digits, reason = ''] = /^HTTP\/1\.[1-9] ([1-5]\d\d)(?: ([^\0\n\r]*))?$/.exec(statusLine) ?? [];
  if (digits === undefined) {
    throw syntaxError(`its first line must be "HTTP/1.1", a status and a reason, got ${excerpt(statusLine)}`);
  }
  const rawHeaders: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    const value = trimmed(line, colon + 1);
    if (!isToken(name) || /[\0\n\r]/.test(value)) {
      throw syntaxError(`a header must be a name, a colon and a value, got ${excerpt(line)}`);
    }
    rawHeaders.push(name, value);
  }
  return { status: Number(digits), reason, rawHeaders };
}

/** The rest of a line without the spaces and tabs around it. `trim` would take other characters too. */
function trimmed(line: string, start: number): string {
  let end = line.length;
  while (start < end && isSpace(line.charCodeAt(start))) start++;
  while (end > start && isSpace(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function syntaxError(message: string): HandshakeResponseError {
  return new HandshakeResponseError('WSLOOM_RESPONSE_SYNTAX', message);
}
