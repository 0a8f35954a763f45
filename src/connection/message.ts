import { FIN, Opcode } from '../protocol/opcode.js';
import type { ReportedMessage } from '../protocol/reported-message.js';

/** Thrown when a message is used outside of its own `message` callback: its bytes are not there any more. */
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
 * A message that has just arrived. Its bytes still lie where they were read to, so it can be used only until its `message` callback
 * returns; in an `async` handler, until the first `await`. After that each of its members throws a {@link MessageVoidError}. Do not keep
 * the object: in a later callback of the same connection it is the later message (unless the server has the option `poison`).
 */
export interface Message {
  /** Whether this is a binary message and not a text (RFC 6455 section 5.6). */
  readonly isBinary: boolean;
  /** The length of the payload, in bytes. */
  readonly size: number;
  /** Copies the payload to a string. A text message is valid UTF-8; in a binary message, invalid bytes become U+FFFD. */
  text(): string;
  /** Copies the payload. The copy can be kept. */
  bytes(): Uint8Array;
  /**
   * Parses the payload. @throws SyntaxError if it is no JSON; the connection is closed with 1011 unless the handler catches that. The error
   * quotes nothing of the payload, because it may be logged.
   */
  json(): unknown;
  /**
   * Lends the payload without a copy. The view must not be written to, nor be used after the callback: then it shows other bytes,
   * maybe of another connection. The server cannot prevent that.
   */
  borrow(): Uint8Array;
}

/**
 * A message where it lies: what was reported last on its connection. One per connection, used again: while it is live, it shows
 * whatever is reported.
 */
export class LentMessage implements Message {
  /** What is reported, without a check whether this message is void: see {@link reported}. */
  readonly source: ReportedMessage<Buffer>;
  /** Whether its `message` callback is running. */
  isLive = false;

  constructor(source: ReportedMessage<Buffer>) {
    this.source = source;
  }

  get isBinary(): boolean {
    this.#check();
    return this.source.firstByte === (FIN | Opcode.BINARY);
  }

  get size(): number {
    this.#check();
    return this.source.length;
  }

  /** Where it lies, how long it is, and what carries it. */
  get reported(): ReportedMessage {
    this.#check();
    return this.source;
  }

  text(): string {
    this.#check();
    const { bytes, start, length } = this.source;
    return bytes.toString('utf8', start, start + length);
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.borrow());
  }

  json(): unknown {
    const text = this.text();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw notJson(error as SyntaxError); // it throws nothing else
    }
  }

  borrow(): Uint8Array {
    this.#check();
    const { bytes, start, length } = this.source;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + start, length);
  }

  #check(): void {
    if (!this.isLive) throw new MessageVoidError();
  }
}

/** An error that says of that of the engine only where the mistake is: the engine quotes what is around it. */
function notJson({ message }: SyntaxError): SyntaxError {
  const [, where = ''] = / in JSON( at position \d+)(?: \(line \d+ column \d+\))?$/.exec(message) ?? [];
  return new SyntaxError(`the message is not valid JSON${where}`);
}
