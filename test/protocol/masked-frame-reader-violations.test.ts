import { afterEach, describe, expect, test } from 'vitest';
import { BINARY, CLOSE, CONTINUATION, frame, headerWithoutKey, KEY, PING, PONG, TEXT } from './client-frames.js';
import { byteByByte, expectNoSlabTaken, Receiver, receive, rig } from './receiver.js';

afterEach(expectNoSlabTaken);

/** A header that declares a length, up to where the length ends: no masking key. */
function declares(opcode: number, declaredLength: bigint, lengthBits?: 7 | 16 | 64): Buffer {
  return headerWithoutKey({ opcode, declaredLength, ...(lengthBits && { lengthBits }) });
}

/** How many bytes were accepted, and the close code for the next one. */
function firstObjection(stream: Uint8Array, maxPayloadBytes?: number) {
  const receiver = new Receiver(rig('js'), maxPayloadBytes);
  let taken = 0;
  try {
    for (const byte of byteByByte(stream)) {
      receiver.read(byte);
      taken++;
    }
  } catch (error) {
    return { after: taken, error };
  } finally {
    receiver.close();
  }
  return { after: taken, error: undefined };
}

/** The stream is refused at its last byte: not one byte earlier, and not only with the byte that follows. */
function expectRefusalOfLastByte(stream: Uint8Array, closeCode: number, maxPayloadBytes?: number): void {
  expect(firstObjection(stream, maxPayloadBytes)).toEqual({
    after: stream.length - 1,
    error: expect.objectContaining({ name: 'ProtocolError', code: 'WSLOOM_PROTOCOL', closeCode }),
  });
  const whole = (bytes: Uint8Array) => receive([bytes], rig('js'), maxPayloadBytes).closeCode;
  expect(whole(stream)).toBe(closeCode);
  expect(whole(stream.subarray(0, -1))).toBeUndefined();
  // Bytes behind it do not hide it.
  expect(whole(Buffer.concat([stream, Buffer.alloc(300, 0x81)]))).toBe(closeCode);
}

const startedText = frame({ opcode: TEXT, fin: false, payload: 'start' });

describe('the first byte of a frame (section 5.2)', () => {
  test.each([
    ['RSV1', 4],
    ['RSV2', 2],
    ['RSV3', 1],
    ['RSV1 and RSV2', 6],
    ['all three', 7],
  ])('closes with 1002 for %s without an extension, at that byte', (_name, rsv) => {
    for (const opcode of [TEXT, BINARY, PING, PONG, CLOSE]) {
      expectRefusalOfLastByte(frame({ opcode, rsv }).subarray(0, 1), 1002);
    }
    expectRefusalOfLastByte(Buffer.concat([startedText, frame({ opcode: CONTINUATION, rsv }).subarray(0, 1)]), 1002);
  });

  test.each([0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf])(
    'closes with 1002 for the reserved opcode %i',
    (opcode) => {
      expectRefusalOfLastByte(Buffer.from([0x80 | opcode]), 1002);
      expectRefusalOfLastByte(Buffer.from([opcode]), 1002);
      expectRefusalOfLastByte(Buffer.concat([startedText, Buffer.from([0x80 | opcode])]), 1002);
    },
  );

  test('names the reserved opcode it has found', () => {
    expect(firstObjection(Buffer.from([0x83])).error).toHaveProperty(
      'message',
      'reserved opcode 3 (RFC 6455 section 5.2)',
    );
  });

  test.each([
    ['Close', CLOSE],
    ['Ping', PING],
    ['Pong', PONG],
  ])('closes with 1002 for a fragmented %s (section 5.5)', (_name, opcode) => {
    expectRefusalOfLastByte(Buffer.from([opcode]), 1002);
    expectRefusalOfLastByte(Buffer.concat([startedText, Buffer.from([opcode])]), 1002);
  });
});

describe('the order of fragments (section 5.4)', () => {
  test.each([
    ['at the beginning', Buffer.alloc(0)],
    ['after a whole message', frame({ opcode: TEXT, payload: 'whole' })],
    ['after the last fragment', Buffer.concat([startedText, frame({ opcode: CONTINUATION, payload: '.' })])],
    [
      'after the last fragment of an empty message',
      Buffer.concat([frame({ opcode: TEXT, fin: false }), frame({ opcode: CONTINUATION })]),
    ],
    ['after a Ping', frame({ opcode: PING })],
  ])('closes with 1002 for a continuation of nothing, %s', (_name, before) => {
    expectRefusalOfLastByte(Buffer.concat([before, Buffer.from([0x80])]), 1002);
    expectRefusalOfLastByte(Buffer.concat([before, Buffer.from([0x00])]), 1002);
  });

  test.each([
    ['text', TEXT],
    ['binary', BINARY],
  ])('closes with 1002 for a new %s message inside a fragmented one', (_name, opcode) => {
    for (const first of [0x80 | opcode, opcode]) {
      expectRefusalOfLastByte(Buffer.concat([startedText, Buffer.from([first])]), 1002);
      const emptyStart = frame({ opcode: BINARY, fin: false });
      expectRefusalOfLastByte(Buffer.concat([emptyStart, Buffer.from([first])]), 1002);
      const withPing = Buffer.concat([startedText, frame({ opcode: PING, payload: 'p' })]);
      expectRefusalOfLastByte(Buffer.concat([withPing, Buffer.from([first])]), 1002);
    }
  });
});

