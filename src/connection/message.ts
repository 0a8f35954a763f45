import type { FrameReader } from '../protocol/frame-reader.js';
import { FIN, Opcode } from '../protocol/opcode.js';

/** A message was touched when it was void: outside its own `message` callback. */
export class MessageVoidError extends Error {
  readonly code = 'WSLOOM_MESSAGE_VOID';
  override readonly name = 'MessageVoidError';

  constructor() {
    super(
      'this message is void: its bytes are only there during its own message() callback, and in an async handler until the first await; copy what you need before, with .bytes(), .text() or .json()',
    );
  }
}

/**
 * A message that has just arrived. Its bytes still lie where they were read to; it is valid only until its `message`
 * callback returns (in an `async` handler: until the first `await`), and throws a {@link MessageVoidError} afterwards. In a later
 * `message` callback of the same connection the object is that message, unless the server has the option `poison`.
 */
export interface Message {
  /** True for a binary message, false for a text (RFC 6455 section 5.6). */
  readonly isBinary: boolean;
  /** Of the payload, in bytes. */
  readonly size: number;
  /** A copy as a string. A text has been checked to be UTF-8; in a binary message, what is not becomes U+FFFD. */
  text(): string;
  /** A copy of the bytes, yours to keep. */
  bytes(): Uint8Array;
  /** The text, parsed. @throws SyntaxError if it is not JSON; the connection is then closed with 1011 unless you catch it. */
  json(): unknown;
  /**
   * The bytes themselves, not copied. The view cannot be taken back: it is yours until the callback returns, and shows
   * other bytes, maybe of another connection, afterwards. Do not write to it.
   */
  borrow(): Uint8Array;
}

/**
 * A message where it lies: what the frame reader of its connection has reported last. One per connection, used again: while
 * it is live, it shows whatever the reader shows.
 */
export class LentMessage implements Message {
  /** Of its connection. What it says is not to be asked of a message that may be void: see {@link reported}. */
  readonly reader: FrameReader;
  /** Whether its `message` callback is running. */
  isLive = false;

  constructor(reader: FrameReader) {
    this.reader = reader;
  }

  get isBinary(): boolean {
    this.#check();
    return this.reader.firstByte === (FIN | Opcode.BINARY);
  }

  get size(): number {
    this.#check();
    return this.reader.length;
  }

  /** Where it lies, how long it is, and what carries it. */
  get reported(): FrameReader {
    this.#check();
    return this.reader;
  }

  text(): string {
    this.#check();
    const { bytes, start, length } = this.reader;
    return bytes.toString('utf8', start, start + length);
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.borrow());
  }

  json(): unknown {
    return JSON.parse(this.text());
  }

  borrow(): Uint8Array {
    this.#check();
    const { bytes, start, length } = this.reader;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + start, length);
  }

  #check(): void {
    if (!this.isLive) throw new MessageVoidError();
  }
}
