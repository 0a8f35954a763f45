import { CloseCode, type CloseStatus, isSendableCloseCode } from './close.js';
import { MAX_CONTROL_PAYLOAD_BYTES } from './opcode.js';
import { ProtocolError } from './protocol-error.js';

/** The longest close reason, in bytes of UTF-8: the longest payload of a control frame without the code (RFC 6455 section 5.5). */
export const MAX_CLOSE_REASON_BYTES = MAX_CONTROL_PAYLOAD_BYTES - 2;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The code at the beginning of a Close frame's payload, which has two bytes at least (RFC 6455 section 5.5.1). */
export function closeCodeIn(payload: Uint8Array): number {
  return ((payload[0] as number) << 8) | (payload[1] as number);
}

/**
 * Reads the payload of a Close frame, unmasked (RFC 6455 section 5.5.1).
 * @throws ProtocolError 1002 for one byte or for a code that must not be sent, 1007 for a reason that is not UTF-8.
 */
export function readCloseStatus(payload: Uint8Array): CloseStatus {
  if (payload.length === 0) return { code: CloseCode.NO_STATUS, reason: '' };
  if (payload.length === 1) throw new ProtocolError('close-payload', 'close payload of one byte');
  const code = closeCodeIn(payload);
  if (!isSendableCloseCode(code)) throw new ProtocolError('close-code', `close code ${code} may not be sent`);
  try {
    return { code, reason: decoder.decode(payload.subarray(2)) };
  } catch {
    // A fatal decoder throws for nothing else.
    throw new ProtocolError('close-reason', 'close reason is not UTF-8');
  }
}

/** A code or a reason was given to `close()` that cannot be sent in a Close frame (RFC 6455 sections 5.5.1 and 7.4). */
export class CloseArgumentError extends RangeError {
  /** The same for every error of this class. */
  readonly code = 'WSLOOM_CLOSE_ARGUMENT';
  override readonly name = 'CloseArgumentError';
}

/** As much of a reason as a Close frame can hold (RFC 6455 section 5.5): whole characters, in at most {@link MAX_CLOSE_REASON_BYTES}. */
export function fittingReason(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(MAX_CLOSE_REASON_BYTES));
  return reason.slice(0, read);
}

/**
 * Makes the payload of a Close frame: empty without a code, else the code and the reason (RFC 6455 section 5.5.1).
 * @throws CloseArgumentError for a code that must not be sent, a reason that is not a string or over 123 bytes of UTF-8.
 */
export function closePayload(code: number | undefined, reason = ''): Uint8Array {
  if (typeof reason !== 'string') {
    throw new CloseArgumentError(`a close reason must be a string, got ${typeof reason}`);
  }
  if (code === undefined) {
    if (reason !== '') throw new CloseArgumentError('a close reason needs a close code');
    return new Uint8Array(0);
  }
  if (!isSendableCloseCode(code)) {
    throw new CloseArgumentError(
      `a close code must be 1000 to 1003, 1007 to 1014, or 3000 to 4999 (yours to use), got ${String(code)}`,
    );
  }
  const text = new TextEncoder().encode(reason);
  if (text.length > MAX_CLOSE_REASON_BYTES) {
    throw new CloseArgumentError(
      `a close reason must be at most ${MAX_CLOSE_REASON_BYTES} bytes of UTF-8, got ${text.length}`,
    );
  }
  return joinCloseStatus(code, text);
}

/** The payload of a Close frame with this code and reason, legal or not (RFC 6455 section 5.5.1). */
export function joinCloseStatus(code: number, reason: Uint8Array): Uint8Array {
  const payload = new Uint8Array(2 + reason.length);
  payload[0] = code >>> 8;
  payload[1] = code & 0xff;
  payload.set(reason, 2);
  return payload;
}
