import { afterEach, describe, expect, test } from 'vitest';
import { BINARY, CLOSE, CONTINUATION, fragments, frame, noise, PING, PONG, TEXT } from './client-frames.js';
import { byteByByte, event, expectNoSlabTaken, Receiver, receive, rig } from './receiver.js';

afterEach(expectNoSlabTaken);

/** The events of frames, which must not depend on how the frames are cut into reads. */
function eventsOfFrames(...frames: Uint8Array[]): readonly string[] {
  const stream = Buffer.concat(frames);
  const whole = receive([stream]);
  expect(receive(frames)).toEqual(whole);
  expect(receive(byteByByte(stream))).toEqual(whole);
  expect(whole.closeCode).toBeUndefined();
  return whole.events;
}

describe('fragmented messages (section 5.4)', () => {
  test.each([
    ['text', TEXT],
    ['binary', BINARY],
  ] as const)('joins the fragments of a %s message, whose type the first one says', (name, opcode) => {
    expect(eventsOfFrames(...fragments(opcode, 'Hello', 3))).toEqual([event(name, 'Hello')]);
    expect(eventsOfFrames(...fragments(opcode, 'Hello', 1, 2, 3, 4))).toEqual([event(name, 'Hello')]);
  });

  test('delivers nothing before the last fragment is whole', () => {
    const receiver = new Receiver();
    const stream = Buffer.concat(fragments(TEXT, 'Hello', 2, 4));
    receiver.read(stream.subarray(0, -1));
    expect(receiver.events).toEqual([]);
    receiver.read(stream.subarray(-1));
    expect(receiver.events).toEqual(['text: Hello']);
    receiver.close();
  });

  test.each([
    ['the first', [0]],
    ['the last', [5]],
    ['the middle one of three', [2, 2]],
    ['all but the first', [5, 5, 5]],
    ['all but the last', [0, 0, 0]],
    ['all but the middle one', [0, 5]],
  ])('joins fragments of which %s is empty', (_name, cuts) => {
    for (const [opcode, name] of [
      [TEXT, 'text'],
      [BINARY, 'binary'],
    ] as const) {
      expect(eventsOfFrames(...fragments(opcode, 'Hello', ...cuts))).toEqual([event(name, 'Hello')]);
    }
  });

  test('delivers one empty message for many empty fragments, and takes no memory for them', () => {
    const { arena } = rig();
    const receiver = new Receiver();
    receiver.read(frame({ opcode: BINARY, fin: false }));
    for (let i = 0; i < 1000; i++) receiver.read(frame({ opcode: CONTINUATION, fin: false }));
    expect(receiver.events).toEqual([]);
    expect(arena.slabs.allocatedSlabs).toBe(0);
    receiver.read(frame({ opcode: CONTINUATION }));
    expect(receiver.events).toEqual(['binary: ']);
    expect(arena.slabs.allocatedSlabs).toBe(0);
  });

  test('joins fragments of any size, in messages that follow each other', () => {
    const one = noise(200_000, 1);
    const two = noise(70_000, 2);
    const stream = [
      ...fragments(BINARY, one, 1, 126, 252, 66_000, 66_000, 199_999),
      ...fragments(BINARY, two, 65_535),
      frame({ opcode: TEXT, payload: 'whole' }),
    ];
    const expected = [event('binary', one), event('binary', two), 'text: whole'];
    expect(receive(stream).events).toEqual(expected);
    expect(receive([Buffer.concat(stream)]).events).toEqual(expected);
  });

  test('joins 10 000 fragments of one byte with memory for their bytes alone, and gives it back', () => {
    const { arena } = rig();
    const receiver = new Receiver();
    const payload = noise(10_000);
    let most = 0;
    for (const [i, byte] of payload.entries()) {
      const first = i === 0;
      const fin = i === payload.length - 1;
      receiver.read(frame({ opcode: first ? BINARY : CONTINUATION, fin, payload: Buffer.from([byte]) }));
      most = Math.max(most, arena.slabs.allocatedBytes);
    }
    expect(receiver.events).toEqual([event('binary', payload)]);
    expect(most).toBe(16_384);
    expect(arena.slabs.allocatedSlabs).toBe(0);
    expect(arena.slabs.allocatedBytes).toBe(0);
  });

  test('joins 10 000 fragments of one byte that one read brings', () => {
    const payload = noise(10_000);
    const stream = Buffer.concat(fragments(BINARY, payload, ...Array.from({ length: 9_999 }, (_, i) => i + 1)));
    expect(receive([stream]).events).toEqual([event('binary', payload)]);
    expect(rig().arena.slabs.allocatedSlabs).toBe(0);
  });
});

describe('control frames inside fragmented messages (sections 5.4 and 5.5)', () => {
  test.each([
    ['ping', PING],
    ['pong', PONG],
    ['close', CLOSE],
  ] as const)('delivers a %s at once, before the message it interrupts', (name, opcode) => {
    const receiver = new Receiver();
    const [first, last] = fragments(TEXT, 'Hello', 3) as [Buffer, Buffer];
    receiver.read(first);
    receiver.read(frame({ opcode, payload: 'now' }));
    expect(receiver.events).toEqual([event(name, 'now')]);
    receiver.read(last);
    expect(receiver.events).toEqual([event(name, 'now'), 'text: Hello']);
    receiver.close();
  });

  test('delivers any number of them, in order, and joins the message around them', () => {
    const payload = noise(300);
    const parts = fragments(BINARY, payload, 0, 100, 200, 300);
    const stream = parts.flatMap((part, i) => [
      frame({ opcode: PING, payload: `before ${i}` }),
      part,
      frame({ opcode: PONG, payload: `after ${i}` }),
    ]);
    const last = parts.length - 1;
    const expected = parts.flatMap((_, i) => [
      event('ping', `before ${i}`),
      ...(i === last ? [event('binary', payload)] : []),
      event('pong', `after ${i}`),
    ]);
    expect(eventsOfFrames(...stream)).toEqual(expected);
  });

  test('delivers one of 125 bytes between the bytes of a character', () => {
    const [first, last] = fragments(TEXT, '\u20ac', 1) as [Buffer, Buffer];
    const ping = noise(125);
    expect(eventsOfFrames(first, frame({ opcode: PING, payload: ping }), last)).toEqual([
      event('ping', ping),
      'text: \u20ac',
    ]);
  });

  test('does not give an empty message the payload of a control frame', () => {
    const [first, last] = fragments(BINARY, '', 0) as [Buffer, Buffer];
    expect(eventsOfFrames(first, frame({ opcode: PONG, payload: 'pong' }), last)).toEqual([
      event('pong', 'pong'),
      'binary: ',
    ]);
  });
});
