import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { declaredLength, describeHeader, FrameHeaders } from '../../dist/protocol/frame-headers.js';
import { encodeFrame, Opcode } from '../e2e/raw-client.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The headers that are found in a stream that comes in parts. */
function headersOf(parts: readonly Uint8Array[]): string[] {
  const found: string[] = [];
  const headers = new FrameHeaders((header) => found.push(hex(header)));
  for (const part of parts) headers.feed(part);
  return found;
}

const frame = fc
  .tuple(fc.constantFrom(0, 1, 125, 126, 127, 1000, 65_535, 65_536, 70_000), fc.boolean(), fc.constantFrom(1, 2, 0, 9))
  .map(([size, fin, opcode]) => ({ size, bytes: encodeFrame(opcode, Buffer.alloc(size, 0x81), { fin }) }));

test('all headers of a stream are found, wherever it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 5 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 30_000 })),
      (frames, cuts) => {
        const stream = Buffer.concat(frames.map(({ bytes }) => bytes));
        const parts: Buffer[] = [];
        for (let at = 0; at < stream.length; ) {
          const end = at + cuts.next().value;
          parts.push(stream.subarray(at, end));
          at = end;
        }
        const expected = frames.map(({ bytes, size }) => hex(bytes.subarray(0, bytes.length - size)));
        expect(headersOf(parts)).toEqual(expected);
      },
    ),
  );
});

test('headers of masked and unmasked frames are found byte by byte', () => {
  const key = Buffer.from([1, 2, 3, 4]);
  const stream = Buffer.concat([
    Buffer.from([0x81, 0x85]),
    key,
    Buffer.from('hello'),
    Buffer.from([0x8a, 0x00, 0x82, 0x7e, 0x00, 0x80]),
    Buffer.alloc(128),
    Buffer.from([0x88, 0x80]),
    key,
  ]);
  const bytes = [...stream].map((byte) => Uint8Array.of(byte));
  expect(headersOf(bytes)).toEqual(['818501020304', '8a00', '827e0080', '888001020304']);
});

describe('a header is described:', () => {
  test.each([
    ['818537fa213d', '81 85 37fa213d: FIN TEXT, 5 bytes, masked'],
    ['0201', '02 01: BINARY, 1 byte'],
    ['c27e0100', 'c2 7e 0100: FIN RSV1 BINARY, 256 bytes'],
    ['f37f0000000000010000', 'f3 7f 0000000000010000: FIN RSV1 RSV2 RSV3 opcode 0x3, 65536 bytes'],
    ['8800', '88 00: FIN CLOSE, 0 bytes'],
    ['00fe000a01020304', '00 fe 000a 01020304: CONTINUATION, 10 bytes, masked'],
  ])('%s', (header, description) => {
    expect(describeHeader(Buffer.from(header, 'hex'))).toBe(description);
  });

  test('with a length of 64 bits that a JavaScript number cannot hold exactly', () => {
    expect(declaredLength(Buffer.from(`827f${'ff'.repeat(8)}`, 'hex'))).toBe(2 ** 64);
  });

  test('its opcode is that of the protocol', () => {
    expect(describeHeader(Uint8Array.of(0x80 | Opcode.PING, 0))).toBe('89 00: FIN PING, 0 bytes');
  });
});
