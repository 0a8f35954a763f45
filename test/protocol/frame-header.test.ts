import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frameHeaderBytes, MAX_SERVER_HEADER_BYTES, writeFrameHeader } from '../../dist/protocol/frame-header.js';
import { headerWithoutKey } from './client-frames.js';

/** The header as it is written into bytes that are all 0xaa, and the offset that is returned. */
function written(firstByte: number, length: number, offset: number): { header: Buffer; around: Buffer; end: number } {
  const bytes = Buffer.alloc(offset + MAX_SERVER_HEADER_BYTES + 5, 0xaa);
  const end = writeFrameHeader(bytes, offset, firstByte, length);
  return {
    header: bytes.subarray(offset, end),
    around: Buffer.concat([bytes.subarray(0, offset), bytes.subarray(end)]),
    end,
  };
}

describe('writeFrameHeader (section 5.2)', () => {
  test.each([
    [0, [0x82, 0]],
    [1, [0x82, 1]],
    [125, [0x82, 125]],
    [126, [0x82, 126, 0, 126]],
    [127, [0x82, 126, 0, 127]],
    [255, [0x82, 126, 0, 255]],
    [256, [0x82, 126, 1, 0]],
    [65535, [0x82, 126, 0xff, 0xff]],
    [65536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
    [2 ** 31 - 1, [0x82, 127, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff]],
    [2 ** 31, [0x82, 127, 0, 0, 0, 0, 0x80, 0, 0, 0]],
    [2 ** 32 - 1, [0x82, 127, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]],
    [2 ** 32, [0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]],
    [2 ** 53 - 1, [0x82, 127, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ])('writes the shortest encoding of %i, without a mask', (length, expected) => {
    expect([...written(0x82, length, 0).header]).toEqual(expected);
  });

  test('writes what a reader of the section reads, as many bytes as frameHeaderBytes says, and no byte around them', () => {
    const lengths = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 65_500, max: 65_600 }),
      fc.maxSafeNat(),
    );
    fc.assert(
      fc.property(fc.nat(15), fc.nat(7), fc.boolean(), lengths, fc.nat(20), (opcode, rsv, fin, length, offset) => {
        const parts = { opcode, rsv, fin, key: null, declaredLength: BigInt(length) };
        const { header, around, end } = written((fin ? 0x80 : 0) | (rsv << 4) | opcode, length, offset);
        expect(header).toEqual(headerWithoutKey(parts));
        expect(end).toBe(offset + frameHeaderBytes(length));
        expect(frameHeaderBytes(length)).toBeLessThanOrEqual(MAX_SERVER_HEADER_BYTES);
        expect(around.every((byte) => byte === 0xaa)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
