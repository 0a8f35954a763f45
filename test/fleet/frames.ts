import fc from 'fast-check';
import { MAX_SERVER_HEADER_BYTES, writeFrameHeader } from '../../dist/protocol/frame-header.js';
import { FIN, Opcode } from '../../dist/protocol/opcode.js';

const TEXT = FIN | Opcode.TEXT;
export const BINARY = FIN | Opcode.BINARY;

/** A whole message as a server sends it. */
export function frameOf(payload: string | Uint8Array, firstByte = typeof payload === 'string' ? TEXT : BINARY): Buffer {
  const bytes = Buffer.from(payload as Uint8Array);
  const header = Buffer.alloc(MAX_SERVER_HEADER_BYTES);
  return Buffer.concat([header.subarray(0, writeFrameHeader(header, 0, firstByte, bytes.length)), bytes]);
}

/** The frames of several messages. */
export const framesOf = (...payloads: (string | Uint8Array)[]) => Buffer.concat(payloads.map((one) => frameOf(one)));

const size = fc.oneof(
  fc.constantFrom(0, 1, 125, 126, 127, 3000, 65_535, 65_536, 70_000),
  fc.integer({ min: 0, max: 300 }),
);

/** A message: text or binary, of all sizes. */
export const anyMessage = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.tuple(size, fc.integer({ min: 0, max: 255 })).map(([length, byte]) => new Uint8Array(length).fill(byte)),
);
