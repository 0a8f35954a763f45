import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainFrame } from '../../dist/anatomy/explain-frame.js';
import { type DissectedFrame, maskingKeyOf } from '../../dist/anatomy/dissected-frame.js';
import { FrameDissector } from '../../dist/anatomy/frame-dissector.js';
import { type FrameParts, makeFrame } from '../../dist/anatomy/make-frame.js';
import { frame, KEY, noise } from '../protocol/client-frames.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const HELLO = Buffer.from('Hello');
const RFC_KEY = Uint8Array.from(KEY);

/** The only frame in these bytes. */
function dissected(bytes: Uint8Array, isMidMessage = false): DissectedFrame {
  const dissector = new FrameDissector({ isMidMessage, keptBytes: bytes.length });
  const frames = dissector.feed(bytes);
  expect([frames.length, dissector.end()]).toEqual([1, undefined]);
  return frames[0] as DissectedFrame; // it was counted
}

/** The examples of RFC 6455 section 5.7: the bytes, the parts, and what is said of them. */
const EXAMPLES: readonly (readonly [what: string, bytes: string, parts: FrameParts, says: readonly RegExp[]])[] = [
  [
    'a single-frame unmasked text message',
    '810548656c6c6f',
    { opcode: 1, payload: HELLO },
    [
      /^FIN +1 +The message ends with this frame\.$/m,
      /^opcode +0001 +TEXT: a text message\.$/m,
      /^MASK +0 /m,
      /^Payload Data +5 bytes +"Hello"$/m,
    ],
  ],
  [
    'a single-frame masked text message',
    '818537fa213d7f9f4d5158',
    { opcode: 1, payload: HELLO, key: RFC_KEY },
    [/^MASK +1 /m, /^Masking-key +37 fa 21 3d /m, /^Payload Data +5 bytes +"Hello"$/m],
  ],
  [
    'the first frame of a fragmented unmasked text message',
    '010348656c',
    { opcode: 1, isFinal: false, payload: HELLO.subarray(0, 3) },
    [
      /^FIN +0 +The message goes on in another frame\.$/m,
      /^opcode +0001 +TEXT: the first fragment of a text message\.$/m,
      /^Payload Data +3 bytes +"Hel"$/m,
    ],
  ],
  [
    'the last frame of a fragmented unmasked text message',
    '80026c6f',
    { opcode: 0, payload: HELLO.subarray(3) },
    [/^opcode +0000 +CONTINUATION: the last fragment of a message\.$/m, /^Payload Data +2 bytes +6c 6f$/m],
  ],
  [
    'an unmasked Ping request',
    '890548656c6c6f',
    { opcode: 9, payload: HELLO },
    [/^opcode +1001 +PING: /m, /^Payload Data +5 bytes +48 65 6c 6c 6f, "Hello"$/m],
  ],
  [
    'a masked Ping response',
    '8a8537fa213d7f9f4d5158',
    { opcode: 10, payload: HELLO, key: RFC_KEY },
    [/^opcode +1010 +PONG: /m, /^Payload Data +5 bytes +48 65 6c 6c 6f, "Hello"$/m],
  ],
  [
    'a 256 bytes binary message in a single unmasked frame',
    `827e0100${hex(noise(256))}`,
    { opcode: 2, payload: noise(256) },
    [
      /^Payload len +1111110 +126: the next 16 bits have the length\.$/m,
      /^Extended payload length +256 +The payload has 256 bytes\.$/m,
    ],
  ],
  [
    'a 64KiB binary message in a single unmasked frame',
    `827f0000000000010000${hex(noise(65_536))}`,
    { opcode: 2, payload: noise(65_536) },
    [
      /^Payload len +1111111 +127: the next 64 bits have the length\.$/m,
      /^Extended payload length +65536 +The payload has 65536 bytes\.$/m,
    ],
  ],
];

describe('RFC 6455 section 5.7', () => {
  test.each(EXAMPLES)('%s', (_, bytes, parts, says) => {
    expect(hex(makeFrame(parts)) === bytes).toBe(true);
    const frame = dissected(Buffer.from(bytes, 'hex'), parts.opcode === 0);
    expect(frame.broken).toEqual([]);
    expect(Buffer.from(frame.payload).equals(parts.payload)).toBe(true);
    for (const pattern of says) expect(explainFrame(frame)).toMatch(pattern);
  });
});

test('what is made is taken apart into the same parts, and is as the drawing of section 5.2 has it', () => {
  const parts = fc.record({
    opcode: fc.nat(15),
    fin: fc.boolean(),
    rsv: fc.nat(7),
    key: fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 })),
    length: fc.oneof(
      fc.nat(130),
      fc.constantFrom(0, 125, 126, 127, 65_534, 65_535, 65_536, 65_537),
      fc.integer({ min: 65_000, max: 66_000 }),
    ),
    seed: fc.nat(),
    lengthBits: fc.constantFrom(undefined, 7 as const, 16 as const, 64 as const),
  });
  fc.assert(
    fc.property(parts, ({ opcode, fin, rsv, key, length, seed, lengthBits: bits }) => {
      const fits = bits === undefined || bits === 64 || length <= (bits === 7 ? 125 : 65_535);
      const lengthBits = fits ? bits : undefined;
      const payload = noise(length, seed);
      const made = makeFrame({ opcode, isFinal: fin, rsv: rsv << 4, key: key ?? undefined, lengthBits, payload });
      const expected = frame({ opcode, fin, rsv, payload, key: key && [...key], ...(lengthBits && { lengthBits }) });
      expect(expected.equals(made)).toBe(true);

      const read = dissected(made);
      expect(read.header[0]).toBe((fin ? 0x80 : 0) | (rsv << 4) | opcode);
      expect(maskingKeyOf(read)).toEqual(key ?? undefined);
      expect([read.declaredBytes, read.payloadBytes]).toEqual([length, length]);
      expect(payload.equals(read.payload)).toBe(true);
      const rules = new Set(read.broken.map(({ rule }) => rule));
      expect(rules.has('rsv')).toBe(rsv !== 0);
      expect(rules.has('length')).toBe((lengthBits === 16 && length < 126) || (lengthBits === 64 && length < 65_536));
    }),
  );
});

test('a length that does not fit into its bits is refused', () => {
  const payload = noise(126);
  expect(() => makeFrame({ opcode: 2, payload, lengthBits: 7 })).toThrow(
    'a length of 126 does not fit into 7 bits, which hold 125 at most',
  );
  expect(() => makeFrame({ opcode: 2, payload: noise(65_536), lengthBits: 16 })).toThrow('16 bits, which hold 65535');
  expect(() => makeFrame({ opcode: 2, payload, lengthBits: 8 })).toThrow('a length has 7, 16 or 64 bits, not 8');
});

test('the payload that a frame is made of stays as it is', () => {
  const payload = noise(100);
  makeFrame({ opcode: 2, payload, key: RFC_KEY });
  expect(payload.equals(noise(100))).toBe(true);
});
