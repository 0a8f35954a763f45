import { isUtf8 } from 'node:buffer';
import { afterEach, describe, expect, test } from 'vitest';
import { KERNEL_CHOICES } from '../../dist/kernels/create-kernel.js';
import { BINARY, CONTINUATION, fragments, frame, longText, PING, TEXT } from './client-frames.js';
import { byteByByte, event, expectNoSlabTaken, inPieces, Receiver, receive, rig } from './receiver.js';

afterEach(expectNoSlabTaken);

/** Bytes that are not UTF-8, and the index of the first byte that cannot stand there. */
const INVALID: readonly (readonly [what: string, bytes: readonly number[], offending: number])[] = [
  ['a continuation byte alone', [0x80], 0],
  ['the last continuation byte alone', [0xbf], 0],
  ['one continuation byte too many', [0xc3, 0xa9, 0x80], 2],
  ['two bytes for an ASCII character (C0)', [0xc0, 0xaf], 0],
  ['two bytes for an ASCII character (C1)', [0xc1, 0xbf], 0],
  ['three bytes for a character of one', [0xe0, 0x80, 0xaf], 1],
  ['three bytes for a character of two', [0xe0, 0x9f, 0xbf], 1],
  ['four bytes for a character of one', [0xf0, 0x80, 0x80, 0xaf], 1],
  ['four bytes for a character of three', [0xf0, 0x8f, 0xbf, 0xbf], 1],
  ['the first high surrogate, U+D800', [0xed, 0xa0, 0x80], 1],
  ['the last high surrogate, U+DBFF', [0xed, 0xaf, 0xbf], 1],
  ['the first low surrogate, U+DC00', [0xed, 0xb0, 0x80], 1],
  ['the last low surrogate, U+DFFF', [0xed, 0xbf, 0xbf], 1],
  ['a pair of surrogates', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], 1],
  ['U+110000', [0xf4, 0x90, 0x80, 0x80], 1],
  ['a lead byte beyond U+10FFFF (F5)', [0xf5, 0x80, 0x80, 0x80], 0],
  ['the lead byte of five (F8)', [0xf8, 0x88, 0x80, 0x80, 0x80], 0],
  ['the lead byte of six (FC)', [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80], 0],
  ['FE', [0xfe], 0],
  ['FF', [0xff], 0],
  ['a lead byte of two, then ASCII', [0xc3, 0x28], 1],
  ['a lead byte of three, then ASCII', [0xe2, 0x28], 1],
  ['a lead byte of three cut after two, then ASCII', [0xe2, 0x82, 0x28], 2],
  ['a lead byte of four cut after three, then ASCII', [0xf0, 0x9f, 0x98, 0x28], 3],
  ['a lead byte, then a lead byte', [0xe2, 0x82, 0xe2], 2],
  ['the first bytes of four, then the lead byte of two', [0xf1, 0x80, 0x80, 0xc3], 3],
];

/** Bytes at which a text cannot end: more must come. */
const INCOMPLETE: readonly (readonly number[])[] = [
  [0xc2],
  [0xdf],
  [0xe0],
  [0xe0, 0xa0],
  [0xe2],
  [0xe2, 0x82],
  [0xed, 0x9f],
  [0xef, 0xbf],
  [0xf0],
  [0xf0, 0x90],
  [0xf0, 0x9f, 0x98],
  [0xf1, 0x80],
  [0xf4],
  [0xf4, 0x8f, 0xbf],
];

/** The first and the last character of each length in bytes, and the neighbours of forbidden ones. */
const CHARACTERS =
  '\u0000\u007f\u0080\u07ff\u0800\u0fff\u1000\ucfff\ud000\ud7ff\ue000\ufffd\ufffe\uffff\u{10000}\u{3ffff}\u{40000}\u{fffff}\u{100000}\u{10ffff}';

