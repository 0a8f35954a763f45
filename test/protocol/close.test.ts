import { describe, expect, test } from 'vitest';
import { CloseCode, isSendableCloseCode } from '../../dist/protocol/close.js';
import {
  CloseArgumentError,
  closePayload,
  fittingReason,
  MAX_CLOSE_REASON_BYTES,
  readCloseStatus,
} from '../../dist/protocol/close-payload.js';
import { ProtocolError } from '../../dist/protocol/protocol-error.js';
import { CLOSE, frame } from './client-frames.js';
import { Receiver } from './receiver.js';

/** A code and what follows it. */
function payloadOf(code: number, reason: string | readonly number[] = ''): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, typeof reason === 'string' ? Buffer.from(reason) : Buffer.from(reason)]);
}

/** Sections 7.4.1 and 7.4.2, and the registry that section 11.7 founded. */
const RANGES: readonly (readonly [from: number, to: number, allowed: boolean, why: string])[] = [
  [0, 999, false, 'not used'],
  [1000, 1003, true, 'defined: normal, going away, protocol error, unsupported data'],
  [1004, 1004, false, 'reserved'],
  [1005, 1006, false, 'never set in a frame: no status, abnormal'],
  [1007, 1011, true, 'defined: invalid payload to internal error'],
  [1012, 1014, true, 'registered: service restart, try again later, bad gateway'],
  [1015, 1015, false, 'never set in a frame: TLS handshake'],
  [1016, 1999, false, 'for revisions of the protocol'],
  [2000, 2999, false, 'for extensions, of which none was negotiated'],
  [3000, 3999, true, 'for libraries and frameworks'],
  [4000, 4999, true, 'for private use'],
  [5000, 65535, false, 'not defined'],
];

/** Whether the code is read; if not, the connection is to be failed with 1002. */
function mayBeReceived(code: number): boolean {
  try {
    const status = readCloseStatus(payloadOf(code));
    return status.code === code && status.reason === '';
  } catch (error) {
    if (error instanceof ProtocolError && error.closeCode === 1002) return false;
    throw error;
  }
}

/** Whether a frame is made of the code; if not, the argument is refused. */
function mayBeSent(code: number): boolean {
  try {
    return payloadOf(code).equals(closePayload(code));
  } catch (error) {
    if (error instanceof CloseArgumentError) return false;
    throw error;
  }
}

describe('the codes of a Close frame (section 7.4)', () => {
  test.each(RANGES)('from %i to %i: allowed %s (%s), received and sent', (from, to, allowed) => {
    const codes = Array.from({ length: to - from + 1 }, (_, i) => from + i);
    expect(codes.filter((code) => isSendableCloseCode(code) !== allowed)).toEqual([]);
    // Of the many beyond 5000 a few are enough, the last among them.
    const some = codes.filter((code) => code <= 5000 || code % 1000 === 0 || code === to);
    expect(some.filter((code) => mayBeReceived(code) !== allowed)).toEqual([]);
    expect(some.filter((code) => mayBeSent(code) !== allowed)).toEqual([]);
  });

  test('cover every number of 16 bits once', () => {
    expect(RANGES.map(([from]) => from)).toEqual([0, ...RANGES.slice(0, -1).map(([, to]) => to + 1)]);
    expect(RANGES.at(-1)?.[1]).toBe(65535);
  });

  test('of ours may all be sent, except for the two that mean that none came', () => {
    for (const code of Object.values(CloseCode)) {
      expect(isSendableCloseCode(code)).toBe(code !== CloseCode.NO_STATUS && code !== CloseCode.ABNORMAL);
    }
  });
});