describe('the second byte of a frame', () => {
  test.each([
    ['text', 0x81],
    ['binary', 0x82],
    ['Close', 0x88],
    ['Ping', 0x89],
    ['Pong', 0x8a],
  ])('closes with 1002 for an unmasked %s frame (section 5.1)', (_name, first) => {
    for (const length of [0, 1, 125, 126, 127]) expectRefusalOfLastByte(Buffer.from([first, length]), 1002);
  });

  test('closes with 1002 for an unmasked continuation (section 5.1)', () => {
    expectRefusalOfLastByte(Buffer.concat([startedText, Buffer.from([0x80, 0x01])]), 1002);
  });

  test.each([
    ['Close', CLOSE],
    ['Ping', PING],
    ['Pong', PONG],
  ])('closes with 1002 for a %s of over 125 bytes, whatever length follows (section 5.5)', (_name, opcode) => {
    expectRefusalOfLastByte(declares(opcode, 126n).subarray(0, 2), 1002);
    expectRefusalOfLastByte(declares(opcode, 65536n).subarray(0, 2), 1002);
    expectRefusalOfLastByte(Buffer.concat([startedText, declares(opcode, 126n).subarray(0, 2)]), 1002);
  });
});

describe('the encoding of the length (section 5.2)', () => {
  test.each([0n, 1n, 124n, 125n])('closes with 1002 for a length of %i in 16 bits, at the last of them', (length) => {
    expectRefusalOfLastByte(declares(BINARY, length, 16), 1002);
  });

  test.each([0n, 125n, 126n, 65535n])(
    'closes with 1002 for a length of %i in 64 bits, at the byte that leaves at most 16 of them',
    (length) => {
      const header = declares(BINARY, length, 64);
      expectRefusalOfLastByte(header.subarray(0, 8), 1002);
      // With all of the length there at once, and with all of the frame.
      expect(receive([header], rig('js')).closeCode).toBe(1002);
      const payload = Buffer.alloc(Number(length));
      expect(receive([frame({ opcode: BINARY, payload, lengthBits: 64 })], rig('js')).closeCode).toBe(1002);
    },
  );

  test.each([0x80, 0xc0, 0xff])('closes with 1002 for a 64-bit length that begins with %i, at that byte', (top) => {
    expectRefusalOfLastByte(Buffer.from([0x82, 0xff, top]), 1002);
  });

  test('closes with 1002, not 1009, for the top bit, with all the length there', () => {
    const { closeCode } = receive([declares(BINARY, 2n ** 63n)], rig('js'), 10);
    expect(closeCode).toBe(1002);
  });

  test('accepts 126 in 16 bits and 65536 in 64 bits', () => {
    expect(firstObjection(declares(BINARY, 126n)).error).toBeUndefined();
    expect(firstObjection(declares(BINARY, 65536n)).error).toBeUndefined();
  });
});

