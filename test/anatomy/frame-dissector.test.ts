import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteBudget } from '../../dist/anatomy/byte-budget.js';
import type { DissectedFrame } from '../../dist/anatomy/dissected-frame.js';
import { type DissectorOptions, FrameDissector } from '../../dist/anatomy/frame-dissector.js';
import { violation } from '../../dist/protocol/frame-rules.js';
import { RSV1 } from '../../dist/protocol/opcode.js';
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  type FrameParts,
  frame,
  fragments,
  longText,
  noise,
  PING,
  PONG,
  TEXT,
} from '../protocol/client-frames.js';
import { byteByByte } from '../protocol/receiver.js';

/** All frames of a stream that comes in these parts, and then ends. */
function dissect(parts: readonly Uint8Array[], options: DissectorOptions = {}): DissectedFrame[] {
  const dissector = new FrameDissector(options);
  const frames = parts.flatMap((part) => dissector.feed(part));
  const cut = dissector.end();
  return cut === undefined ? frames : [...frames, cut];
}

const rulesOf = (frames: readonly DissectedFrame[]) => frames.map(({ broken }) => broken.map(({ rule }) => rule));

/** Unmasked, if nothing else is said. */
const bytesOf = (parts: FrameParts) => frame({ key: null, ...parts });

/** Each rule with frames that break it, and the rules that each of them breaks. */
const BROKEN: readonly (readonly [what: string, rules: readonly string[][], frames: readonly FrameParts[]])[] = [
  ['RSV1', [['rsv']], [{ opcode: TEXT, rsv: 4 }]],
  ['RSV2 of a control frame', [['rsv']], [{ opcode: PING, rsv: 2 }]],
  ['RSV3', [['rsv']], [{ opcode: BINARY, rsv: 1 }]],
  ['a reserved bit and a reserved opcode', [['rsv', 'opcode']], [{ opcode: 0x3, rsv: 1 }]],
  [
    'a reserved bit of a message between fragments',
    [[], ['rsv', 'fragmentation']],
    [
      { opcode: TEXT, fin: false },
      { opcode: BINARY, rsv: 2 },
    ],
  ],
  ['a reserved opcode of data', [['opcode']], [{ opcode: 0x7 }]],
  ['a reserved opcode of control', [['opcode']], [{ opcode: 0xb }]],
  ['a control frame that is a fragment', [['control-fragment']], [{ opcode: PONG, fin: false }]],
  ['a control frame of 126 bytes', [['control-length']], [{ opcode: PING, payload: noise(126) }]],
  ['a Close of 126 bytes', [['control-length']], [{ opcode: CLOSE, payload: noise(126) }]],
  ['a length of 125 in 16 bits', [['length']], [{ opcode: BINARY, payload: noise(125), lengthBits: 16 }]],
  ['a length of 65535 in 64 bits', [['length']], [{ opcode: BINARY, payload: noise(65_535), lengthBits: 64 }]],
  [
    'a short length of a control frame in 16 bits',
    [['control-length', 'length']],
    [{ opcode: PING, payload: 'x', lengthBits: 16 }],
  ],
  ['the top bit of a length', [['length', 'cut-off']], [{ opcode: BINARY, declaredLength: 2n ** 63n }]],
  ['a Close of one byte', [['close-payload']], [{ opcode: CLOSE, payload: Buffer.from([3]) }]],
  ['close code 999', [['close-code']], [{ opcode: CLOSE, payload: Buffer.from([0x03, 0xe7]) }]],
  ['close code 1004', [['close-code']], [{ opcode: CLOSE, payload: Buffer.from([0x03, 0xec]) }]],
  ['close code 1005', [['close-code']], [{ opcode: CLOSE, payload: Buffer.from([0x03, 0xed]) }]],
  ['close code 1006', [['close-code']], [{ opcode: CLOSE, payload: Buffer.from([0x03, 0xee]) }]],
  ['close code 1015', [['close-code']], [{ opcode: CLOSE, payload: Buffer.from([0x03, 0xf7]) }]],
  ['close code 5000', [['close-code']], [{ opcode: CLOSE, payload: Buffer.from([0x13, 0x88]) }]],
  ['a reason that is not UTF-8', [['close-reason']], [{ opcode: CLOSE, payload: Buffer.from([3, 0xe8, 0xff]) }]],
  [
    'a close code, and a reason that is not UTF-8',
    [['close-code', 'close-reason']],
    [{ opcode: CLOSE, payload: Buffer.from([0, 0, 0xc3]) }],
  ],
  ['text that is not UTF-8', [['utf8']], [{ opcode: TEXT, payload: Buffer.from('ab\xffcd\xff', 'latin1') }]],
  ['text that ends inside a character', [['utf8']], [{ opcode: TEXT, payload: Buffer.from([0xe2, 0x82]) }]],
  [
    'text that ends inside a character, in its last fragment',
    [[], [], ['utf8']],
    [
      { opcode: TEXT, payload: Buffer.from([0xe2]), fin: false },
      { opcode: CONTINUATION, payload: Buffer.from([0x82]), fin: false },
      { opcode: CONTINUATION },
    ],
  ],
  [
    'text whose second fragment is not UTF-8, once',
    [[], ['utf8'], []],
    [
      { opcode: TEXT, payload: 'a', fin: false },
      { opcode: CONTINUATION, payload: Buffer.from([0xff]), fin: false },
      { opcode: CONTINUATION, payload: Buffer.from([0xff]) },
    ],
  ],
  ['a continuation of nothing', [['fragmentation'], []], [{ opcode: CONTINUATION }, { opcode: TEXT, payload: 'b' }]],
  [
    'a message between fragments',
    [[], ['fragmentation'], ['fragmentation']],
    [
      { opcode: TEXT, payload: 'a', fin: false },
      { opcode: TEXT, payload: 'b' },
      { opcode: CONTINUATION, payload: 'c' },
    ],
  ],
];

