import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameEvent } from '../../dist/protocol/frame-event.js';
import { ProtocolError } from '../../dist/protocol/protocol-error.js';
import { UnmaskedFrameReader } from '../../dist/protocol/unmasked-frame-reader.js';
import {
  BINARY,
  bytesOf,
  CLOSE,
  CONTINUATION,
  type FrameParts,
  longText,
  frame as maskedFrame,
  headerWithoutKey as maskedHeader,
  noise,
  PING,
  PONG,
  TEXT,
} from './client-frames.js';
import { PLATFORM } from './platform.js';
import { byteByByte, event, inPieces } from './receiver.js';

const MEBIBYTE = 1024 * 1024;
const NAMES = { [FrameEvent.PING]: 'ping', [FrameEvent.PONG]: 'pong', [FrameEvent.CLOSE]: 'close' } as const;

/** As a server sends it. */
const frame = (parts: FrameParts) => maskedFrame({ ...parts, key: null });
const declares = (opcode: number, declaredLength: bigint, lengthBits?: 7 | 16 | 64) =>
  maskedHeader({ opcode, declaredLength, key: null, ...(lengthBits && { lengthBits }) });

function fragments(opcode: number, payload: Uint8Array | string, ...cuts: number[]): Buffer[] {
  const bytes = bytesOf(payload);
  const bounds = [0, ...cuts, bytes.length];
  return bounds.slice(1).map((end, i) =>
    frame({
      opcode: i === 0 ? opcode : CONTINUATION,
      fin: i === cuts.length,
      payload: bytes.subarray(bounds[i], end),
    }),
  );
}

/** The events of a stream. Each read lies in memory that is overwritten after the read. */
function read(reads: Iterable<Uint8Array>, maxPayloadBytes = MEBIBYTE) {
  const reader = new UnmaskedFrameReader(PLATFORM, maxPayloadBytes);
  const events: string[] = [];
  let taken = 0;
  try {
    for (const bytes of reads) {
      const memory = Uint8Array.from(bytes);
      reader.feed(memory);
      for (let found = reader.next(); found !== FrameEvent.NONE; found = reader.next()) {
        const name = found === FrameEvent.MESSAGE ? (reader.isBinary ? 'binary' : 'text') : NAMES[found];
        events.push(event(name, reader.payload));
      }
      memory.fill(0xdb);
      taken += bytes.length;
    }
    return { events, taken, closeCode: undefined, message: undefined, isMidway: reader.isMidway };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { events, taken, closeCode: error.closeCode, message: error.message, isMidway: reader.isMidway };
  }
}

const ALL = Buffer.concat([
  frame({ opcode: TEXT, payload: 'héllo' }),
  frame({ opcode: PING, payload: 'are you there' }),
  ...fragments(TEXT, 'in p€ces 😀', 1, 5, 6, 12),
  frame({ opcode: BINARY, payload: noise(126) }),
  frame({ opcode: BINARY }),
  frame({ opcode: BINARY, fin: false, payload: noise(40) }),
  frame({ opcode: PONG }),
  frame({ opcode: CONTINUATION, fin: false }),
  frame({ opcode: CONTINUATION, payload: noise(60, 2) }),
  frame({ opcode: CLOSE, payload: Buffer.from([3, 0xe8]) }),
]);

const EVENTS = [
  event('text', 'héllo'),
  event('ping', 'are you there'),
  event('text', 'in p€ces 😀'),
  event('binary', noise(126)),
  event('binary', ''),
  event('pong', ''),
  event('binary', Buffer.concat([noise(40), noise(60, 2)])),
  event('close', Buffer.from([3, 0xe8])),
];

describe('the frames of a server', () => {
  test('lie in memory of their own if they had to be joined, so that nobody has to copy them again', () => {
    const reader = new UnmaskedFrameReader(PLATFORM, MEBIBYTE);
    const owned: boolean[] = [];
    for (const part of [frame({ opcode: BINARY, payload: noise(9) }), ...fragments(BINARY, noise(9), 4)]) {
      reader.feed(part);
      while (reader.next() !== FrameEvent.NONE) owned.push(reader.ownsPayload);
    }
    expect(owned).toEqual([false, true]);
  });

  test('are read whole', () => {
    expect(read([ALL])).toMatchObject({ events: EVENTS, closeCode: undefined, isMidway: false });
  });

  test('are read byte by byte', () => {
    expect(read(byteByByte(ALL))).toMatchObject({ events: EVENTS, closeCode: undefined });
  });

  test('are read when they are cut anywhere', () => {
    for (let cut = 0; cut <= ALL.length; cut++) {
      expect(read([ALL.subarray(0, cut), ALL.subarray(cut)]).events).toEqual(EVENTS);
    }
  });

  test.each([65_535, 65_536, 300_000])('of %i bytes are joined from reads of any size', (length) => {
    const text = longText(length);
    const stream = Buffer.concat([frame({ opcode: TEXT, payload: text }), frame({ opcode: BINARY, payload: text })]);
    const events = [event('text', text), event('binary', text)];
    expect(read([stream]).events).toEqual(events);
    expect(read(inPieces(stream, [1, 70_001, 3, 16_384])).events).toEqual(events);
  });

  test('are known to be midway until a message has ended', () => {
    expect(read([frame({ opcode: TEXT, fin: false, payload: 'a' })]).isMidway).toBe(true);
    expect(read([frame({ opcode: TEXT, payload: 'a' }).subarray(0, 1)]).isMidway).toBe(true);
    expect(read([frame({ opcode: TEXT, payload: 'ab' }).subarray(0, 3)]).isMidway).toBe(true);
    expect(read([frame({ opcode: TEXT, payload: 'ab' })]).isMidway).toBe(false);
  });

  test('are the same however they are fragmented and cut', () => {
    const streams = fc.record({
      text: fc.string({ unit: 'binary', maxLength: 200 }),
      cuts: fc.array(fc.nat(1000), { maxLength: 4 }),
      sizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
    });
    fc.assert(
      fc.property(streams, ({ text, cuts, sizes }) => {
        const bytes = Buffer.from(text);
        const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
        const stream = Buffer.concat(fragments(TEXT, bytes, ...places));
        expect(read(inPieces(stream, sizes)).events).toEqual([event('text', bytes)]);
      }),
    );
  });
});

