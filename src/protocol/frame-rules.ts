/*
 * What RFC 6455 section 5 forbids in the frames of both sides, and the errors that refuse it.
 */
import { FIN, MAX_CONTROL_PAYLOAD_BYTES, Opcode, RSV_BITS } from './opcode.js';
import { PROTOCOL_RULES, ProtocolError, type ProtocolRule } from './protocol-error.js';

/** The error for a broken rule. Its message ends with the section of RFC 6455 that has the rule. */
export function violation(rule: ProtocolRule, found: string): ProtocolError {
  return new ProtocolError(rule, `${found} (RFC 6455 section ${PROTOCOL_RULES[rule].section})`);
}

/** The error for text that is not UTF-8 (RFC 6455 section 8.1). */
export function notUtf8(): ProtocolError {
  return violation('utf8', 'text that is not UTF-8');
}

/** The error for a frame of a client that is not masked (RFC 6455 section 5.1). */
export function notMasked(): ProtocolError {
  return violation('mask', 'frame without a mask');
}

/** The error for a frame of a server that is masked (RFC 6455 section 5.1). */
export function masked(): ProtocolError {
  return violation('mask', 'masked frame from a server');
}

/** The error for a control frame whose length does not fit into 7 bits (RFC 6455 section 5.5). */
export function controlTooLong(): ProtocolError {
  return violation('control-length', `control frame of over ${MAX_CONTROL_PAYLOAD_BYTES} bytes`);
}

/** The error for a message above this side's limit (RFC 6455 section 10.4). */
export function tooBig(bytes: number, maxBytes: number): ProtocolError {
  return new ProtocolError('too-big', `message of ${bytes} bytes, at most ${maxBytes} are allowed`);
}

/**
 * Judges the first byte of a frame: its reserved bits, opcode and FIN (RFC 6455 sections 5.2, 5.4 and 5.5).
 * @param isMidMessage whether a message has begun in an earlier frame, and has not ended.
 * @param allowedRsv the reserved bits that negotiated extensions give a meaning to, such as {@link RSV1}. They may be set in the
 * first frame of a message only, never in a continuation or a control frame (RFC 7692 section 6).
 * @throws ProtocolError for the first of these that is wrong.
 */
export function checkFirstByte(first: number, isMidMessage: boolean, allowedRsv: number): void {
  const opcode = first & 0x0f;
  const rsv = first & RSV_BITS;
  if (rsv !== 0) {
    if ((rsv & ~allowedRsv) !== 0) throw violation('rsv', 'reserved bits without an extension');
    const beginsMessage = opcode === Opcode.TEXT || opcode === Opcode.BINARY;
    if (!beginsMessage) {
      throw new ProtocolError('rsv', 'reserved bits in a frame that begins no message (RFC 7692 section 6)');
    }
  }
  if (opcode >= Opcode.CLOSE) {
    if (opcode > Opcode.PONG) throw violation('opcode', `reserved opcode ${opcode}`);
    if (first < FIN) throw violation('control-fragment', 'fragmented control frame');
    return;
  }
  if (opcode > Opcode.BINARY) throw violation('opcode', `reserved opcode ${opcode}`);
  if (opcode === Opcode.CONTINUATION) {
    if (!isMidMessage) throw violation('fragmentation', 'continuation of nothing');
  } else if (isMidMessage) {
    throw violation('fragmentation', 'new message inside a fragmented one');
  }
}

/**
 * Reads a length of 16 bits, which must be whole (RFC 6455 section 5.2).
 * @throws ProtocolError for one that needs only 7.
 */
export function readLength16(bytes: Uint8Array, at: number): number {
  const length = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  if (length < 126) throw violation('length', `length ${length} in 16 bits`);
  return length;
}

/**
 * Judges a length of 64 bits by those of its bytes that have come (RFC 6455 section 5.2): `[at, end)`, or the first eight of them.
 * @throws ProtocolError for one whose top bit is set, and one that needs only 16 bits.
 */
export function checkLength64(bytes: Uint8Array, at: number, end: number): void {
  const present = end - at;
  if (present > 0 && (bytes[at] as number) > 0x7f) throw violation('length', 'length with the top bit set');
  if (present >= 6 && readUint32(bytes, at) === 0 && bytes[at + 4] === 0 && bytes[at + 5] === 0) {
    throw violation('length', 'length of at most 16 bits in 64 bits');
  }
}

/** Reads a length of 64 bits, which must be whole (RFC 6455 section 5.2). From 2^53 on it is rounded. */
export function readLength64(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) * 0x1_0000_0000 + readUint32(bytes, at + 4);
}

function readUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  return high * 0x1_0000 + low;
}
