import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { KERNEL_CHOICES } from '../../dist/kernels/create-kernel.js';
import { HEADROOM_BYTES, MIN_ARENA_BYTES, WINDOW_BYTES } from '../../dist/memory/arena.js';
import { expectNoSlabTaken, makeRig, Receiver, rig } from '../protocol/receiver.js';
import {
  agreesWithReference,
  decodesWhatWasEncoded,
  WatchedRig,
  writesOnlyWhereItMay,
} from './receiving-properties.js';
import { type Conversation, conversations, damagedConversations, nearlyFrames, readSizes } from './streams.js';

afterEach(expectNoSlabTaken);

const MEBIBYTE = 1024 * 1024;

describe.each(KERNEL_CHOICES)('the %s kernel, at length', (choice) => {
  test('decodes what was encoded, up to 4 MiB a message', () => {
    fc.assert(
      fc.property(conversations(4 * MEBIBYTE), readSizes(WINDOW_BYTES), (conversation, sizes) => {
        decodesWhatWasEncoded(conversation, sizes, rig(choice));
      }),
      { numRuns: 150 },
    );
  });

  test('decodes what was encoded, by way of the heap', () => {
    fc.assert(
      fc.property(conversations(2 * MEBIBYTE), readSizes(WINDOW_BYTES), (conversation, sizes) => {
        decodesWhatWasEncoded(conversation, sizes, rig(choice, MIN_ARENA_BYTES));
      }),
      { numRuns: 150 },
    );
  });

  test('agrees with the reference about frames with small faults', () => {
    fc.assert(
      fc.property(nearlyFrames(), readSizes(50), (stream, sizes) => agreesWithReference(stream, sizes, rig(choice))),
      { numRuns: 5000 },
    );
  });

  test('agrees with the reference about conversations that were damaged', () => {
    fc.assert(
      fc.property(damagedConversations(300), readSizes(100), (stream, sizes) => {
        agreesWithReference(stream, sizes, rig(choice));
      }),
      { numRuns: 2000 },
    );
  });

  test('writes only where it may', () => {
    const watched = new WatchedRig(makeRig(choice, MIN_ARENA_BYTES));
    const anything = fc.oneof(nearlyFrames(), damagedConversations(MEBIBYTE / 2));
    fc.assert(
      fc.property(anything, readSizes(WINDOW_BYTES), (stream, sizes) => writesOnlyWhereItMay(stream, sizes, watched)),
      { numRuns: 300 },
    );
  });
});

describe('connections that share an arena', () => {
  /** One turn of the event loop: which connection has something to read, and at most how much. */
  const turn = fc.record({
    which: fc.nat(4),
    length: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: WINDOW_BYTES })),
    filler: fc.nat(255),
  });

  test.each([
    ['of 16 MiB', 16 * MEBIBYTE],
    ['of the smallest size', MIN_ARENA_BYTES],
  ])('%s do not see each other\u2019s bytes, whatever order they are read in', (_name, arenaBytes) => {
    const on = rig('auto', arenaBytes);
    const { arena } = on;
    fc.assert(
      fc.property(
        fc.array(conversations(400_000), { minLength: 2, maxLength: 5 }),
        fc.array(turn, { minLength: 1, maxLength: 60 }),
        (conversations, turns) => {
          const connections = conversations.map((conversation: Conversation) => ({
            conversation,
            receiver: new Receiver(on),
            rest: conversation.stream as Uint8Array,
          }));
          let at = 0;
          while (connections.some(({ rest }) => rest.length > 0)) {
            const { which, length, filler } = turns[at++ % turns.length] as (typeof turns)[0];
            const open = connections.filter(({ rest }) => rest.length > 0);
            const connection = open[(which + at) % open.length] as (typeof open)[0];
            // Enough turns to come to an end.
            const enough = at > 5000 ? WINDOW_BYTES : length;
            const taken = connection.receiver.readOnce(connection.rest.subarray(0, enough));
            connection.rest = connection.rest.subarray(taken);
            arena.bytes.fill(filler, arena.windowStart - HEADROOM_BYTES, arena.windowStart + WINDOW_BYTES);
          }
          for (const { receiver, conversation } of connections) {
            expect(receiver.events).toEqual(conversation.events);
            receiver.close();
          }
          expect(arena.slabs.allocatedSlabs).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
