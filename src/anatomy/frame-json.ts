import { MASK } from '../protocol/frame-header.js';
import { extendedLengthBytes } from '../protocol/frame-headers.js';
import { FIN, opcodeName } from '../protocol/opcode.js';
import type { BrokenRule } from './broken-rule.js';
import { closeCodeName } from './close-codes.js';
import { type Contents, type DissectedFrame, maskingKeyOf } from './dissected-frame.js';
import { type FrameField, fieldsOf } from './frame-fields.js';
import { hexOf } from './hex.js';
import { textOf } from './payload-in-words.js';

/** A frame as `JSON.stringify` takes it, with bytes in hexadecimal. What a header that is cut off does not say is null. */
export interface FrameJson {
  /** Where the frame begins, in bytes. */
  readonly at: number;
  readonly header: string;
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly rsv2: boolean;
  readonly rsv3: boolean;
  readonly opcode: number;
  /** Null for a reserved opcode. */
  readonly name: string | null;
  readonly masked: boolean | null;
  readonly key: string | null;
  /** The bits that encode the length: 7, 16 or 64. */
  readonly lengthBits: number | null;
  /** The length that the header declares, in bytes. */
  readonly length: number | null;
  /** How many bytes of the payload have come. */
  readonly payloadBytes: number;
  /** The beginning of the payload, unmasked. */
  readonly payload: string;
  /** The same as text, for a text message. */
  readonly text?: string;
  readonly close?: { readonly code: number; readonly name: string | null; readonly reason: string };
  /** The message that ends with this frame; `payload` and `text` are its beginning. */
  readonly message?: {
    readonly contents: Contents;
    readonly frames: number;
    readonly bytes: number;
    /** Of a message that was decompressed: the length that it was sent with. */
    readonly compressedBytes?: number;
    readonly payload: string;
    readonly text?: string;
  };
  readonly fields: readonly FrameField[];
  readonly broken: readonly BrokenRule[];
}

/** A frame as plain data, for a program. */
export function frameJson(frame: DissectedFrame): FrameJson {
  const { at, header, declaredBytes, payloadBytes, payload, contents, close, message, broken } = frame;
  const [first = 0, second] = header;
  const key = maskingKeyOf(frame);
  const opcode = first & 0x0f;
  return {
    ...{ at, header: hexOf(header), fin: first >= FIN },
    ...{ rsv1: (first & 0x40) !== 0, rsv2: (first & 0x20) !== 0, rsv3: (first & 0x10) !== 0 },
    ...{ opcode, name: opcodeName(opcode) ?? null },
    masked: second === undefined ? null : (second & MASK) !== 0,
    key: key === undefined ? null : hexOf(key),
    lengthBits: second === undefined ? null : extendedLengthBytes(second) * 8 || 7,
    ...{ length: declaredBytes ?? null, payloadBytes, ...payloadJson(payload, payloadBytes, contents) },
    ...(close && { close: { ...close, name: closeCodeName(close.code) ?? null } }),
    ...(message && {
      message: {
        ...{ contents: message.contents, frames: message.frames, bytes: message.bytes },
        ...(message.compressedBytes !== undefined && { compressedBytes: message.compressedBytes }),
        ...payloadJson(message.payload, message.bytes, message.contents),
      },
    }),
    ...{ fields: fieldsOf(frame), broken },
  };
}

function payloadJson(payload: Uint8Array, bytes: number, contents: Contents): { payload: string; text?: string } {
  const hex = { payload: hexOf(payload) };
  return contents === 'text' ? { ...hex, text: textOf(payload, payload.length < bytes) } : hex;
}
