import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FLEET_HEADER_BYTES, FleetIdentity } from '../../dist/fleet/fleet-message.js';
import { fleetMessages } from '../../dist/fleet/fleet-messages.js';
import { FleetReceiver } from '../../dist/fleet/fleet-receiver.js';
import { anyMessage, frameOf, framesOf } from './frames.js';

const MAX_PAYLOAD_BYTES = 100_000;
const NOW = 1_000_000;

function receiverOf(origin = new FleetIdentity().origin) {
  const state = {
    now: NOW,
    frames: [] as Buffer[],
    messages: 0,
    lags: [] as number[],
    mayCompress: [] as boolean[],
    refused: [] as [number, string][],
  };
  const receiver = new FleetReceiver(
    {
      origin,
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      now: () => state.now,
      validateText: (bytes, start, end) => isUtf8(bytes.subarray(start, end)),
    },
    {
      onFrames(topic, frames, messages, lagMs, mayCompress) {
        expect(topic).toBe('topic');
        state.frames.push(Buffer.from(frames));
        state.messages += messages;
        state.lags.push(lagMs);
        state.mayCompress.push(mayCompress);
      },
      onRefused: (messages, why) => state.refused.push([messages, why]),
    },
  );
  return { receiver, state };
}

/** What another server gives to an engine with this limit. */
const sent = (frames: Uint8Array, messages: number, maxMessageBytes = 1_000_000, timestamp = NOW) =>
  Array.from(fleetMessages(new FleetIdentity(), frames, messages, maxMessageBytes, timestamp), (bytes) =>
    Buffer.from(bytes),
  );

/** One message of another server. */
const oneSent = (frames: Uint8Array, messages: number, timestamp = NOW) =>
  sent(frames, messages, 1_000_000, timestamp)[0] as Buffer;

test('what was cut is received whole, in order and once', () => {
  fc.assert(
    fc.property(
      fc.array(anyMessage, { minLength: 1, maxLength: 8 }),
      fc.oneof(fc.integer({ min: 20, max: 300 }), fc.integer({ min: 300, max: 200_000 })),
      (payloads, room) => {
        const frames = framesOf(...payloads);
        const { receiver, state } = receiverOf();
        for (const bytes of sent(frames, payloads.length, FLEET_HEADER_BYTES + room)) receiver.receive('topic', bytes);
        expect(Buffer.concat(state.frames).equals(frames)).toBe(true);
        expect(state.messages).toBe(payloads.length);
        expect(state.refused).toEqual([]);
        expect(receiver.isJoining).toBe(false);
      },
    ),
  );
});

test('a server drops its own messages, and pieces', () => {
  const identity = new FleetIdentity();
  const { receiver, state } = receiverOf(identity.origin);
  for (const bytes of fleetMessages(identity, framesOf('a', 'a long message'), 2, FLEET_HEADER_BYTES + 8)) {
    receiver.receive('topic', bytes);
  }
  expect(state).toMatchObject({ messages: 0, refused: [] });
  expect(receiver.isJoining).toBe(false);
});

test('the lag is measured from publishing, and 0 where clocks are wrong', () => {
  const { receiver, state } = receiverOf();
  for (const timestamp of [NOW - 25, NOW - 3.5, NOW, NOW + 5, NOW - 1e9, Number.NaN, Number.NEGATIVE_INFINITY]) {
    receiver.receive('topic', oneSent(framesOf('a'), 1, timestamp));
  }
  expect(state.lags).toEqual([25, 3, 0, 0, 0, 0, 0]);
});

describe('refuses and counts', () => {
  const two = framesOf('one', 'two');
  const changed = (at: number, value: number, bytes = oneSent(two, 2)) => {
    const copy = Buffer.from(bytes);
    copy[at] = value;
    return copy;
  };
  test.each([
    ['what is no message of the fleet', Buffer.from('hello'), 1, 'not ours'],
    ['nothing', Buffer.alloc(0), 1, 'not ours'],
    ['another version', changed(2, 2), 1, 'version'],
    ['unknown flags', changed(3, 2), 1, 'version'],
    ['fewer frames than it says', oneSent(two, 3), 3, 'count'],
    ['more frames than it says', oneSent(two, 1), 1, 'count'],
    ['a huge number of messages as no more than its bytes can be', changed(36, 0xff), 5, 'count'],
    ['no frames', oneSent(two, 0), 1, 'count'],
    ['another length than it says', oneSent(two, 2).subarray(0, -1), 2, 'count'],
    ['a header only', changed(39, 1, oneSent(two, 2).subarray(0, FLEET_HEADER_BYTES)), 1, 'count'],
    ['a piece of no pieces', changed(47, 0), 2, 'count'],
    ['a second piece of one', changed(43, 1), 2, 'count'],
    ['frames that are cut off', oneSent(two.subarray(0, -1), 2), 2, 'cut off'],
    ['a masked frame', oneSent(Buffer.from('818000000000', 'hex'), 1), 1, 'length form'],
    ['a fragment', oneSent(Buffer.from('0100', 'hex'), 1), 1, 'first byte'],
    ['text that is not UTF-8', oneSent(Buffer.from('8101ff', 'hex'), 1), 1, 'text'],
    ['a payload above the limit', oneSent(frameOf(new Uint8Array(MAX_PAYLOAD_BYTES + 1)), 1), 1, 'too big'],
  ])('%s', (_, bytes, messages, why) => {
    const { receiver, state } = receiverOf();
    receiver.receive('topic', bytes);
    expect(state).toMatchObject({ messages: 0, refused: [[messages, why]] });
  });

  test('a message whose pieces do not come as they should', () => {
    const { receiver, state } = receiverOf();
    const [first, , third] = sent(frameOf(new Uint8Array(50_000)), 1, 10_000) as [Buffer, Buffer, Buffer];
    receiver.receive('topic', first);
    expect(receiver.isJoining).toBe(true);
    receiver.receive('topic', third);
    expect(state.refused).toEqual([[1, 'pieces']]);
  });

  test('a message in pieces above the limit at its first piece', () => {
    const { receiver, state } = receiverOf();
    for (const bytes of sent(frameOf(new Uint8Array(MAX_PAYLOAD_BYTES + 20)), 1, 10_000))
      receiver.receive('topic', bytes);
    expect(state.refused).toEqual([[1, 'pieces']]);
  });

  test('a message in pieces that is wrong when it is whole', () => {
    const { receiver, state } = receiverOf();
    const two = Buffer.concat([framesOf('a'), frameOf(new Uint8Array(50_000))]);
    const one = frameOf(new Uint8Array(two.length - 4));
    const pieces = sent(one, 1, 10_000);
    two.copy(pieces[0] as Buffer, FLEET_HEADER_BYTES, 0, 9000);
    for (const bytes of pieces) receiver.receive('topic', bytes);
    expect(state.messages).toBe(0);
    expect(state.refused).toHaveLength(1);
  });
});

