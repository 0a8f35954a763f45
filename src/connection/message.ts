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
 * callback returns (in an `async` handler: until the first `await`), and throws a {@link MessageVoidError} afterwards.
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

/** A message where it lies: in the window or a slab of the arena, or on the heap. One per connection, used again. */
export class LentMessage implements Message {
  readonly #arenaBytes: Buffer;
  #live = false;
  #bytes: Buffer;
  #start = 0;
  #length = 0;
  #isBinary = false;
  /** See {@link FrameReader.vacated}. */
  vacated = 0;

  constructor(arenaBytes: Buffer) {
    this.#arenaBytes = arenaBytes;
    this.#bytes = arenaBytes;
  }

  /** Makes it show another message. */
  lend(bytes: Buffer, start: number, length: number, isBinary: boolean, vacated: number): void {
    if (this.#bytes !== bytes) this.#bytes = bytes; // a pointer costs more to write than to compare
    this.#start = start;
    this.#length = length;
    this.#isBinary = isBinary;
    this.vacated = vacated;
    this.#live = true;
  }

  /** Makes it void. */
  revoke(): void {
    this.#live = false;
    if (this.#bytes !== this.#arenaBytes) this.#bytes = this.#arenaBytes; // a message on the heap must not stay for the sake of this object
  }

  get isBinary(): boolean {
    this.#check();
    return this.#isBinary;
  }

  get size(): number {
    this.#check();
    return this.#length;
  }

  /** Where it lies: {@link offset} of these bytes. */
  get source(): Buffer {
    this.#check();
    return this.#bytes;
  }

  get offset(): number {
    return this.#start;
  }

  /** The first byte of a frame that carries it. */
  get firstByte(): number {
    return FIN | (this.#isBinary ? Opcode.BINARY : Opcode.TEXT);
  }

  text(): string {
    this.#check();
    return this.#bytes.toString('utf8', this.#start, this.#start + this.#length);
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.borrow());
  }

  json(): unknown {
    return JSON.parse(this.text());
  }

  borrow(): Uint8Array {
    this.#check();
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#start, this.#length);
  }

  #check(): void {
    if (!this.#live) throw new MessageVoidError();
  }
}
