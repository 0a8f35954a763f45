/** The scan that goes ahead of the framing loop, and gathering: both give the same results as the code without them. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { BatchKernel, Kernel } from '../../dist/kernels/kernel.js';
import { ROW_WORDS, TABLE_ROWS } from '../../dist/memory/arena.js';
import { FrameEvent } from '../../dist/protocol/frame-event.js';
import { writeFrameHeader } from '../../dist/protocol/frame-header.js';
import { MaskedFrameReader } from '../../dist/protocol/masked-frame-reader.js';
import { conversations, damagedConversations, nearlyFrames, readSizes } from '../conformance/streams.js';
import { BINARY, frame, longText, noise, PING, TEXT } from './client-frames.js';
import { event, expectNoSlabTaken, inPieces, type Outcome, type Rig, receive, rig } from './receiver.js';

afterEach(expectNoSlabTaken);

const MEBIBYTE = 1024 * 1024;

/** The loop alone: the same memory and kernel, without the scan. */
function withoutScan({ arena, kernel }: Rig): Rig {
  const alone: Kernel = {
    name: kernel.name,
    unmask: (offset, length, key) => kernel.unmask(offset, length, key),
    validate: (offset, length, state) => kernel.validate(offset, length, state),
    unmaskText: (offset, length, key, state) => kernel.unmaskText(offset, length, key, state),
  };
  return { arena, kernel: alone };
}

function expectSame(stream: Uint8Array, sizes: readonly number[], on: Rig, maxPayloadBytes?: number): Outcome {
  const scanned = receive(inPieces(stream, sizes), on, maxPayloadBytes);
  expect(scanned).toEqual(receive(inPieces(stream, sizes), withoutScan(on), maxPayloadBytes));
  return scanned;
}

/** Small messages, one behind the other, and sometimes another frame among them. */
const smallFrames = fc
  .array(
    fc.record({
      opcode: fc.constantFrom(TEXT, TEXT, BINARY, BINARY, BINARY, PING),
      payload: fc.oneof(
        { weight: 6, arbitrary: fc.uint8Array({ maxLength: 30 }) },
        { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
        { weight: 1, arbitrary: fc.nat(3000).map(noise) },
        { weight: 1, arbitrary: fc.nat(3000).map((length) => longText(length, 5)) },
      ),
      fin: fc.constantFrom(true, true, true, true, true, true, true, false),
      key: fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }),
    }),
    { maxLength: 40 },
  )
  .map((frames) => Buffer.concat(frames.map((parts) => frame({ ...parts, fin: parts.fin || parts.opcode === PING }))));

