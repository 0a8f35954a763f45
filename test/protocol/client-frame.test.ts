import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskedFrame, maskedHeaderBytes, writeMaskedHeader } from '../../dist/protocol/client-frame.js';
import { BINARY, frame, KEY, noise, PONG, TEXT } from './client-frames.js';
import { eventsOf } from './receiver.js';

/** The masking key of the examples, as kernels take it. */
const KEY_WORD = Buffer.from(KEY).readInt32LE();

describe("a client's frame (sections 5.2 and 5.3)", () => {
  test('is the masked "Hello" of section 5.7', () => {
    const written = Buffer.from(maskedFrame(0x81, Buffer.from('Hello'), KEY_WORD));
    expect(written.toString('hex')).toBe('818537fa213d7f9f4d5158');
  });

  test.each([0, 1, 2, 3, 4, 5, 63, 64, 65, 66, 67, 68, 125, 126, 127, 1000, 65_535, 65_536, 65_537, 200_003])(
    'of %i bytes is as the drawing of section 5.2 has it',
    (length) => {
      const payload = noise(length);
      const expected = frame({ opcode: BINARY, payload });
      expect(expected.equals(maskedFrame(0x80 | BINARY, payload, KEY_WORD))).toBe(true);
    },
  );

  test('does not change the payload that it is made from', () => {
    const payload = noise(1000);
    maskedFrame(0x82, payload, KEY_WORD);
    expect(payload.equals(noise(1000))).toBe(true);
  });

  test('is read by the server as it was made, for every payload and key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer(), (payload, key) => {
        const hex = Buffer.from(payload).toString('hex');
        const sent = maskedFrame(0x82, payload, key);
        expect(eventsOf(sent)).toEqual([
          payload.length > 200 ? expect.stringContaining(`binary: ${payload.length} bytes`) : `binary: ${hex}`,
        ]);
      }),
    );
  });

  test.each([
    [0, 6],
    [125, 6],
    [126, 8],
    [65_535, 8],
    [65_536, 14],
  ])('has, for %i bytes, a header of %i', (length, headerBytes) => {
    expect(maskedHeaderBytes(length)).toBe(headerBytes);
    const bytes = Buffer.alloc(20);
    expect(writeMaskedHeader(bytes, 3, 0x80 | TEXT, length, KEY_WORD)).toBe(3 + headerBytes);
    expect(bytes.subarray(3 + headerBytes - 4, 3 + headerBytes)).toEqual(Buffer.from(KEY));
  });

  test('can be a control frame', () => {
    expect(eventsOf(maskedFrame(0x80 | PONG, Buffer.from('here'), -1))).toEqual(['pong: 68657265']);
  });
});
