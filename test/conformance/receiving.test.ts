import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { KERNEL_CHOICES } from '../../dist/kernels/create-kernel.js';
import { MIN_ARENA_BYTES } from '../../dist/memory/arena.js';
import { BINARY, CLOSE, fragments, frame, PING, PONG, TEXT } from '../protocol/client-frames.js';
import { byteByByte, expectNoSlabTaken, makeRig, receive, rig } from '../protocol/receiver.js';
import {
  agreesWithReference,
  decodesWhatWasEncoded,
  LIMIT_BYTES,
  WatchedRig,
  writesOnlyWhereItMay,
} from './receiving-properties.js';
import { decode } from './reference-decoder.js';
import { conversations, damagedConversations, nearlyFrames, readSizes } from './streams.js';

afterEach(expectNoSlabTaken);

const text = 'a\u00e9\u20ac\u{1f600}';

/** Short streams with everything in them that a stream can have. */
const STREAMS: Record<string, Buffer> = {
  'messages and control frames': Buffer.concat([
    frame({ opcode: TEXT, payload: text, key: [1, 2, 3, 4] }),
    frame({ opcode: PING, payload: 'ping' }),
    frame({ opcode: BINARY }),
    frame({ opcode: BINARY, payload: Buffer.alloc(126, 7) }),
    frame({ opcode: PONG }),
    frame({ opcode: CLOSE, payload: Buffer.from([3, 232, 98, 121, 101]) }),
  ]),
  'fragments, with control frames between them': Buffer.concat(
    fragments(TEXT, text.repeat(2), 0, 2, 5, 5, 9, 20).flatMap((fragment, i) => [
      frame({ opcode: PING, payload: String(i) }),
      fragment,
    ]),
  ),
  'a text that proves invalid in its third fragment': Buffer.concat([
    frame({ opcode: PING }),
    ...fragments(TEXT, Buffer.from([0x61, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x28, 0x61]), 2, 4),
  ]),
  'a text that ends inside a character': Buffer.concat(fragments(TEXT, Buffer.from([0x61, 0xe2, 0x82]), 1, 2)),
  'an unmasked frame': Buffer.concat([
    frame({ opcode: TEXT, payload: text }),
    frame({ opcode: TEXT, payload: text, key: null }),
  ]),
  'a message that goes beyond the limit with its last fragment': Buffer.concat(
    fragments(BINARY, Buffer.alloc(LIMIT_BYTES + 1, 1), 100, 160),
  ),
  'a continuation of nothing': Buffer.concat([...fragments(BINARY, 'ab', 1), frame({ opcode: 0, payload: 'c' })]),
};

describe.each(KERNEL_CHOICES)('the %s kernel', (choice) => {
  test.each(Object.entries(STREAMS))(
    'gives the same events for %s, whole, byte by byte, and cut at every place',
    (_name, stream) => {
      const { events, closeCode } = decode(stream, LIMIT_BYTES);
      const expected = { events, closeCode };
      expect(receive([stream], rig(choice), LIMIT_BYTES)).toEqual(expected);
      expect(receive(byteByByte(stream), rig(choice), LIMIT_BYTES)).toEqual(expected);
      for (let cut = 1; cut < stream.length; cut++) {
        const reads = [stream.subarray(0, cut), stream.subarray(cut)];
        expect(receive(reads, rig(choice), LIMIT_BYTES)).toEqual(expected);
      }
    },
  );

  test('decodes what was encoded: any messages, fragments, control frames, reads', () => {
    fc.assert(
      fc.property(conversations(150_000), readSizes(100_000), (conversation, sizes) => {
        decodesWhatWasEncoded(conversation, sizes, rig(choice));
      }),
      { numRuns: 40 },
    );
  });

  test('decodes what was encoded in the smallest arena, too', () => {
    fc.assert(
      fc.property(conversations(800_000), readSizes(300_000), (conversation, sizes) => {
        decodesWhatWasEncoded(conversation, sizes, rig(choice, MIN_ARENA_BYTES));
      }),
      { numRuns: 15 },
    );
  });

  test('agrees with the reference about frames with small faults, to the byte', () => {
    fc.assert(
      fc.property(nearlyFrames(), readSizes(50), (stream, sizes) => agreesWithReference(stream, sizes, rig(choice))),
      { numRuns: 100 },
    );
  });

  test('agrees with the reference about conversations that were damaged, to the byte', () => {
    fc.assert(
      fc.property(damagedConversations(LIMIT_BYTES), readSizes(100), (stream, sizes) => {
        agreesWithReference(stream, sizes, rig(choice));
      }),
      { numRuns: 100 },
    );
  });

  test('writes only to the window, the headroom and its slabs, whatever it is fed', () => {
    const watched = new WatchedRig(makeRig(choice, MIN_ARENA_BYTES));
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 400 }).map(Buffer.from),
      nearlyFrames(),
      damagedConversations(400_000),
    );
    fc.assert(
      fc.property(anything, readSizes(60_000), (stream, sizes) => writesOnlyWhereItMay(stream, sizes, watched)),
      { numRuns: 60 },
    );
  });
});