/** The stream is refused at its last byte: not one byte earlier, and not only with the byte that follows. */
function expectRefusalOfLastByte(stream: Uint8Array, closeCode: number, maxPayloadBytes?: number): void {
  expect(read(byteByByte(stream), maxPayloadBytes)).toMatchObject({ taken: stream.length - 1, closeCode });
  expect(read([stream], maxPayloadBytes).closeCode).toBe(closeCode);
  expect(read([stream.subarray(0, -1)], maxPayloadBytes).closeCode).toBeUndefined();
  // Bytes behind it do not hide it.
  expect(read([Buffer.concat([stream, Buffer.alloc(300, 0x81)])], maxPayloadBytes).closeCode).toBe(closeCode);
}

describe('what a server must not send', () => {
  test('is a masked frame: 1002 at the byte that says so (section 5.1)', () => {
    for (const opcode of [TEXT, BINARY, PING, PONG, CLOSE]) {
      expectRefusalOfLastByte(maskedFrame({ opcode, payload: 'x' }).subarray(0, 2), 1002);
    }
    expect(read([maskedFrame({ opcode: TEXT })]).message).toMatch(/masked frame from a server/);
  });

  test.each([4, 2, 1, 7])('is a reserved bit (%i): 1002 at that byte', (rsv) => {
    expectRefusalOfLastByte(frame({ opcode: TEXT, rsv }).subarray(0, 1), 1002);
    expectRefusalOfLastByte(frame({ opcode: PING, rsv }).subarray(0, 1), 1002);
  });

  test.each([0x3, 0x7, 0xb, 0xf])('is the reserved opcode %i: 1002 at that byte', (opcode) => {
    expectRefusalOfLastByte(Buffer.from([0x80 | opcode]), 1002);
  });

  test.each([CLOSE, PING, PONG])('is a control frame (%i) in fragments, or of more than 125 bytes: 1002', (opcode) => {
    expectRefusalOfLastByte(Buffer.from([opcode]), 1002);
    expectRefusalOfLastByte(declares(opcode, 126n).subarray(0, 2), 1002);
  });

  test('is a continuation of nothing, or a message inside another: 1002', () => {
    expectRefusalOfLastByte(Buffer.from([0x80]), 1002);
    expectRefusalOfLastByte(Buffer.concat([frame({ opcode: TEXT, fin: false }), Buffer.from([0x82])]), 1002);
  });

  test('is a length that is not encoded in the shortest way, or has the top bit: 1002', () => {
    expectRefusalOfLastByte(declares(TEXT, 125n, 16), 1002);
    expectRefusalOfLastByte(declares(TEXT, 65_535n, 64).subarray(0, 8), 1002);
    expectRefusalOfLastByte(declares(TEXT, 2n ** 63n, 64).subarray(0, 3), 1002);
  });

  test.each([1001n, 65_536n, 2n ** 53n, 2n ** 62n])('is a message of %i bytes, if 1000 are allowed: 1009', (length) => {
    expectRefusalOfLastByte(declares(BINARY, length), 1009, 1000);
  });

  test('are fragments that are too long in sum: 1009', () => {
    const first = frame({ opcode: BINARY, fin: false, payload: noise(600) });
    expectRefusalOfLastByte(Buffer.concat([first, declares(CONTINUATION, 401n)]), 1009, 1000);
    expect(read([first, frame({ opcode: CONTINUATION, payload: noise(400) })], 1000).closeCode).toBeUndefined();
  });

  test('is text that is not UTF-8: 1007 at the byte that makes it so', () => {
    const wrong = Buffer.from([0x68, 0xc3, 0x28]);
    const whole = frame({ opcode: TEXT, payload: Buffer.concat([wrong, Buffer.from('and so on')]) });
    expectRefusalOfLastByte(whole.subarray(0, 2 + wrong.length), 1007);
    expect(read([frame({ opcode: BINARY, payload: wrong })]).closeCode).toBeUndefined();
  });

  test('is text that ends inside a character: 1007', () => {
    expectRefusalOfLastByte(frame({ opcode: TEXT, payload: Buffer.from([0x61, 0xe2, 0x82]) }), 1007);
    expectRefusalOfLastByte(Buffer.concat(fragments(TEXT, Buffer.from([0xe2, 0x82]), 1)), 1007);
  });
});