test('the longest message is received in pieces', () => {
  const { receiver, state } = receiverOf();
  const frame = frameOf(new Uint8Array(MAX_PAYLOAD_BYTES));
  for (const bytes of sent(frame, 1, 1024)) receiver.receive('topic', bytes);
  expect(Buffer.concat(state.frames).equals(frame)).toBe(true);
});

test('pieces that wait too long are given up when it is asked for, and when the connection is over', () => {
  const { receiver, state } = receiverOf();
  const [first] = sent(frameOf(new Uint8Array(50_000)), 1, 10_000) as [Buffer];
  receiver.receive('topic', first);
  state.now += 9_999;
  receiver.expire();
  expect(receiver.isJoining).toBe(true);
  state.now += 1;
  receiver.expire();
  expect(receiver.isJoining).toBe(false);
  expect(state.refused).toEqual([[1, 'pieces']]);
  receiver.receive('topic', first);
  receiver.reset();
  expect(receiver.isJoining).toBe(false);
  expect(state.refused).toHaveLength(1);
});

test('random damage never throws, and what passes are right frames', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      fc.array(fc.array(anyMessage, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 500, max: 80_000 }),
      damage,
      fc.boolean(),
      (runs, room, changes, cutsEnd) => {
        const { receiver, state } = receiverOf();
        const all = runs.flatMap((payloads) => sent(framesOf(...payloads), payloads.length, FLEET_HEADER_BYTES + room));
        for (const [at, value] of changes) {
          const bytes = all[at % all.length] as Buffer;
          bytes[at % Math.min(bytes.length, 100)] = value;
        }
        for (const bytes of all) receiver.receive('topic', cutsEnd ? bytes.subarray(0, -1) : bytes);
        const received = state.frames.map((frames) => reencoded(frames));
        expect(received.every(({ frames }, i) => frames.equals(state.frames[i] as Buffer))).toBe(true);
        expect(received.reduce((sum, { messages }) => sum + messages, 0)).toBe(state.messages);
      },
    ),
    { numRuns: 300 },
  );
});

test('random bytes never throw and never pass', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const { receiver, state } = receiverOf();
      receiver.receive('topic', bytes);
      expect(state.messages).toBe(0);
      expect(state.refused).toHaveLength(1);
    }),
  );
});

/** The frames as a server encodes them: the same bytes if they are right. */
function reencoded(frames: Buffer): { readonly frames: Buffer; readonly messages: number } {
  const encoded: Buffer[] = [];
  for (let rest = frames; rest.length > 0; ) {
    const form = rest[1] as number;
    const lengthBytes = form === 126 ? 2 : form === 127 ? 8 : 0;
    const length = lengthBytes === 0 ? form : Number(`0x${rest.toString('hex', 2, 2 + lengthBytes)}`);
    const end = 2 + lengthBytes + length;
    const payload = rest.subarray(2 + lengthBytes, end);
    if (rest[0] === 0x81) expect(isUtf8(payload)).toBe(true);
    encoded.push(frameOf(payload, rest[0] === 0x81 ? 0x81 : 0x82));
    rest = rest.subarray(end);
  }
  return { frames: Buffer.concat(encoded), messages: encoded.length };
}

test.each([true, false])('whether messages may be compressed (%s) is received with them, cut or not', (mayCompress) => {
  const { receiver, state } = receiverOf();
  for (const room of [8, 1000]) {
    const frames = framesOf('a', 'a long message');
    const messages = fleetMessages(new FleetIdentity(), frames, 2, FLEET_HEADER_BYTES + room, NOW, mayCompress);
    for (const bytes of messages) receiver.receive('topic', bytes);
  }
  expect(state.messages).toBe(4);
  expect(new Set(state.mayCompress)).toEqual(new Set([mayCompress]));
});
