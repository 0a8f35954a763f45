import { describe, expect, it } from 'vitest';
import { expectFineClock, stepOf } from '../../../bench/study/clock-step.js';

/** A clock that takes some time to read, and shows only whole steps. */
function clockOf(stepMs: number, readingMs: number): () => number {
  let ms = 1.2345;
  return () => {
    ms += readingMs;
    return Math.floor(ms / stepMs) * stepMs;
  };
}

describe('the step of a clock', () => {
  it.each([
    [1, 0.0003],
    [0.02, 0.0003],
    [0.005, 0.0001],
  ])('of %d ms is found', (stepMs, readingMs) => {
    expect(stepOf(clockOf(stepMs, readingMs))).toBe(stepMs);
  });

  it('is the least difference: between two readings there may be several steps', () => {
    const [...times] = [0, 3, 3, 4, 9];
    let later = 9;
    const clock = () => {
      later += 5;
      return times.shift() ?? later;
    };
    expect(stepOf(clock)).toBe(1);
  });

  it('is what a reading takes if the clock is finer than that', () => {
    expect(stepOf(clockOf(1e-9, 0.0005))).toBeCloseTo(0.0005, 6);
  });

  it('is infinite if the clock stands still, and is found out in a bounded time', () => {
    expect(stepOf(() => 7)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('batches', () => {
  it('are long enough for a clock with a hundred steps in each of them', () => {
    expect(() => expectFineClock(0.5, 50)).not.toThrow();
    expect(() => expectFineClock(0.0004, 0.05)).not.toThrow();
  });

  it.each([
    [0.51, 50, 'the step of the clock must be at most 0.5 ms for batches of 50 ms, got 0.51'],
    [1, 50, 'the step of the clock must be at most 0.5 ms for batches of 50 ms, got 1'],
    [Number.POSITIVE_INFINITY, 50, /got Infinity$/],
    [Number.NaN, 50, /got NaN$/],
  ])('are refused by a clock with steps of %d ms', (stepMs, batchMs, message) => {
    expect(() => expectFineClock(stepMs, batchMs)).toThrow(message);
  });
});
