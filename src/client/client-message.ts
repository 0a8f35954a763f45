/** Copies bytes to memory of their own. Small Buffers of Node share their memory: one that is kept would keep the others, and show them. */
export function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/** A message that the server has sent. It has memory of its own and can be kept. */
export class ClientMessage {
  /** Whether this is a binary message and not a text (RFC 6455 section 5.6). */
  readonly isBinary: boolean;
  /** The payload. */
  readonly bytes: Buffer;

  constructor(isBinary: boolean, bytes: Buffer) {
    this.isBinary = isBinary;
    this.bytes = bytes;
  }

  /** The payload as a string. A text message is valid UTF-8; in a binary message, invalid bytes become U+FFFD. */
  text(): string {
    return this.bytes.toString();
  }

  /** Parses the payload. @throws SyntaxError if it is no JSON. */
  json(): unknown {
    return JSON.parse(this.text());
  }
}
