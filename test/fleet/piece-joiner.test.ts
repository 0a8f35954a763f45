import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FleetMessage } from '../../dist/fleet/fleet-message.js';
import { PieceJoiner } from '../../dist/fleet/piece-joiner.js';

const MAX_BYTES = 100_000;
const MAX_MEMORY_BYTES = 4 * MAX_BYTES;
const TIMEOUT_MS = 1000;

function joinerOf() {
  const state = { nowMs: 0, lost: 0 };
  const joiner = new PieceJoiner({
    maxBytes: MAX_BYTES,
    maxMemoryBytes: MAX_MEMORY_BYTES,
    timeoutMs: TIMEOUT_MS,
    now: () => state.nowMs,
    onLost: (messages) => {
      state.lost += messages;
    },
  });
  return { state, joiner };
}

/** The pieces of a message, each of so many bytes. */
function piecesOf(bytes: Uint8Array, size: number, about: Partial<FleetMessage> = {}): FleetMessage[] {
  const pieces = Math.ceil(bytes.length / size);
  return Array.from({ length: pieces }, (_, piece) => ({
    origin: 'origin of 16 cha',
    serial: 1,
    timestamp: 0,
    mayCompress: true,
    messages: 1,
    piece,
    pieces,
    totalBytes: bytes.length,
    frames: bytes.subarray(piece * size, (piece + 1) * size),
    ...about,
  }));
}

const message = Buffer.from('a message in pieces');

test('pieces are joined when the last has come', () => {
  const { joiner, state } = joinerOf();
  const pieces = piecesOf(message, 4);
  for (const piece of pieces.slice(0, -1)) expect(joiner.add('a', piece)).toBeUndefined();
  expect(joiner.size).toBe(1);
  expect(Buffer.from(joiner.add('a', pieces.at(-1) as FleetMessage) ?? []).equals(message)).toBe(true);
  expect(joiner).toMatchObject({ size: 0, memoryBytes: 0 });
  expect(state.lost).toBe(0);
});

test('messages of other origins and topics may come between the pieces', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 2, max: 90_000 }), fc.integer({ min: 1, max: 40_000 })), { maxLength: 4 }),
      fc.infiniteStream(fc.nat(3)),
      (sizes, choices) => {
        const { joiner, state } = joinerOf();
        const streams = sizes.map(([length, size], i) => {
          const bytes = new Uint8Array(length).map((_, at) => i + at);
          const about = { origin: `origin of 16 ch${i % 2}`, serial: i };
          const pieces = piecesOf(bytes, Math.min(Math.max(size, Math.ceil(length / 20)), length - 1), about);
          return { bytes, topic: `topic ${i >> 1}`, pieces, joined: undefined as Uint8Array | undefined };
        });
        for (let left = streams; left.length > 0; left = left.filter(({ pieces }) => pieces.length > 0)) {
          const stream = left[choices.next().value % left.length] as (typeof streams)[number];
          stream.joined = joiner.add(stream.topic, stream.pieces.shift() as FleetMessage);
        }
        for (const { bytes, joined } of streams) expect(Buffer.from(joined ?? []).equals(bytes)).toBe(true);
        expect(joiner).toMatchObject({ size: 0, memoryBytes: 0 });
        expect(state.lost).toBe(0);
      },
    ),
  );
});

describe('a message is given up, and counted once, when', () => {
  const [first, second, third, fourth, last] = piecesOf(message, 4) as [
    FleetMessage,
    FleetMessage,
    FleetMessage,
    FleetMessage,
    FleetMessage,
  ];
  test.each([
    ['a piece is missing', [first, second, fourth, last]],
    ['two pieces come in the wrong order', [first, third, second, fourth, last]],
    ['a piece comes twice', [first, second, second, third, fourth, last]],
    ['a piece says another number of pieces', [first, { ...second, pieces: 6 }]],
    ['a piece says another length', [first, { ...second, totalBytes: 20 }]],
    ['a piece is empty', [first, { ...second, frames: new Uint8Array(0) }]],
    ['pieces are longer than the message', [first, { ...second, frames: Buffer.alloc(20) }]],
    ['the last piece is too short', [first, second, third, fourth, { ...last, frames: Buffer.alloc(2) }]],
    ['the first piece is empty', [{ ...first, frames: new Uint8Array(0) }, second]],
    ['there would be more pieces than bytes', [{ ...first, pieces: 2 ** 32 - 1 }, second]],
    ['it would be longer than allowed', [{ ...first, totalBytes: MAX_BYTES + 1 }, second]],
    ['it says that it is several messages', [{ ...first, messages: 2 }, second]],
  ])('%s', (_, pieces) => {
    const { joiner, state } = joinerOf();
    for (const piece of pieces) expect(joiner.add('a', piece)).toBeUndefined();
    expect(joiner).toMatchObject({ size: 0, memoryBytes: 0 });
    expect(state.lost).toBe(1);
  });

  test('the next message begins before its end, which is joined', () => {
    const { joiner, state } = joinerOf();
    joiner.add('a', first);
    const joined = piecesOf(message, 10, { serial: 2 }).map((piece) => joiner.add('a', piece));
    expect(Buffer.from(joined[1] ?? []).equals(message)).toBe(true);
    expect(state.lost).toBe(1);
  });
});