describe.each(KERNEL_CHOICES)('text (sections 5.6 and 8.1), by the %s kernel', (choice) => {
  const on = () => rig(choice);

  test('accepts characters of every length, and a byte order mark as one of them', () => {
    const text = `\ufeff${CHARACTERS}\ufeff`;
    expect(receive([frame({ opcode: TEXT, payload: text })], on()).events).toEqual([event('text', text)]);
  });

  test('accepts a text cut anywhere by reads', () => {
    const text = CHARACTERS.repeat(3);
    const stream = frame({ opcode: TEXT, payload: text });
    const expected = { events: [event('text', text)], closeCode: undefined };
    for (let cut = 1; cut < stream.length; cut++) {
      expect(receive([stream.subarray(0, cut), stream.subarray(cut)], on())).toEqual(expected);
    }
    expect(receive(byteByByte(stream), on())).toEqual(expected);
  });

  test('accepts a text cut anywhere by frames, with control frames between them', () => {
    const text = CHARACTERS;
    const length = Buffer.byteLength(text);
    for (let cut = 0; cut <= length; cut++) {
      const [first, last] = fragments(TEXT, text, cut) as [Buffer, Buffer];
      const stream = Buffer.concat([first, frame({ opcode: PING }), last]);
      const expected = { events: ['ping: ', event('text', text)], closeCode: undefined };
      expect(receive([stream], on())).toEqual(expected);
      expect(receive(inPieces(stream, [5, 3]), on())).toEqual(expected);
    }
    const everyByte = fragments(TEXT, text, ...Array.from({ length: length - 1 }, (_, i) => i + 1));
    expect(receive(everyByte, on()).events).toEqual([event('text', text)]);
  });

  test.each(INVALID)(
    'closes with 1007 for %s when that byte arrives: mid-frame, after any valid text',
    (_what, bytes, offending) => {
      for (const before of [
        '',
        'a',
        '\u20ac',
        'x'.repeat(15),
        'x'.repeat(62),
        `\u00e9${CHARACTERS}`,
        'y'.repeat(4000),
      ]) {
        const payload = Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.alloc(200, 'z')]);
        const stream = frame({ opcode: TEXT, payload });
        const at = stream.length - 200 - bytes.length + offending;
        // The bytes in front of it in one read, and the wrong byte in a read of its own.
        const receiver = new Receiver(on());
        receiver.read(stream.subarray(0, at));
        expect(() => receiver.read(stream.subarray(at, at + 1))).toThrow(expect.objectContaining({ closeCode: 1007 }));
        receiver.close();
        expect(receive([stream.subarray(0, at + 1)], on()).closeCode).toBe(1007);
        expect(receive([stream], on()).closeCode).toBe(1007);
        if (before.length < 100) {
          expect(receive(byteByByte(stream.subarray(0, at)), on()).closeCode).toBeUndefined();
          expect(receive(byteByByte(stream.subarray(0, at + 1)), on()).closeCode).toBe(1007);
        }
      }
    },
  );

  test.each(INVALID)(
    'closes with 1007 for %s when that byte arrives: mid-message, each byte in a fragment',
    (_what, bytes, offending) => {
      const receiver = new Receiver(on());
      receiver.read(frame({ opcode: TEXT, fin: false, payload: CHARACTERS }));
      for (const byte of bytes.slice(0, offending)) {
        receiver.read(frame({ opcode: CONTINUATION, fin: false, payload: Buffer.from([byte]) }));
        receiver.read(frame({ opcode: CONTINUATION, fin: false }));
        receiver.read(frame({ opcode: PING }));
      }
      const last = frame({ opcode: CONTINUATION, fin: false, payload: Buffer.from([bytes[offending] as number]) });
      receiver.read(last.subarray(0, -1));
      expect(() => receiver.read(last.subarray(-1))).toThrow(expect.objectContaining({ closeCode: 1007 }));
      receiver.close();
    },
  );

  test.each(INCOMPLETE)('closes with 1007 for a message that ends in %i %i %i, at its last byte', (...cut) => {
    const bytes = cut.filter((byte) => byte !== undefined);
    for (const before of ['', 'a', 'x'.repeat(63), CHARACTERS, 'y'.repeat(5000)]) {
      const payload = Buffer.concat([Buffer.from(before), Buffer.from(bytes)]);
      const whole = frame({ opcode: TEXT, payload });
      expect(receive([whole.subarray(0, -1)], on()).closeCode).toBeUndefined();
      expect(receive([whole.subarray(0, -1), whole.subarray(-1)], on()).closeCode).toBe(1007);
      expect(receive([whole], on()).closeCode).toBe(1007);
      // After a fragment that is not the last one, more may come.
      const first = frame({ opcode: TEXT, fin: false, payload });
      expect(receive([first], on()).closeCode).toBeUndefined();
      expect(receive([first, frame({ opcode: CONTINUATION })], on()).closeCode).toBe(1007);
      const ascii = frame({ opcode: CONTINUATION, fin: false, payload: 'a' });
      expect(receive([first, ascii], on()).closeCode).toBe(1007);
    }
  });

  test('begins each message between characters', () => {
    const stream = [
      frame({ opcode: TEXT, payload: '\u20ac' }),
      frame({ opcode: TEXT, payload: '' }),
      frame({ opcode: TEXT, payload: Buffer.from([0x82, 0xac]) }),
    ];
    expect(receive(stream, on())).toEqual({ events: ['text: \u20ac', 'text: '], closeCode: 1007 });
  });

  test('never judges binary messages, nor the payloads of Ping and Pong', () => {
    for (const [, bytes] of INVALID) {
      const payload = Buffer.from(bytes);
      const stream = [
        frame({ opcode: BINARY, payload }),
        ...fragments(BINARY, payload, 0, 1),
        frame({ opcode: PING, payload }),
        frame({ opcode: TEXT, payload: 'text' }),
      ];
      const expected = [event('binary', payload), event('binary', payload), event('ping', payload), 'text: text'];
      expect(receive(stream, on()).events).toEqual(expected);
      expect(receive([Buffer.concat(stream)], on()).events).toEqual(expected);
    }
  });

  test('does not let a Ping that is not UTF-8 disturb the text around it', () => {
    const [first, last] = fragments(TEXT, '\u20ac', 2) as [Buffer, Buffer];
    const ping = frame({ opcode: PING, payload: Buffer.from([0xff, 0xc3]) });
    expect(receive([Buffer.concat([first, ping, last])], on()).events).toEqual(['ping: ffc3', 'text: \u20ac']);
  });

  test('accepts a long text, and finds a wrong byte anywhere in it, without what comes later', () => {
    const text = longText(300_000);
    expect(isUtf8(text)).toBe(true);
    const stream = frame({ opcode: TEXT, payload: text });
    expect(receive([stream], on()).events).toEqual([event('text', text)]);
    for (const at of [0, 1, 63, 64, 4095, 16_384, 65_535, 65_536, 200_001, 299_000]) {
      const wrong = Buffer.from(text);
      wrong[at] = 0xff;
      const upToIt = frame({ opcode: TEXT, payload: wrong }).subarray(0, 14 + at + 1);
      expect(receive([upToIt.subarray(0, -1)], on()).closeCode).toBeUndefined();
      expect(receive([upToIt], on()).closeCode).toBe(1007);
    }
  });
});
