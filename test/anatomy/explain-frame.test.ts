import { describe, expect, test } from 'vitest';
import { closeCodeMeaning, closeCodeName } from '../../dist/anatomy/close-codes.js';
import { explainFrame, summarizeFrame, summarizeMessage } from '../../dist/anatomy/explain-frame.js';
import type { DissectedFrame } from '../../dist/anatomy/dissected-frame.js';
import { type DissectorOptions, FrameDissector } from '../../dist/anatomy/frame-dissector.js';
import { frameJson } from '../../dist/anatomy/frame-json.js';
import { CloseCode } from '../../dist/protocol/close.js';
import { BINARY, CLOSE, type FrameParts, frame, fragments, PING, TEXT } from '../protocol/client-frames.js';

/** The last frame in these bytes. */
function last(bytes: Uint8Array, options: DissectorOptions = {}): DissectedFrame {
  const dissector = new FrameDissector(options);
  const frames = dissector.feed(bytes);
  const one = dissector.end() ?? frames.at(-1);
  if (one === undefined) throw new Error('there is no frame');
  return one;
}

const explained = (parts: FrameParts, options?: DissectorOptions) =>
  explainFrame(last(frame({ key: null, ...parts }), options));

/** What a terminal obeys, what ends a line, and what turns the direction of text; in UTF-8, but the last, which is not. */
const HOSTILE = Buffer.concat([
  Buffer.from('a\x1b[2Jb\x07\r\nc\u009b31m\u202ed\u2066e\u2028\x7f"\\\u200f\u061c'),
  Buffer.from([0x9b, 0xff]),
]);
const OBEYED = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