describe('of a frame that breaks a rule, the dissector says which:', () => {
  test.each(BROKEN)('%s', (_, rules, parts) => {
    const stream = Buffer.concat(parts.map(bytesOf));
    expect(rulesOf(dissect([stream]))).toEqual(rules);
    expect(rulesOf(dissect([...byteByByte(stream)]))).toEqual(rules);
  });

  test.each(BROKEN)('%s, masked', (_, rules, parts) => {
    const stream = Buffer.concat(parts.map((one) => frame(one)));
    expect(rulesOf(dissect([stream], { from: 'client' }))).toEqual(rules);
  });

  test('a mask that is missing, or is there, for the side that sends', () => {
    const unmasked = bytesOf({ opcode: TEXT });
    const masked = frame({ opcode: TEXT });
    const rules = (bytes: Buffer, from?: 'client' | 'server') => rulesOf(dissect([bytes], { from }));
    expect(rules(unmasked, 'client')).toEqual([['mask']]);
    expect(rules(masked, 'server')).toEqual([['mask']]);
    expect([rules(unmasked, 'server'), rules(masked, 'client')]).toEqual([[[]], [[]]]);
    expect([rules(unmasked), rules(masked)]).toEqual([[[]], [[]]]);
  });

  test('a frame that is cut off anywhere, and what is known to be wrong with it already', () => {
    const stream = frame({ opcode: BINARY, payload: noise(70_000) });
    for (const length of [1, 2, 3, 9, 10, 13, 14, 15, 70_013]) {
      expect(rulesOf(dissect([stream.subarray(0, length)])), `${length} bytes`).toEqual([['cut-off']]);
    }
    expect(rulesOf(dissect([Buffer.from('c3', 'hex')]))).toEqual([['rsv', 'opcode', 'cut-off']]);
    expect(rulesOf(dissect([Buffer.from('827f80', 'hex')]))).toEqual([['length', 'cut-off']]);
    expect(rulesOf(dissect([Buffer.from('897e', 'hex')], { from: 'client' }))).toEqual([
      ['mask', 'control-length', 'cut-off'],
    ]);
    expect(rulesOf(dissect([Buffer.from('8103ff', 'hex')]))).toEqual([['utf8', 'cut-off']]);
  });

  test('with the section, the close code, and a sentence', () => {
    const [broken] = dissect([bytesOf({ opcode: CLOSE, payload: 'x' })]).flatMap((one) => one.broken);
    expect(broken).toEqual({
      rule: 'close-payload',
      found: 'close payload of one byte (RFC 6455 section 5.5.1)',
      demand: 'The payload of a Close frame is empty, or begins with a close code of two bytes.',
      section: '5.5.1',
      closeCode: 1002,
    });
    const [cut] = dissect([bytesOf({ opcode: TEXT, payload: 'abc' }).subarray(0, 4)]).flatMap((one) => one.broken);
    expect(cut).toMatchObject({ found: 'payload cut off: 2 of 3 bytes (RFC 6455 section 5.2)', closeCode: undefined });
  });
});

