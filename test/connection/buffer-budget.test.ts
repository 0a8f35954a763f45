import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BufferBudget } from '../../dist/connection/buffer-budget.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';

const KIB = 1024;
const STEP = 64 * KIB;

/** Threads that share a sum. */
function makeThreads(count: number, maxBytes = 2 ** 40) {
  const shared = new SharedArrayBuffer(4);
  const threads = Array.from({ length: count }, () => {
    const counters = new Counters();
    const thread = { counters, exceeded: 0, budget: undefined as unknown as BufferBudget };
    thread.budget = new BufferBudget(shared, maxBytes, counters, () => thread.exceeded++);
    return thread;
  });
  return { shared, threads, first: threads[0] as (typeof threads)[number] };
}

describe('the sum of what threads hold', () => {
  test('is told in steps of 64 KiB, up and down', () => {
    const { first } = makeThreads(1);
    first.budget.add(STEP - 1);
    expect(first.budget).toMatchObject({ bytes: STEP - 1, totalBytes: 0 });
    first.budget.add(1);
    expect(first.budget.totalBytes).toBe(STEP);
    expect(first.counters.get(Counter.BUFFERED_BYTES)).toBe(STEP);
    first.budget.add(STEP);
    first.budget.add(-STEP + 1);
    expect(first.budget.totalBytes).toBe(2 * STEP);
    first.budget.add(-1);
    expect(first.budget.totalBytes).toBe(STEP);
  });

  test('is that of all threads', () => {
    const { threads } = makeThreads(3);
    for (const [i, { budget }] of threads.entries()) budget.add((i + 1) * STEP);
    for (const { budget } of threads) expect(budget.totalBytes).toBe(6 * STEP);
    threads[1]?.budget.add(-2 * STEP);
    expect(threads[0]?.budget.totalBytes).toBe(4 * STEP);
  });

  test('is 0 when nobody holds anything, whatever the rests were', () => {
    const { first } = makeThreads(1);
    first.budget.add(100 * KIB + 17);
    first.budget.add(-70 * KIB);
    first.budget.add(-30 * KIB - 17);
    expect(first.budget).toMatchObject({ bytes: 0, totalBytes: 0 });
    expect(first.counters.get(Counter.BUFFERED_BYTES)).toBe(0);
  });

  test('is at most a step from the truth for each thread, and the truth when all is gone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 2 }), fc.integer({ min: -300 * KIB, max: 300 * KIB }))),
        (changes) => {
          const { threads } = makeThreads(3);
          const held = [0, 0, 0];
          for (const [i, change] of changes) {
            const bytes = Math.max(change, -(held[i] as number));
            held[i] = (held[i] as number) + bytes;
            threads[i]?.budget.add(bytes);
            for (const [j, { budget, counters }] of threads.entries()) {
              expect(budget.bytes).toBe(held[j]);
              expect(Math.abs(counters.get(Counter.BUFFERED_BYTES) - (held[j] as number))).toBeLessThan(STEP);
            }
            const told = threads.reduce((total, { counters }) => total + counters.get(Counter.BUFFERED_BYTES), 0);
            expect(threads[0]?.budget.totalBytes).toBe(told);
          }
          for (const [i, { budget }] of threads.entries()) budget.add(-(held[i] as number));
          expect(threads[0]?.budget.totalBytes).toBe(0);
        },
      ),
    );
  });

  test('leaves a thread that has died out when that is forgotten, once', () => {
    const { shared, threads } = makeThreads(2);
    for (const { budget } of threads) budget.add(10 * STEP + 5);
    const [dead, alive] = threads as [(typeof threads)[number], (typeof threads)[number]];
    for (let i = 0; i < 2; i++) {
      BufferBudget.forget(shared, dead.counters);
      expect(alive.budget.totalBytes).toBe(10 * STEP);
      expect(dead.counters.get(Counter.BUFFERED_BYTES)).toBe(0);
    }
    alive.budget.add(-10 * STEP - 5);
    expect(alive.budget.totalBytes).toBe(0);
  });
});

describe('a sum above what is allowed', () => {
  test('is told to the thread that has added to it, and not to one that gives back', () => {
    const { threads } = makeThreads(2, 10 * STEP);
    const [one, other] = threads as [(typeof threads)[number], (typeof threads)[number]];
    one.budget.add(10 * STEP);
    expect(one.exceeded).toBe(0);
    other.budget.add(4 * STEP);
    expect([one.exceeded, other.exceeded]).toEqual([0, 1]);
    one.budget.add(-STEP);
    expect([one.exceeded, other.exceeded]).toEqual([0, 1]);
    one.budget.add(STEP);
    expect([one.exceeded, other.exceeded]).toEqual([1, 1]);
  });

  test('can be larger than an int32 of bytes', () => {
    const { first } = makeThreads(1, 2 ** 39);
    first.budget.add(2 ** 39);
    expect(first.budget.totalBytes).toBe(2 ** 39);
    expect(first.exceeded).toBe(0);
    first.budget.add(STEP);
    expect(first.exceeded).toBe(1);
  });
});
