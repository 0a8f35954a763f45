import { MASKING_KEY_BYTES } from '../protocol/client-frame.js';
import { MASK } from '../protocol/frame-header.js';
import { extendedLengthBytes } from '../protocol/frame-headers.js';
import { FIN, Opcode, opcodeName } from '../protocol/opcode.js';
import type { DissectedFrame } from './dissected-frame.js';
import { hexOf } from './hex.js';
import { bytesInWords, payloadInWords } from './payload-in-words.js';

/** The name of a field, as the drawing of RFC 6455 section 5.2 has it. */
export type FieldName =
  | 'FIN'
  | 'RSV1'
  | 'RSV2'
  | 'RSV3'
  | 'opcode'
  | 'MASK'
  | 'Payload len'
  | 'Extended payload length'
  | 'Masking-key'
  | 'Payload Data';

/** One field of a frame (RFC 6455 section 5.2). */
export interface FrameField {
  readonly name: FieldName;
  /** Where it begins in the frame, in bits. */
  readonly at: number;
  /** Its length in bits; of a frame that is cut off what it should be. */
  readonly bits: number;
  /** What it has: binary digits of what is shorter than a byte, a number for a length, and else bytes in hexadecimal. */
  readonly value: string;
  /** What that says, in a sentence. */
  readonly meaning: string;
}

/** The fields of a frame, in their order. Of a frame that is cut off they are those of which something has come. */
export function fieldsOf(frame: DissectedFrame): readonly FrameField[] {
  const { header } = frame;
  const [first = 0, second] = header;
  const fields = firstByteFields(first, frame);
  if (second === undefined) return fields;
  fields.push(...secondByteFields(second));
  let at = 2;
  const lengthBytes = extendedLengthBytes(second);
  if (header.length > at && lengthBytes > 0) {
    fields.push(lengthField(header.subarray(at, at + lengthBytes), lengthBytes));
  }
  at += lengthBytes;
  if (header.length > at) fields.push(keyField(header.subarray(at), at));
  if (frame.declaredBytes !== undefined && frame.declaredBytes > 0) {
    fields.push(payloadField(frame, frame.declaredBytes));
  }
  return fields;
}

function firstByteFields(first: number, { contents }: DissectedFrame): FrameField[] {
  const opcode = first & 0x0f;
  const isFinal = first >= FIN;
  return [
    { name: 'FIN', at: 0, bits: 1, value: isFinal ? '1' : '0', meaning: finInWords(opcode, isFinal) },
    ...[1, 2, 3].map((n) => reservedField(n, first, contents === 'compressed')),
    {
      ...({ name: 'opcode', at: 4, bits: 4, value: binary(opcode, 4) } as const),
      meaning: `${opcodeName(opcode) ?? `0x${opcode.toString(16)}`}: ${opcodeInWords(opcode, isFinal)}.`,
    },
  ];
}

function finInWords(opcode: number, isFinal: boolean): string {
  const isData = opcode < Opcode.CLOSE;
  if (isData) return isFinal ? 'The message ends with this frame.' : 'The message goes on in another frame.';
  return isFinal ? 'A control frame is always whole.' : 'It is a fragment, which no control frame may be.';
}

function opcodeInWords(opcode: number, isFinal: boolean): string {
  switch (opcode) {
    case Opcode.CONTINUATION:
      return isFinal ? 'the last fragment of a message' : 'a fragment of a message, neither the first nor the last';
    case Opcode.TEXT:
      return isFinal ? 'a text message' : 'the first fragment of a text message';
    case Opcode.BINARY:
      return isFinal ? 'a binary message' : 'the first fragment of a binary message';
    case Opcode.CLOSE:
      return 'the sender closes the connection';
    case Opcode.PING:
      return 'the receiver has to answer with a Pong that has the same payload';
    case Opcode.PONG:
      return 'the answer to a Ping, or a sign of life';
    default:
      return `reserved for ${opcode < Opcode.CLOSE ? 'data' : 'control'} frames of the future`;
  }
}

function reservedField(n: number, first: number, isCompressed: boolean): FrameField {
  const isSet = (first & (FIN >>> n)) !== 0;
  const inUse = n === 1 && isCompressed ? 'The message is compressed (RFC 7692).' : 'Reserved for extensions.';
  return {
    ...{ name: `RSV${n}` as FieldName, at: n, bits: 1, value: isSet ? '1' : '0' },
    meaning: isSet ? inUse : 'No extension uses it.',
  };
}

function secondByteFields(second: number): FrameField[] {
  const isMasked = (second & MASK) !== 0;
  const length = second & ~MASK;
  const extended = extendedLengthBytes(second) * 8;
  return [
    {
      ...{ name: 'MASK', at: 8, bits: 1, value: isMasked ? '1' : '0' },
      meaning: isMasked
        ? 'The payload is masked, as in all frames of clients.'
        : 'The payload is not masked, as in all frames of servers.',
    },
    {
      ...{ name: 'Payload len', at: 9, bits: 7, value: binary(length, 7) },
      meaning: extended === 0 ? lengthInWords(String(length)) : `${length}: the next ${extended} bits have the length.`,
    },
  ];
}

/** @param bytes those of the length that have come. @param whole how many there should be. */
function lengthField(bytes: Uint8Array, whole: number): FrameField {
  const length = String(BigInt(`0x${hexOf(bytes)}`)); // exact, which a number need not be
  const isWhole = bytes.length === whole;
  return {
    ...{ name: 'Extended payload length', at: 16, bits: whole * 8, value: isWhole ? length : hexOf(bytes, ' ') },
    meaning: isWhole ? lengthInWords(length) : partInWords(bytes, whole),
  };
}

/** @param bytes those of the key that have come. @param at where it begins, in bytes. */
function keyField(bytes: Uint8Array, at: number): FrameField {
  const isWhole = bytes.length === MASKING_KEY_BYTES;
  return {
    ...{ name: 'Masking-key', at: at * 8, bits: MASKING_KEY_BYTES * 8, value: hexOf(bytes, ' ') },
    meaning: isWhole
      ? 'The bytes of the payload were combined with these by XOR, in turn.'
      : partInWords(bytes, MASKING_KEY_BYTES),
  };
}

function payloadField(frame: DissectedFrame, declaredBytes: number): FrameField {
  const { header, payload, payloadBytes, contents } = frame;
  return {
    ...{ name: 'Payload Data', at: header.length * 8, bits: declaredBytes * 8 },
    value: bytesInWords(declaredBytes),
    meaning: payloadBytes === 0 ? 'Nothing of it has come.' : payloadInWords(payload, payloadBytes, contents),
  };
}

function partInWords(bytes: Uint8Array, whole: number): string {
  return `It is cut off: ${bytes.length} of ${bytesInWords(whole)}.`;
}

function lengthInWords(length: string): string {
  return `The payload has ${length} ${length === '1' ? 'byte' : 'bytes'}.`;
}

function binary(value: number, digits: number): string {
  return value.toString(2).padStart(digits, '0');
}
