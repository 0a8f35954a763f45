import { CloseCode } from '../protocol/close.js';
import { readCloseStatus } from '../protocol/close-payload.js';
import { MASK } from '../protocol/frame-header.js';
import { extendedLengthBytes } from '../protocol/frame-headers.js';
import {
  checkFirstByte,
  checkLength64,
  controlTooLong,
  masked,
  notMasked,
  readLength16,
} from '../protocol/frame-rules.js';
import { MAX_CONTROL_PAYLOAD_BYTES, Opcode, RSV_BITS } from '../protocol/opcode.js';
import { type BrokenRule, brokenBy, brokenIn } from './broken-rule.js';

/** The side that sends a frame. */
export type Side = 'client' | 'server';

/** What the header of a frame is judged by, beside its own bytes. */
export interface HeaderContext {
  /** Undefined if it is not known. */
  readonly from: Side | undefined;
  /** The reserved bits that extensions give a meaning to. */
  readonly allowedRsv: number;
}

/**
 * All rules that a header breaks (RFC 6455 sections 5.1 to 5.5). A receiver needs only the first of them.
 * @param header may be cut off: then what is there is judged.
 * @param isMidMessage whether a message has begun in an earlier frame, and has not ended.
 */
export function brokenInHeader(header: Uint8Array, isMidMessage: boolean, context: HeaderContext): BrokenRule[] {
  const [first = 0, second] = header;
  const byFirst = brokenIn(() => checkFirstByte(first, isMidMessage, context.allowedRsv));
  // The check ends at the reserved bits.
  const behindRsv =
    byFirst?.rule === 'rsv' ? brokenIn(() => checkFirstByte(first & ~RSV_BITS, isMidMessage, 0)) : undefined;
  const found = [byFirst, behindRsv];
  if (second !== undefined) {
    found.push(brokenMask(second, context), brokenControlLength(first, second), brokenLength(header, second));
  }
  return found.filter((one) => one !== undefined);
}

function brokenMask(second: number, { from }: HeaderContext): BrokenRule | undefined {
  const isMasked = (second & MASK) !== 0;
  if (from === 'client' && !isMasked) return brokenBy(notMasked());
  return from === 'server' && isMasked ? brokenBy(masked()) : undefined;
}

function brokenControlLength(first: number, second: number): BrokenRule | undefined {
  const isControl = (first & 0x0f) >= Opcode.CLOSE;
  return isControl && (second & ~MASK) > MAX_CONTROL_PAYLOAD_BYTES ? brokenBy(controlTooLong()) : undefined;
}

function brokenLength(header: Uint8Array, second: number): BrokenRule | undefined {
  return brokenIn(() => {
    const bytes = extendedLengthBytes(second);
    if (bytes === 8) checkLength64(header, 2, header.length);
    else if (bytes === 2 && header.length >= 4) readLength16(header, 2);
  });
}

/** All rules that the payload of a Close frame breaks (RFC 6455 sections 5.5.1 and 7.4), unmasked and whole. */
export function brokenInClose(payload: Uint8Array): BrokenRule[] {
  const broken = brokenIn(() => readCloseStatus(payload));
  if (broken?.rule !== 'close-code') return broken === undefined ? [] : [broken];
  // The check ends at the code.
  const withGoodCode = Uint8Array.of(CloseCode.NORMAL >>> 8, CloseCode.NORMAL & 0xff, ...payload.subarray(2));
  return [broken, ...brokenInClose(withGoodCode)];
}