test('the pieces of a message that began before the subscription are no loss', () => {
  const { joiner, state } = joinerOf();
  for (const piece of piecesOf(message, 4).slice(1)) expect(joiner.add('a', piece)).toBeUndefined();
  expect(joiner.size).toBe(0);
  expect(state.lost).toBe(0);
});

test('a message that gets no piece for long is given up, and one that gets some is not', () => {
  const { joiner, state } = joinerOf();
  const [still, busy] = [piecesOf(message, 4), piecesOf(message, 4, { serial: 2 })];
  joiner.add('still', still[0] as FleetMessage);
  for (const piece of busy) {
    expect(joiner.add('busy', piece) === undefined).toBe(piece !== busy.at(-1));
    state.nowMs += 0.4 * TIMEOUT_MS;
  }
  expect(state.lost).toBe(1);
  expect(joiner.size).toBe(0);
  joiner.add('still', still[0] as FleetMessage);
  state.nowMs += TIMEOUT_MS - 1;
  joiner.expire();
  expect(joiner.size).toBe(1);
  state.nowMs += 1;
  joiner.expire();
  expect(joiner).toMatchObject({ size: 0, memoryBytes: 0 });
  expect(state.lost).toBe(2);
  joiner.expire();
});

test('nothing counts as lost when the connection is over', () => {
  const { joiner, state } = joinerOf();
  joiner.add('a', piecesOf(message, 4)[0] as FleetMessage);
  joiner.reset();
  expect(joiner).toMatchObject({ size: 0, memoryBytes: 0 });
  expect(state.lost).toBe(0);
});

test('memory grows with what has come, and not with what is declared', () => {
  const { joiner } = joinerOf();
  joiner.add('a', piecesOf(new Uint8Array(MAX_BYTES), 10)[0] as FleetMessage);
  expect(joiner.memoryBytes).toBeLessThanOrEqual(1024);
});

test('many tiny pieces move what has come a few times only', () => {
  const { joiner } = joinerOf();
  const sizes = new Set(
    piecesOf(new Uint8Array(MAX_BYTES), 10).map((piece) => joiner.add('a', piece) ?? joiner.memoryBytes),
  );
  expect(sizes.size).toBeLessThan(12);
});

test('many origins that never complete their messages take bounded memory: the oldest are given up', () => {
  const { joiner, state } = joinerOf();
  const bytes = new Uint8Array(MAX_BYTES);
  let seen = 0;
  for (let i = 0; i < 1500; i++) {
    const about = { origin: i.toString().padStart(16), serial: i };
    for (const piece of piecesOf(bytes, i % 2 === 0 ? 30 : 45_000, about).slice(0, 2)) joiner.add('a', piece);
    expect(joiner.memoryBytes).toBeLessThanOrEqual(MAX_MEMORY_BYTES);
    seen = Math.max(seen, joiner.size);
  }
  expect(seen).toBeGreaterThan(3);
  expect(state.lost).toBe(1500 - joiner.size);
});

test('many small messages that are never complete are bounded in number', () => {
  const { joiner, state } = joinerOf();
  for (let i = 0; i < 3000; i++) {
    joiner.add(`topic ${i}`, piecesOf(message, 4, { serial: i })[0] as FleetMessage);
  }
  expect(joiner.size).toBe(1024);
  expect(state.lost).toBe(3000 - 1024);
});

test('the longest message is always joined, however little memory there is for others', () => {
  let lost = 0;
  const joiner = new PieceJoiner({
    maxBytes: MAX_BYTES,
    maxMemoryBytes: 1,
    timeoutMs: TIMEOUT_MS,
    now: () => 0,
    onLost: () => lost++,
  });
  joiner.add('other', piecesOf(message, 4)[0] as FleetMessage);
  const bytes = new Uint8Array(MAX_BYTES).fill(7);
  const joined = piecesOf(bytes, 999).map((piece) => joiner.add('a', piece));
  expect(Buffer.from(joined.at(-1) ?? []).equals(bytes)).toBe(true);
  expect(lost).toBe(1);
});

test('whatever pieces come, nothing throws, memory is bounded, and what is joined was sent', () => {
  const bytes = Buffer.from(Array.from({ length: 60 }, (_, i) => i));
  const piece = fc.record({
    about: fc.record(
      {
        serial: fc.nat(2),
        messages: fc.constantFrom(1, 1, 1, 0, 2),
        pieces: fc.constantFrom(4, 4, 4, 0, 2, 2 ** 32 - 1),
        totalBytes: fc.constantFrom(60, 60, 60, 0, 1, 2 ** 60),
      },
      { requiredKeys: ['serial'] },
    ),
    index: fc.nat(3),
    topic: fc.constantFrom('a', 'b'),
  });
  const run = fc.record({ piece, isRow: fc.boolean() });
  fc.assert(
    fc.property(fc.array(run, { maxLength: 60 }), (runs) => {
      const { joiner } = joinerOf();
      for (const { piece: one, isRow } of runs) {
        const pieces = piecesOf(bytes, 15, one.about);
        for (const next of isRow ? pieces : pieces.slice(one.index, one.index + 1)) {
          const joined = joiner.add(one.topic, next);
          if (joined !== undefined && joined.length === 60) expect(Buffer.from(joined).equals(bytes)).toBe(true);
          expect(joiner.size).toBeLessThanOrEqual(2);
          expect(joiner.memoryBytes).toBeLessThanOrEqual(2 * 60);
        }
      }
    }),
  );
});