describe('readCloseStatus (section 5.5.1)', () => {
  test('reads an empty payload as 1005 (section 7.1.5)', () => {
    expect(readCloseStatus(new Uint8Array(0))).toEqual({ code: 1005, reason: '' });
  });

  test('refuses a payload of one byte with 1002', () => {
    for (const byte of [0, 3, 0x0f, 0xff]) {
      const read = () => readCloseStatus(Uint8Array.of(byte));
      expect(read).toThrow(ProtocolError);
      expect(read).toThrow(expect.objectContaining({ closeCode: 1002, message: 'close payload of one byte' }));
    }
  });

  test.each([
    ['nothing', ''],
    ['ASCII', 'going away'],
    ['characters of every length', '\u0000\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}'],
    ['123 bytes', 'r'.repeat(123)],
    ['a byte order mark, which is kept', '\ufeffreason'],
    ['a byte order mark alone', '\ufeff'],
  ])('reads a reason of %s', (_name, reason) => {
    expect(readCloseStatus(payloadOf(1000, reason))).toEqual({ code: 1000, reason });
  });

  test.each([
    ['a continuation byte alone', [0x80]],
    ['FF', [0xff]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['U+110000', [0xf4, 0x90, 0x80, 0x80]],
    ['the first byte of two', [0xc3]],
    ['the first two bytes of three', [0x61, 0xe2, 0x82]],
    ['the first three bytes of four', [0xf0, 0x9f, 0x98]],
    ['a byte order mark cut off', [0xef, 0xbb]],
    ['a wrong byte at the end', [...Buffer.from('r'.repeat(122)), 0xfe]],
  ])('refuses a reason that is %s with 1007', (_name, bytes) => {
    expect(() => readCloseStatus(payloadOf(1000, bytes))).toThrow(
      expect.objectContaining({ closeCode: 1007, message: 'close reason is not UTF-8' }),
    );
  });

  test('refuses a code that may not travel with 1002 even if the reason is wrong, too', () => {
    expect(() => readCloseStatus(payloadOf(1005, [0xff]))).toThrow(expect.objectContaining({ closeCode: 1002 }));
  });

  test('goes on after a reason that was cut: no byte of it is kept for the next', () => {
    expect(() => readCloseStatus(payloadOf(1000, [0xe2, 0x82]))).toThrow(ProtocolError);
    expect(() => readCloseStatus(payloadOf(1000, [0xac]))).toThrow(ProtocolError);
    expect(readCloseStatus(payloadOf(1000, 'fine'))).toEqual({ code: 1000, reason: 'fine' });
  });

  test('reads a payload where the framing loop has left it', () => {
    const receiver = new Receiver();
    receiver.read(frame({ opcode: CLOSE, payload: payloadOf(4321, '\u00e9t\u00e9') }));
    const { bytes, start, length } = receiver.reader;
    expect(readCloseStatus(bytes.subarray(start, start + length))).toEqual({ code: 4321, reason: '\u00e9t\u00e9' });
  });
});

describe('fittingReason', () => {
  test.each([
    ['', ''],
    ['r'.repeat(123), 'r'.repeat(123)],
    ['r'.repeat(124), 'r'.repeat(123)],
    ['é'.repeat(123), 'é'.repeat(61)], // of two bytes each
    [`r${'€'.repeat(123)}`, `r${'€'.repeat(40)}`], // of three
    ['🦢'.repeat(123), '🦢'.repeat(30)], // of four, and of two units of UTF-16
    [`${'r'.repeat(122)}é`, 'r'.repeat(122)],
  ])('cuts %s to what a Close frame can hold, and no character in two', (reason, fitting) => {
    expect(fittingReason(reason)).toBe(fitting);
    const payload = closePayload(1008, fittingReason(reason));
    expect(readCloseStatus(payload)).toEqual({ code: 1008, reason: fitting });
  });
});

describe('closePayload (section 5.5.1)', () => {
  test('is empty without a code', () => {
    expect(closePayload(undefined)).toEqual(new Uint8Array(0));
    expect(closePayload(undefined, '')).toEqual(new Uint8Array(0));
  });

  test('is the code, the high byte first, and the UTF-8 of the reason', () => {
    expect([...closePayload(1000)]).toEqual([0x03, 0xe8]);
    expect([...closePayload(4999, '\u20ac!')]).toEqual([0x13, 0x87, 0xe2, 0x82, 0xac, 0x21]);
  });

  test('takes a reason of up to 123 bytes of UTF-8, so that the frame has 125', () => {
    expect(MAX_CLOSE_REASON_BYTES).toBe(123);
    expect(closePayload(1000, 'r'.repeat(123))).toHaveLength(125);
    expect(closePayload(1000, '\u20ac'.repeat(41))).toHaveLength(125);
  });

  test.each([
    ['a reason of 124 bytes', 1000, 'r'.repeat(124), 'at most 123 bytes of UTF-8, got 124'],
    ['a reason of 42 characters and 126 bytes', 1000, '\u20ac'.repeat(42), 'at most 123 bytes of UTF-8, got 126'],
    ['a reason without a code', undefined, 'why', 'a close reason needs a close code'],
    ['a reason that is no string', 1000, 42, 'a close reason must be a string, got number'],
    ['null for a reason', 1000, null, 'a close reason must be a string, got object'],
    ['null for a code', null, '', 'got null'],
    ['a code that is a string', '1000', '', 'got 1000'],
    ['a code with a fraction', 1000.5, '', 'got 1000.5'],
    ['NaN', Number.NaN, '', 'got NaN'],
    ['Infinity', Number.POSITIVE_INFINITY, '', 'got Infinity'],
    ['a negative code', -1000, '', 'got -1000'],
    ['a code that has 1000 in its low 16 bits', 65536 + 1000, '', 'got 66536'],
  ])('refuses %s', (_name, code, reason, message) => {
    const make = () => closePayload(code as number, reason as string);
    expect(make).toThrow(CloseArgumentError);
    expect(make).toThrow(RangeError);
    expect(make).toThrow(expect.objectContaining({ code: 'WSLOOM_CLOSE_ARGUMENT' }));
    expect(make).toThrow(message);
  });

  test('sends U+FFFD for half of a surrogate pair, which UTF-8 does not have', () => {
    expect(readCloseStatus(closePayload(1000, 'a\ud800b'))).toEqual({ code: 1000, reason: 'a\ufffdb' });
  });

  test('is read back as it was made', () => {
    for (const reason of ['', 'x', '\ufeff', '\u{1f600}'.repeat(30)]) {
      expect(readCloseStatus(closePayload(3000, reason))).toEqual({ code: 3000, reason });
    }
  });
});
