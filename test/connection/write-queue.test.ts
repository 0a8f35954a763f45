import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WriteQueue } from '../../dist/connection/write-queue.js';
import { pattern } from './frames.js';

/** A queue, and what its budget has been told in sum. */
function makeQueue() {
  const held = { bytes: 0, queued: 0, queues: 0 };
  const queue = new WriteQueue({
    add: (bytes) => {
      held.bytes += bytes;
    },
    addQueued: (bytes, queues) => {
      held.queued += bytes;
      held.queues += queues;
    },
  });
  return { queue, held };
}

/** All that is queued, in order. */
const contents = (queue: WriteQueue) => Buffer.concat(queue.heads(Number.MAX_SAFE_INTEGER));

describe('a write queue', () => {
  test('gives what was queued in order, however it was queued', () => {
    const { queue, held } = makeQueue();
    queue.copy(pattern(10, 1), 2, 7);
    queue.hold(pattern(4, 2));
    queue.copy(pattern(3, 3), 0, 3);
    const all = Buffer.concat([pattern(10, 1).subarray(2, 7), pattern(4, 2), pattern(3, 3)]);
    expect(contents(queue)).toEqual(all);
    expect(queue.queuedBytes).toBe(12);
    expect(held.bytes).toBe(512 + 4 + 512); // copies have room for more
    expect(Buffer.from(queue.head(100))).toEqual(all.subarray(0, 5));
    expect(Buffer.from(queue.head(3))).toEqual(all.subarray(0, 3));
    expect(queue.heads(2)).toHaveLength(2);
  });

  test('goes on in the middle of what was taken in part', () => {
    const { queue, held } = makeQueue();
    queue.hold(pattern(100, 1));
    queue.hold(pattern(100, 2));
    queue.consume(130);
    expect(contents(queue)).toEqual(pattern(100, 2).subarray(30));
    expect(queue).toMatchObject({ queuedBytes: 70, drainedBytes: 130 });
    expect(held.bytes).toBe(100); // until the last byte of it has gone
    queue.consume(70);
    expect(queue).toMatchObject({ queuedBytes: 0, drainedBytes: 200 });
    expect(held.bytes).toBe(0);
  });

  test('says how much waits, and whether anything does', () => {
    const { queue, held } = makeQueue();
    const told = () => [held.queued, held.queues];
    queue.hold(new Uint8Array(0));
    expect(told()).toEqual([0, 0]);
    queue.hold(pattern(10));
    queue.copy(pattern(600_000), 0, 600_000);
    expect(told()).toEqual([600_010, 1]);
    queue.consume(400_000);
    expect(told()).toEqual([200_010, 1]);
    queue.consume(200_010);
    expect(told()).toEqual([0, 0]);
    queue.copy(pattern(5), 0, 5);
    expect(told()).toEqual([5, 1]);
    queue.drop();
    queue.drop();
    expect(told()).toEqual([0, 0]);
  });

  test('copies at once: the memory may be used again', () => {
    const { queue } = makeQueue();
    const bytes = pattern(50);
    queue.copy(bytes, 0, 50);
    bytes.fill(0);
    expect(contents(queue)).toEqual(pattern(50));
  });

  test('holds without a copy, and says so when it has gone', () => {
    const { queue } = makeQueue();
    const bytes = pattern(50);
    let written = 0;
    queue.hold(bytes, () => written++);
    expect(queue.head(50).buffer).toBe(bytes.buffer);
    queue.consume(49);
    expect(written).toBe(0);
    queue.consume(1);
    expect(written).toBe(1);
    queue.drop();
    expect(written).toBe(1);
  });

  test('puts many small copies to few pieces of memory, which grow up to 64 KiB', () => {
    const { queue } = makeQueue();
    for (let i = 0; i < 30_000; i++) queue.copy(pattern(10, i % 7), 0, 10);
    const items = queue.heads(Number.MAX_SAFE_INTEGER);
    // 512, 1024, … 65 536 twice: together a little more than 30 000 × 10.
    expect(items.length).toBeLessThan(13);
    const capacity = items.reduce((total, { buffer }) => total + buffer.byteLength, 0);
    expect(capacity).toBeLessThanOrEqual(300_000 + 65_536);
    const all = Buffer.concat(Array.from({ length: 30_000 }, (_, i) => pattern(10, i % 7)));
    expect(Buffer.compare(contents(queue), all)).toBe(0);
  });

  test('does not let a copy grow into memory that is held, or that has gone', () => {
    const { queue } = makeQueue();
    queue.copy(pattern(10, 1), 0, 10);
    queue.hold(pattern(5, 2));
    queue.copy(pattern(10, 3), 0, 10);
    expect(queue.heads(9)).toHaveLength(3);
    queue.consume(25);
    queue.copy(pattern(10, 4), 0, 10);
    expect(contents(queue)).toEqual(pattern(10, 4));
  });

  test('lets a copy grow of which a part has gone already, without touching that', () => {
    const { queue } = makeQueue();
    queue.copy(pattern(100, 1), 0, 100);
    const taken = queue.head(60); // the socket may still hold it
    queue.copy(pattern(100, 2), 0, 100);
    expect(Buffer.from(taken)).toEqual(pattern(100, 1).subarray(0, 60));
    queue.consume(60);
    queue.copy(pattern(100, 3), 0, 100);
    expect(queue.heads(9)).toHaveLength(1);
    expect(contents(queue)).toEqual(Buffer.concat([pattern(100, 1).subarray(60), pattern(100, 2), pattern(100, 3)]));
  });

  test('that is dropped gives everything back', () => {
    const { queue, held } = makeQueue();
    const written: number[] = [];
    for (let i = 0; i < 5; i++) queue.hold(pattern(10), () => written.push(i));
    queue.consume(15);
    queue.drop();
    expect(written).toEqual([0, 1, 2, 3, 4]);
    expect(queue).toMatchObject({ queuedBytes: 0, drainedBytes: 15 });
    expect(held.bytes).toBe(0);
    queue.copy(pattern(3), 0, 3);
    expect(contents(queue)).toEqual(pattern(3));
  });

  test('gives a long copy back piece by piece', () => {
    const { queue, held } = makeQueue();
    const MIB = 1024 * 1024;
    queue.copy(pattern(MIB), 0, MIB);
    expect(held.bytes).toBe(MIB);
    queue.consume(MIB - 1);
    expect(held.bytes).toBe(MIB / 4);
    expect(contents(queue)).toEqual(pattern(MIB).subarray(MIB - 1));
  });

  test('holds nothing of what has gone, also if it is never empty', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const { queue } = makeQueue();
    const bytes = pattern(256 * 1024);
    queue.copy(bytes, 0, bytes.length);
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 500; i++) {
      queue.copy(bytes, 0, bytes.length);
      queue.consume(bytes.length);
    }
    const grown = () => process.memoryUsage().arrayBuffers - before;
    const limit = 16 * 1024 * 1024; // of 125 MiB that have gone
    // Buffers are freed by another thread, some time after they were found to be garbage.
    for (let i = 0; i < 500; i++) {
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (grown() < limit) break;
    }
    expect(grown()).toBeLessThan(limit);
  });

  test('behaves as a list of bytes does', () => {
    const sizes = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3000 }), fc.constant(70_000));
    const steps = fc.oneof(
      fc.record({ step: fc.constantFrom('hold' as const, 'copy' as const), size: sizes }),
      fc.record({ step: fc.constant('consume' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ step: fc.constant('consume items' as const), items: fc.nat({ max: 8 }) }),
      fc.constant({ step: 'drop' as const }),
    );
    const weighted = fc.array(fc.oneof({ weight: 30, arbitrary: steps }), { maxLength: 200 });
    fc.assert(
      fc.property(weighted, (script) => {
        const { queue, held } = makeQueue();
        let model: Buffer = Buffer.alloc(0);
        let drained = 0;
        /** Of each that is held: where it ends in all that was ever queued, and how often `written` was called. */
        const holds: { readonly end: number; written: number }[] = [];
        let queued = 0;
        let seed = 0;
        const consume = (bytes: number) => {
          queue.consume(bytes);
          model = model.subarray(bytes);
          drained += bytes;
        };
        for (const step of script) {
          if (step.step === 'hold') {
            const bytes = pattern(step.size, seed++);
            queued += step.size;
            const hold = { end: queued, written: 0 };
            holds.push(hold);
            queue.hold(bytes, () => hold.written++);
            model = Buffer.concat([model, bytes]);
          } else if (step.step === 'copy') {
            const bytes = pattern(step.size + 3, seed++);
            queued += step.size;
            queue.copy(bytes, 1, step.size + 1);
            model = Buffer.concat([model, bytes.subarray(1, step.size + 1)]);
            bytes.fill(0);
          } else if (step.step === 'consume') {
            consume(Math.floor(step.part * model.length));
          } else if (step.step === 'consume items') {
            consume(queue.heads(step.items).reduce((total, { length }) => total + length, 0));
          } else {
            queue.drop();
            model = Buffer.alloc(0);
            queued = drained;
            for (const hold of holds.splice(0)) expect(hold.written).toBe(1);
          }
          expect(queue.queuedBytes).toBe(model.length);
          expect(queue.drainedBytes).toBe(drained);
          expect(held.bytes).toBeGreaterThanOrEqual(model.length);
          if (model.length === 0) expect(held.bytes).toBe(0);
          for (const { end, written } of holds) expect(written).toBe(end <= drained ? 1 : 0);
        }
        expect(contents(queue).equals(model)).toBe(true);
      }),
    );
  });

  test('that is long is consumed without losing its place', () => {
    const { queue, held } = makeQueue();
    for (let i = 0; i < 5000; i++) queue.hold(Buffer.from([i & 0xff, i >> 8]));
    for (let i = 0; i < 5000; i++) {
      expect(Buffer.from(queue.head(2)).readUInt16LE(0)).toBe(i);
      queue.consume(2);
    }
    expect(held.bytes).toBe(0);
  });
});