describe('the explanation of a frame', () => {
  test('has each field, its bits and its meaning', () => {
    expect(explained({ opcode: BINARY, payload: Buffer.alloc(200, 'a'), key: [1, 2, 3, 255] }, { keptBytes: 3 })).toBe(
      `FIN                      1            The message ends with this frame.
RSV1                     0            No extension uses it.
RSV2                     0            No extension uses it.
RSV3                     0            No extension uses it.
opcode                   0010         BINARY: a binary message.
MASK                     1            The payload is masked, as in all frames of clients.
Payload len              1111110      126: the next 16 bits have the length.
Extended payload length  200          The payload has 200 bytes.
Masking-key              01 02 03 ff  The bytes of the payload were combined with these by XOR, in turn.
Payload Data             200 bytes    61 61 61 … and 197 more`,
    );
  });

  test('has the code of a Close, with its name, and the reason', () => {
    const payload = Buffer.from([0x03, 0xe9, ...Buffer.from('grüß')]);
    expect(explained({ opcode: CLOSE, payload })).toMatch(
      / {2}close code +1001 +GOING_AWAY: the server goes down, or the browser has left the page\.\n {2}reason +"grüß"$/,
    );
    expect(explained({ opcode: CLOSE, payload: Buffer.from([0x0f, 0xa0]) })).toMatch(
      / {2}close code +4000 +a code of the application\.\n {2}reason +none$/,
    );
    expect(explained({ opcode: CLOSE })).not.toContain('close code');
  });

  test('has the rules that are broken, what they demand, and what they are answered with', () => {
    expect(explained({ opcode: PING, rsv: 4, fin: false }, { from: 'client' })).toMatch(
      /\n\nBroken rule: reserved bits without an extension \(RFC 6455 section 5\.2\)\n {2}Reserved bits are 0, unless .* It is answered with 1002 PROTOCOL_ERROR\.\nBroken rule: fragmented control frame \(RFC 6455 section 5\.5\)\n.*\nBroken rule: frame without a mask \(RFC 6455 section 5\.1\)\n {2}A client masks every frame, and a server masks none\. It is answered with 1002 PROTOCOL_ERROR\.$/,
    );
    expect(explained({ opcode: TEXT, payload: 'a' })).not.toContain('Broken');
  });

  test('of a frame that is cut off says what has come', () => {
    expect(explainFrame(last(Buffer.from('82fe01', 'hex')))).toMatch(
      /^Extended payload length +01 +It is cut off: 1 of 2 bytes\.\n\nBroken rule: header cut off after 3 bytes \(/m,
    );
    expect(explainFrame(last(Buffer.from('828301020304', 'hex')))).toMatch(
      /^Payload Data +3 bytes +Nothing of it has come\.\n\nBroken rule: payload cut off: 0 of 3 bytes \(/m,
    );
    expect(explainFrame(last(Buffer.from('8283010203', 'hex')))).toMatch(
      /^Masking-key +01 02 03 +It is cut off: 3 of 4 bytes\.$/m,
    );
    expect(summarizeFrame(last(Buffer.from('8283010203', 'hex')))).toBe('82 83 01 02 03: a header that is cut off');
  });

  test('has a length of 64 bits exactly', () => {
    expect(explainFrame(last(Buffer.from('827f7ffffffffffffff1', 'hex')))).toMatch(
      /^Extended payload length +9223372036854775793 +The payload has 9223372036854775793 bytes\.$/m,
    );
  });

  test.each([TEXT, BINARY, CLOSE, PING])(
    'has nothing that a terminal obeys, whatever the peer sends (opcode %i)',
    (opcode) => {
      const payload = opcode === CLOSE ? Buffer.concat([Buffer.from([3, 0xe8]), HOSTILE]) : HOSTILE;
      for (const key of [null, [0, 0, 0, 0]]) {
        const one = last(frame({ opcode, payload, key }));
        const said = [explainFrame(one), summarizeFrame(one), one.message && summarizeMessage(one.message)].join('\n');
        expect(said).not.toMatch(OBEYED);
        expect(said.split('\n').filter((line) => line.startsWith('c'))).toEqual([]);
      }
    },
  );

  test('quotes hostile text so that it can be read back', () => {
    const text = 'a\x1b[2Jb\r\n\u009b\u202e"';
    expect(explained({ opcode: TEXT, payload: text })).toContain('"a\\u001b[2Jb\\r\\n\\u009b\\u202e\\""');
  });

  test('does not show half of a character where the payload is cut', () => {
    expect(explained({ opcode: TEXT, payload: 'aü€' }, { keptBytes: 5 })).toMatch(/"aü" … and 1 more$/);
  });
});

test('a message is summarized with its type, its frames, and what is kept of it', () => {
  const summary = (bytes: readonly Uint8Array[], options?: DissectorOptions) => {
    const { message } = last(Buffer.concat(bytes), options);
    return message && summarizeMessage(message);
  };
  expect(summary(fragments(TEXT, 'grüß', 3))).toBe('text message of 2 frames: "grüß"');
  expect(summary(fragments(BINARY, 'abc'), { keptBytes: 2 })).toBe('binary message of 1 frame: 61 62 … and 1 more');
  expect(summary(fragments(BINARY, ''))).toBe('binary message of 1 frame: empty');
  expect(summary(fragments(TEXT, 'abc'), { keptBytes: 0 })).toBe('text message of 1 frame: 3 bytes, not shown');
  expect(summary([frame({ opcode: 0, payload: 'abc' })], { isMidMessage: true })).toBe('message of 1 frame: 61 62 63');
});

describe('a close code', () => {
  test('has a name and a meaning if RFC 6455 or its registry knows it', () => {
    for (const [name, code] of Object.entries(CloseCode)) {
      expect([closeCodeName(code), closeCodeMeaning(code).length > 10]).toEqual([name, true]);
    }
  });

  test.each([
    [0, 'must not be sent'],
    [1004, 'must not be sent'],
    [1015, 'never sent: it stands for a TLS handshake that failed'],
    [2999, 'must not be sent'],
    [3000, 'registered with IANA'],
    [3999, 'registered with IANA'],
    [4000, 'of the application'],
    [4999, 'of the application'],
    [5000, 'must not be sent'],
  ])('%i: %s', (code, meaning) => {
    expect(closeCodeName(code)).toBeUndefined();
    expect(closeCodeMeaning(code)).toContain(meaning);
  });
});

describe('a frame as JSON', () => {
  test('has all that is known of it', () => {
    const { fields, ...rest } = frameJson(last(Buffer.from('01034865' + '6c' + '808237fa213d5b95', 'hex')));
    expect(rest).toEqual({
      at: 5,
      header: '808237fa213d',
      ...{ fin: true, rsv1: false, rsv2: false, rsv3: false, opcode: 0, name: 'CONTINUATION' },
      ...{ masked: true, key: '37fa213d', lengthBits: 7, length: 2, payloadBytes: 2, payload: '6c6f', text: 'lo' },
      message: { contents: 'text', frames: 2, bytes: 5, payload: '48656c6c6f', text: 'Hello' },
      broken: [],
    });
    expect(fields.map(({ name, at, bits, value }) => [name, at, bits, value])).toEqual([
      ['FIN', 0, 1, '1'],
      ['RSV1', 1, 1, '0'],
      ['RSV2', 2, 1, '0'],
      ['RSV3', 3, 1, '0'],
      ['opcode', 4, 4, '0000'],
      ['MASK', 8, 1, '1'],
      ['Payload len', 9, 7, '0000010'],
      ['Masking-key', 16, 32, '37 fa 21 3d'],
      ['Payload Data', 48, 16, '2 bytes'],
    ]);
  });

  test('has null for what a header that is cut off does not say, and what is broken', () => {
    expect(frameJson(last(Buffer.from('f3', 'hex')))).toMatchObject({
      ...{ rsv1: true, rsv2: true, rsv3: true, opcode: 3, name: null },
      ...{ masked: null, key: null, lengthBits: null, length: null, payloadBytes: 0, payload: '' },
      broken: [{ rule: 'rsv' }, { rule: 'opcode' }, { rule: 'cut-off' }],
    });
  });

  test('has the bits of the length as they are, and the code of a Close with its name', () => {
    const bitsOf = (length: number) =>
      frameJson(last(frame({ opcode: BINARY, payload: Buffer.alloc(length) }))).lengthBits;
    expect([bitsOf(125), bitsOf(126), bitsOf(65_536)]).toEqual([7, 16, 64]);
    const close = frame({ opcode: CLOSE, payload: Buffer.from([3, 0xe8, 0x61]) });
    expect(frameJson(last(close)).close).toEqual({ code: 1000, name: 'NORMAL', reason: 'a' });
  });
});
