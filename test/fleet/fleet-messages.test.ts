import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  FLEET_HEADER_BYTES,
  FleetIdentity,
  type FleetMessage,
  readFleetMessage,
} from '../../dist/fleet/fleet-message.js';
import { fleetMessages, MessageMemory } from '../../dist/fleet/fleet-messages.js';
import { anyMessage, frameOf, framesOf } from './frames.js';

/** What an engine with this limit is given. */
function sent(
  frames: Uint8Array,
  messages: number,
  maxMessageBytes: number,
  identity = new FleetIdentity(),
): FleetMessage[] {
  return Array.from(fleetMessages(identity, frames, messages, maxMessageBytes, 5), (bytes) => {
    expect(bytes.length).toBeLessThanOrEqual(maxMessageBytes);
    return readFleetMessage(Uint8Array.from(bytes)) as FleetMessage; // it was just written
  });
}

test('frames that have room go as one message', () => {
  const frames = framesOf('one', 'two');
  const [message, ...others] = sent(frames, 2, FLEET_HEADER_BYTES + frames.length);
  expect(others).toEqual([]);
  expect(message).toMatchObject({
    messages: 2,
    piece: 0,
    pieces: 1,
    timestamp: 5,
    mayCompress: true,
    serial: 0,
    totalBytes: frames.length,
  });
  expect(frames.equals(message?.frames ?? new Uint8Array(0))).toBe(true);
});

test('frames are cut between messages, and as seldom as possible', () => {
  const frames = framesOf('one', 'two', 'three', '4');
  const messages = sent(frames, 4, FLEET_HEADER_BYTES + 10);
  expect(messages.map((one) => one.messages)).toEqual([2, 2]);
  expect(messages.map(({ serial }) => serial)).toEqual([0, 1]);
});

test('a message without room goes in pieces, between others that are whole', () => {
  const large = frameOf('a long message');
  const frames = Buffer.concat([frameOf('a'), large, frameOf('b'), frameOf('c')]);
  const messages = sent(frames, 4, FLEET_HEADER_BYTES + 7);
  expect(messages.map((one) => [one.serial, one.messages, one.piece, one.pieces, one.totalBytes])).toEqual([
    [0, 1, 0, 1, 3],
    [1, 1, 0, 3, 16],
    [1, 1, 1, 3, 16],
    [1, 1, 2, 3, 16],
    [2, 2, 0, 1, 6],
  ]);
});

test('whatever the limit is, the frames are all there, in order and once', () => {
  fc.assert(
    fc.property(
      fc.array(anyMessage, { minLength: 1, maxLength: 10 }),
      fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 200_000 })),
      (payloads, room) => {
        const frames = framesOf(...payloads);
        fc.pre(frames.length / room < 2000);
        const messages = sent(frames, payloads.length, FLEET_HEADER_BYTES + room);
        expect(Buffer.concat(messages.map((one) => one.frames)).equals(frames)).toBe(true);
        const wholes = messages.filter(({ piece }) => piece === 0);
        expect(wholes.reduce((sum, one) => sum + one.messages, 0)).toBe(payloads.length);
        expect(wholes.reduce((sum, one) => sum + one.totalBytes, 0)).toBe(frames.length);
      },
    ),
  );
});

test('frames in memory that other threads share are copied', () => {
  const frames = framesOf('shared');
  const shared = new Uint8Array(new SharedArrayBuffer(frames.length));
  shared.set(frames);
  const [bytes] = fleetMessages(new FleetIdentity(), shared, 1, 1000) as Iterable<Uint8Array>;
  shared.fill(0);
  expect(Buffer.from((bytes as Uint8Array).subarray(FLEET_HEADER_BYTES)).equals(frames)).toBe(true);
});

test('the time of publishing is the present if none is given', () => {
  const before = Date.now();
  const [bytes] = fleetMessages(new FleetIdentity(), framesOf('a'), 1, 1000) as Iterable<Uint8Array>;
  const { timestamp } = readFleetMessage(bytes as Uint8Array) as FleetMessage;
  expect(timestamp).toBeGreaterThanOrEqual(before);
  expect(timestamp).toBeLessThanOrEqual(Date.now());
});

test('memory is used again, but not by two at a time, and not for ever if it is large', () => {
  const memory = new MessageMemory();
  const identity = new FleetIdentity();
  const cut = (frames: Uint8Array) => fleetMessages(identity, frames, 1, 4_000_000, 0, true, memory);
  const [first] = [...cut(framesOf('first'))] as [Uint8Array];
  const outer = cut(framesOf('outer')).next().value as Uint8Array;
  expect(outer.buffer).toBe(first.buffer);
  expect(outer.byteOffset).toBe(first.byteOffset);
  const copy = Buffer.from(outer);
  for (const _ of cut(framesOf('inner'))) expect(copy.equals(outer)).toBe(true);
  for (const _ of cut(framesOf(new Uint8Array(2_000_000)))) expect(copy.equals(outer)).toBe(true);
  expect(memory.take(1).length).toBeLessThan(1000);
});
