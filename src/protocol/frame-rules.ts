/** What is forbidden in the frames of both sides (RFC 6455 section 5), and how it is refused. */
import { CloseCode } from './close.js';
import { FIN, Opcode } from './opcode.js';
import { ProtocolError } from './protocol-error.js';

export function violation(what: string): ProtocolError {
  return new ProtocolError(CloseCode.PROTOCOL_ERROR, what);
}

export function notUtf8(): ProtocolError {
  return new ProtocolError(CloseCode.INVALID_PAYLOAD, 'text that is not UTF-8 (RFC 6455 section 8.1)');
}

export function tooBig(bytes: number, maxBytes: number): ProtocolError {
  return new ProtocolError(CloseCode.MESSAGE_TOO_BIG, `message of ${bytes} bytes, at most ${maxBytes} are allowed`);
}

/**
 * Judges the first byte of a frame: reserved bits, opcode, FIN.
 * @param isMidMessage whether the fragments of a message have begun to come, and not ended.
 * @throws ProtocolError
 */
export function checkFirstByte(first: number, isMidMessage: boolean): void {
  const opcode = first & 0x0f;
  if ((first & 0x70) !== 0) throw violation('reserved bits without an extension (RFC 6455 section 5.2)');
  if (opcode >= Opcode.CLOSE) {
    if (opcode > Opcode.PONG) throw violation(`reserved opcode ${opcode} (RFC 6455 section 5.2)`);
    if (first < FIN) throw violation('fragmented control frame (RFC 6455 section 5.5)');
    return;
  }
  if (opcode > Opcode.BINARY) throw violation(`reserved opcode ${opcode} (RFC 6455 section 5.2)`);
  if (opcode === Opcode.CONTINUATION) {
    if (!isMidMessage) throw violation('continuation of nothing (RFC 6455 section 5.4)');
  } else if (isMidMessage) {
    throw violation('new message inside a fragmented one (RFC 6455 section 5.4)');
  }
}

/**
 * Judges a length of 64 bits by the bytes of it that are there: `[at, end)` of the buffer, or the first eight.
 * @throws ProtocolError
 */
export function checkLength64(bytes: Buffer, at: number, end: number): void {
  const present = end - at;
  if (present > 0 && (bytes[at] as number) > 0x7f)
    throw violation('length with the top bit set (RFC 6455 section 5.2)');
  if (present >= 6 && bytes.readUIntBE(at, 6) === 0) {
    throw violation('length of at most 16 bits in 64 bits (RFC 6455 section 5.2)');
  }
}