describe.each(['auto', 'wasm'] as const)('the scan of the %s kernel', (choice) => {
  const on = rig(choice);

  test('finds what the loop finds', () => {
    const streams = fc.oneof(
      { weight: 4, arbitrary: smallFrames },
      { weight: 1, arbitrary: conversations(5000).map(({ stream }) => stream) },
      { weight: 1, arbitrary: damagedConversations(5000) },
      { weight: 1, arbitrary: nearlyFrames() },
    );
    const limit = fc.constantFrom(20, 200, 16 * MEBIBYTE);
    fc.assert(
      fc.property(streams, readSizes(4000), limit, (stream, sizes, limit) => void expectSame(stream, sizes, on, limit)),
      { numRuns: 400 },
    );
  });

  test('goes on behind a full table', () => {
    const count = 3 * TABLE_ROWS + 7;
    const payloads = Array.from({ length: count }, (_, i) => noise(i % 40, i + 1));
    const stream = Buffer.concat(payloads.map((payload) => frame({ opcode: BINARY, payload })));
    const { events } = expectSame(stream, [stream.length], on);
    expect(events).toEqual(payloads.map((payload) => event('binary', payload)));
  });

  test('leaves a text that is not UTF-8 to the loop, which fails behind the messages before it', () => {
    for (const bad of ['c3', 'eda080', 'f4908080', '80', `${'61'.repeat(100)}c080${'61'.repeat(50)}`]) {
      const wrong = frame({ opcode: TEXT, payload: Buffer.from(bad, 'hex') });
      const stream = Buffer.concat([frame({ opcode: TEXT, payload: 'right' }), wrong, wrong]);
      expect(expectSame(stream, [stream.length], on)).toEqual({ events: [event('text', 'right')], closeCode: 1007 });
    }
  });

  test('masks scanned messages again that are taken back unread', () => {
    const { arena, kernel } = on;
    const payloads = Array.from({ length: 60 }, (_, i) => noise((i * 37) % 300, i + 1));
    const stream = Buffer.concat(
      payloads.map((payload, i) => frame({ opcode: BINARY, payload, key: [i, 7 * i, 255 - i, 1] })),
    );
    for (const each of [1, 2, 7, 59]) {
      const reader = new MaskedFrameReader(arena, kernel, MEBIBYTE);
      const events: string[] = [];
      let unread: Uint8Array | undefined = stream;
      while (unread !== undefined) {
        arena.bytes.set(unread, arena.windowStart);
        reader.feed(arena.windowStart, arena.windowStart + unread.length);
        for (let i = 0; i < each && reader.next() !== FrameEvent.NONE; i++) {
          const { bytes, start, length, vacated } = reader;
          events.push(event('binary', bytes.subarray(start, start + length)));
          bytes.fill(0xee, start - vacated, start + length); // as its receiver may
        }
        unread = reader.takeUnread();
        arena.window.fill(0xdb);
      }
      expect(events).toEqual(payloads.map((payload) => event('binary', payload)));
    }
  });

  test('looks at nothing outside of what was fed', () => {
    const { arena, kernel } = on;
    const whole = frame({ opcode: BINARY, payload: noise(200) });
    for (let missing = 1; missing < whole.length; missing++) {
      const end = arena.windowStart + whole.length - missing;
      arena.bytes.set(whole, arena.windowStart);
      const reader = new MaskedFrameReader(arena, kernel, MEBIBYTE);
      reader.feed(arena.windowStart, end);
      expect(reader.next()).toBe(FrameEvent.NONE);
      expect(arena.bytes.subarray(end, arena.windowStart + whole.length).equals(whole.subarray(-missing))).toBe(true);
      reader.discard();
    }
  });
});

test('gathering writes the frames that the plain way writes, and nothing beyond its slack', () => {
  const { arena, kernel } = rig();
  const { bytes, replies, repliesStart, windowStart, outStart } = arena;
  const batch = kernel.batch as BatchKernel;
  const SLACK_BYTES = 15;
  bytes.set(noise(100_000), windowStart);
  const size = fc.oneof(fc.nat(140), fc.nat(140), fc.constantFrom(125, 126, 127, 8191), fc.nat(8191));
  const row = fc.record({ from: fc.nat(90_000), size, first: fc.constantFrom(0x81, 0x82) });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), fc.nat(15), (rows, offset) => {
      const plain = Buffer.alloc(200_000, 0x5a);
      let end = offset;
      for (const { from, size, first } of rows) {
        end = writeFrameHeader(plain, end, first, size);
        end += bytes.copy(plain, end, windowStart + from, windowStart + from + size);
      }
      bytes.fill(0x5a, outStart, outStart + plain.length);
      for (const [i, { from, size, first }] of rows.entries()) {
        replies.set([windowStart + from, (size << 8) | first], i * ROW_WORDS);
      }
      expect(batch.gather(repliesStart, rows.length, outStart + offset)).toBe(outStart + end);
      expect(bytes.compare(plain, 0, end, outStart, outStart + end)).toBe(0);
      const behind = end + SLACK_BYTES;
      expect(bytes.compare(plain, behind, plain.length, outStart + behind, outStart + plain.length)).toBe(0);
    }),
    { numRuns: 300 },
  );
});