describe('the dissector', () => {
  test('finds nothing wrong with frames that are right, of all kinds and at all limits', () => {
    const parts: FrameParts[] = [
      { opcode: TEXT, payload: longText(1000) },
      ...[0, 125, 126, 65_535, 65_536].map((length) => ({ opcode: BINARY, payload: noise(length) })),
      { opcode: PING, payload: noise(125) },
      { opcode: PONG },
      ...[1000, 1003, 1007, 1014, 3000, 4999].map((code) => ({
        opcode: CLOSE,
        payload: Buffer.from([code >> 8, code & 0xff, ...Buffer.from('grüß')]),
      })),
      { opcode: CLOSE },
    ];
    expect(rulesOf(dissect([Buffer.concat(parts.map(bytesOf))], { from: 'server' })).flat()).toEqual([]);
    expect(rulesOf(dissect([Buffer.concat(parts.map((one) => frame(one)))], { from: 'client' })).flat()).toEqual([]);
  });

  test('puts fragments together, with control frames between them', () => {
    const [first, ...rest] = fragments(TEXT, 'grüß dich', 3, 3, 5);
    const stream = Buffer.concat([first as Buffer, frame({ opcode: PING, payload: 'p' }), ...rest]);
    const frames = dissect([stream], { from: 'client' });
    expect(rulesOf(frames).flat()).toEqual([]);
    expect(frames.map(({ contents }) => contents)).toEqual(['text', 'control', 'text', 'text', 'text']);
    expect(frames.slice(0, -1).map(({ message }) => message)).toEqual([undefined, undefined, undefined, undefined]);
    const { message } = frames.at(-1) as DissectedFrame;
    expect(message).toMatchObject({ contents: 'text', frames: 4, bytes: 11 });
    expect(String(Buffer.from(message?.payload ?? []))).toBe('grüß dich');
  });

  test('says where each frame begins, and what has come of the one that is cut off', () => {
    const stream = Buffer.concat([
      bytesOf({ opcode: TEXT, payload: 'a' }),
      frame({ opcode: BINARY, payload: noise(300) }),
    ]);
    const [first, second] = dissect([stream.subarray(0, 50)]) as [DissectedFrame, DissectedFrame];
    expect([first.at, second.at]).toEqual([0, 3]);
    expect(second).toMatchObject({ declaredBytes: 300, payloadBytes: 39 });
    expect(Buffer.from(second.payload).equals(noise(300).subarray(0, 39))).toBe(true);
  });

  test('keeps no more of a payload and of a message than it may, but validates everything', () => {
    const payload = Buffer.concat([Buffer.alloc(5000, 'a'), Buffer.from([0xff])]);
    const stream = Buffer.concat(fragments(TEXT, payload, 3, 2000));
    for (const keptBytes of [0, 1, 64, 4000]) {
      const frames = dissect([stream], { keptBytes });
      expect(frames.map((one) => one.payload.length)).toEqual([3, 1997, 3001].map((one) => Math.min(one, keptBytes)));
      expect(frames.at(-1)?.message?.payload.length).toBe(keptBytes);
      expect(frames.at(-1)?.message?.bytes).toBe(5001);
      expect(rulesOf(frames)).toEqual([[], [], ['utf8']]);
    }
    const close = dissect([bytesOf({ opcode: CLOSE, payload: '\x03\0reason' })], { keptBytes: 0 });
    expect(close).toMatchObject([{ close: { code: 768, reason: 'reason' }, payloadBytes: 8 }]);
    expect(close[0]?.payload.length).toBe(0);
  });

  test('judges a compressed message as its extension does', () => {
    const stream = Buffer.concat([
      bytesOf({ opcode: TEXT, rsv: 4, payload: Buffer.from('f248cdc9', 'hex'), fin: false }),
      bytesOf({ opcode: CONTINUATION, payload: Buffer.from('c90700', 'hex') }),
      bytesOf({ opcode: TEXT, rsv: 6 }),
      bytesOf({ opcode: PING, rsv: 4 }),
      bytesOf({ opcode: TEXT, payload: Buffer.from([0xff]) }),
    ]);
    const frames = dissect([stream], { allowedRsv: RSV1 });
    expect(rulesOf(frames)).toEqual([[], [], ['rsv'], ['rsv'], ['utf8']]);
    expect(frames.map(({ contents }) => contents)).toEqual([
      'compressed',
      'compressed',
      'compressed',
      'control',
      'text',
    ]);
  });

  test('has no message decompressed for which there is no room, nor those behind it, which may refer to it', () => {
    const budget = new ByteBudget(1000);
    const compressed = (bytes: number) => bytesOf({ opcode: BINARY, rsv: 4, payload: Buffer.alloc(bytes) });
    const options = { allowedRsv: RSV1, inflate: (message: Uint8Array) => message, budget };
    const contents = (bytes: readonly number[]) =>
      dissect(bytes.map(compressed), options).map(({ message }) => message?.contents);
    expect(contents([500, 900, 500])).toEqual(['binary', 'binary', 'binary']);
    expect(contents([500, 1001, 500])).toEqual(['binary', 'compressed', 'compressed']);
    const open = new FrameDissector(options);
    open.feed(compressed(900).subarray(0, 800));
    expect(budget.take(300)).toBe(false);
    open.discard();
    expect(budget.take(1000)).toBe(true);
  });

  test('has compressed messages decompressed, whole and in their order', () => {
    const reversed = (bytes: Uint8Array) => Uint8Array.from(bytes).reverse();
    const given: string[] = [];
    const inflate = (message: Uint8Array) => {
      given.push(Buffer.from(message).toString());
      if (message.length === 1) throw violation('deflate', 'one byte');
      return message.length === 2 ? undefined : reversed(message);
    };
    const stream = Buffer.concat([
      bytesOf({ opcode: TEXT, rsv: 4, payload: 'oll', fin: false }),
      bytesOf({ opcode: CONTINUATION, payload: 'eh' }),
      bytesOf({ opcode: TEXT, payload: 'plain' }),
      bytesOf({ opcode: BINARY, rsv: 4, payload: 'x' }),
      bytesOf({ opcode: BINARY, rsv: 4, payload: 'xy' }),
      bytesOf({ opcode: TEXT, rsv: 4, payload: Buffer.from([0x61, 0x62, 0xff]) }),
      bytesOf({ opcode: BINARY, rsv: 4, payload: 'xyz' }),
    ]);
    const frames = dissect([stream], { allowedRsv: RSV1, inflate, keptBytes: 2 });
    expect(given).toEqual(['olleh', 'x', 'xy', 'ab\ufffd', 'xyz']);
    expect(rulesOf(frames)).toEqual([[], [], [], ['deflate'], [], ['utf8'], []]);
    const shown = frames.map(({ message }) =>
      message === undefined
        ? undefined
        : [message.contents, message.bytes, message.compressedBytes, Buffer.from(message.payload).toString('latin1')],
    );
    expect(shown).toEqual([
      undefined,
      ['text', 5, 5, 'he'],
      ['text', 5, undefined, 'pl'],
      ['compressed', 1, undefined, 'x'],
      ['compressed', 2, undefined, 'xy'],
      ['text', 3, 3, '\xffb'],
      ['binary', 3, 3, 'zy'],
    ]);
  });

  test('may begin in the middle of a message, whose type it does not know', () => {
    const stream = Buffer.concat([
      bytesOf({ opcode: CONTINUATION, payload: Buffer.from([0xff]) }),
      bytesOf({ opcode: CONTINUATION }),
    ]);
    const dissector = new FrameDissector({ isMidMessage: true });
    expect(dissector.isMidMessage).toBe(true);
    const frames = dissector.feed(stream);
    expect(dissector.isMidMessage).toBe(false);
    expect(rulesOf(frames)).toEqual([[], ['fragmentation']]);
    expect(frames[0]?.message).toMatchObject({ contents: 'unknown', frames: 1, bytes: 1 });
  });

  test('says the same of a stream wherever it is cut', () => {
    const part = fc.record({
      opcode: fc.constantFrom(CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG, 3, 15),
      fin: fc.boolean(),
      rsv: fc.constantFrom(0, 0, 0, 4, 1),
      payload: fc.uint8Array({ maxLength: 140 }),
      key: fc.option(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))),
      lengthBits: fc.constantFrom(undefined, 64 as const),
    });
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 90 })),
        fc.nat(200),
        (parts, cuts, keptBytes) => {
          const bytes = parts.map(({ lengthBits, ...one }) =>
            frame(lengthBits === undefined ? one : { ...one, lengthBits }),
          );
          const stream = Buffer.concat(bytes).subarray(0, -1);
          const pieces: Buffer[] = [];
          for (let at = 0; at < stream.length; ) {
            const end = at + cuts.next().value;
            pieces.push(stream.subarray(at, end));
            at = end;
          }
          const options = { keptBytes, from: 'client', allowedRsv: RSV1 } as const;
          expect(dissect(pieces, options)).toEqual(dissect([stream], options));
        },
      ),
    );
  });
});
