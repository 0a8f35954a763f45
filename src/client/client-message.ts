/** The bytes in memory of their own: small Buffers share theirs with others, which whoever keeps one would keep, and could see. */
export function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/** A message from the server. It has memory of its own, and can be kept. */
export class ClientMessage {
  readonly isBinary: boolean;
  readonly bytes: Buffer;

  constructor(isBinary: boolean, bytes: Buffer) {
    this.isBinary = isBinary;
    this.bytes = bytes;
  }

  /** Its UTF-8 as a string. A text message is valid UTF-8; what is not, in a binary one, becomes U+FFFD. */
  text(): string {
    return this.bytes.toString();
  }

  /** @throws SyntaxError if it is no JSON. */
  json(): unknown {
    return JSON.parse(this.text());
  }
}