describe('the limit of a message (section 7.4.1: 1009), judged by the length alone, before the masking key', () => {
  test.each([
    ['7 bits', 100, 101n],
    ['7 bits, at its greatest', 124, 125n],
    ['16 bits, at its least', 125, 126n],
    ['16 bits', 1000, 1001n],
    ['16 bits, at its greatest', 65534, 65535n],
    ['64 bits, at its least', 65535, 65536n],
    ['64 bits', 1_000_000, 1_000_001n],
  ])('closes with 1009 for one byte more than allowed, in %s', (_name, limit, length) => {
    for (const opcode of [TEXT, BINARY]) expectRefusalOfLastByte(declares(opcode, length), 1009, limit);
  });

  test.each([1, 125, 126, 65535, 65536, 100_000])('accepts a message of exactly the limit, %i bytes', (limit) => {
    const stream = frame({ opcode: BINARY, payload: Buffer.alloc(limit) });
    expect(receive([stream], rig('js'), limit)).toMatchObject({ events: [{}], closeCode: undefined });
  });

  test.each([
    ['2^32 - 1', 2n ** 32n - 1n],
    ['2^32', 2n ** 32n],
    ['2^32 + 1, whose low half is within the limit', 2n ** 32n + 1n],
    ['2^53 - 1', 2n ** 53n - 1n],
    ['2^53', 2n ** 53n],
    ['2^53 + 1, which no number can hold', 2n ** 53n + 1n],
    ['2^62', 2n ** 62n],
    ['2^63 - 1', 2n ** 63n - 1n],
  ])('closes with 1009 for a length of %s', (_name, length) => {
    expectRefusalOfLastByte(declares(BINARY, length), 1009);
  });

  test('accepts a length of the greatest limit there is, 2^32 - 1', () => {
    const limit = 2 ** 32 - 1;
    expect(firstObjection(declares(BINARY, BigInt(limit)), limit).error).toBeUndefined();
    expectRefusalOfLastByte(declares(BINARY, BigInt(limit) + 1n), 1009, limit);
  });

  test('counts fragments in sum (section 5.4)', () => {
    const sixty = frame({ opcode: BINARY, fin: false, payload: Buffer.alloc(60) });
    const forty = frame({ opcode: CONTINUATION, fin: false, payload: Buffer.alloc(40) });
    const hundred = Buffer.concat([sixty, forty]);
    expect(receive([hundred, frame({ opcode: CONTINUATION })], rig('js'), 100).closeCode).toBeUndefined();
    expectRefusalOfLastByte(Buffer.concat([hundred, declares(CONTINUATION, 1n)]), 1009, 100);
    expectRefusalOfLastByte(Buffer.concat([hundred, declares(CONTINUATION, 126n)]), 1009, 100);
    expectRefusalOfLastByte(Buffer.concat([hundred, declares(CONTINUATION, 65536n)]), 1009, 100);
  });

  test.each([
    ['2^31 - 1', 2n ** 31n - 1n],
    ['2^32 - 1', 2n ** 32n - 1n],
    ['2^53 - 1', 2n ** 53n - 1n],
    ['2^63 - 1', 2n ** 63n - 1n],
  ])('closes with 1009 for a sum of fragments that overflows: one byte and then %s', (_name, length) => {
    const oneByte = frame({ opcode: BINARY, fin: false, payload: 'x' });
    expectRefusalOfLastByte(Buffer.concat([oneByte, declares(CONTINUATION, length)]), 1009, 2 ** 31 - 1);
  });

  test('counts every message for itself', () => {
    const full = frame({ opcode: BINARY, payload: Buffer.alloc(100) });
    const halves = [
      frame({ opcode: TEXT, fin: false, payload: 'x'.repeat(50) }),
      frame({ opcode: CONTINUATION, payload: 'x'.repeat(50) }),
    ];
    const { events, closeCode } = receive([full, ...halves, full, ...halves], rig('js'), 100);
    expect(closeCode).toBeUndefined();
    expect(events).toHaveLength(4);
  });

  test('does not count control frames', () => {
    const ping = frame({ opcode: PING, payload: Buffer.alloc(125) });
    const half = frame({ opcode: BINARY, fin: false, payload: Buffer.alloc(5) });
    const end = frame({ opcode: CONTINUATION, payload: Buffer.alloc(5) });
    expect(receive([ping, half, ping, ping, end], rig('js'), 10).events).toHaveLength(4);
  });

  test('says what was found and what is allowed', () => {
    const header = declares(BINARY, 1001n);
    expect(firstObjection(header, 1000).error).toHaveProperty(
      'message',
      'message of 1001 bytes, at most 1000 are allowed',
    );
  });
});

describe('a violation', () => {
  test('comes after the events of the frames in front of it', () => {
    const stream = Buffer.concat([
      frame({ opcode: TEXT, payload: 'one' }),
      frame({ opcode: PING, payload: 'two' }),
      frame({ opcode: TEXT, payload: 'three', key: null }),
      frame({ opcode: TEXT, payload: 'four' }),
    ]);
    expect(receive([stream])).toEqual({ events: ['text: one', 'ping: 74776f'], closeCode: 1002 });
  });

  test('gives its memory back when the reader discards it', () => {
    const { arena, kernel } = rig('js');
    const receiver = new Receiver({ arena, kernel });
    receiver.read(frame({ opcode: BINARY, fin: false, payload: Buffer.alloc(100_000) }));
    expect(arena.slabs.allocatedSlabs).toBe(1);
    expect(() => receiver.read(Buffer.from([0x83]))).toThrow('reserved opcode');
    receiver.close();
    expect(arena.slabs.allocatedSlabs).toBe(0);
  });

  test('is not reported for the payload of a Close: readCloseStatus checks that', () => {
    expect(receive([frame({ opcode: CLOSE, payload: 'x', key: KEY })])).toEqual({
      events: ['close: 78'],
      closeCode: undefined,
    });
  });
});
