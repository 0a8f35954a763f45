import { describe, expect, it } from 'vitest';
import type { Latency } from '../../dist/load/latency.js';
import { SendSchedule } from '../../dist/load/send-schedule.js';

const RATELESS = { ratePerSecond: Number.POSITIVE_INFINITY };

/** All that can be taken at once, as pairs: how many messages, and the time from which they count. */
function takeAll(schedule: SendSchedule, wanted: number, now: number): [count: number, time: number][] {
  const taken: [number, number][] = [];
  for (let count = schedule.take(wanted, now); count > 0; count = schedule.take(wanted, now)) {
    taken.push([count, schedule.time]);
    wanted -= count;
  }
  return taken;
}

describe('a schedule without a rate', () => {
  it('gives as many as are asked for, counted from now', () => {
    const schedule = new SendSchedule(RATELESS);
    schedule.start(Number.POSITIVE_INFINITY, 0);
    expect([schedule.take(7, 123), schedule.time]).toEqual([7, 123]);
    expect(schedule.isExhausted).toBe(false);
  });

  it('gives no more than its amount', () => {
    const schedule = new SendSchedule(RATELESS);
    schedule.start(10, 0);
    expect([schedule.take(7, 1), schedule.take(7, 2), schedule.take(7, 3)]).toEqual([7, 3, 0]);
    expect(schedule.isExhausted).toBe(true);
  });
});

describe('a schedule with a rate', () => {
  it('gives the messages that have become due, and loses nothing by rounding', () => {
    const schedule = new SendSchedule({ ratePerSecond: 1500 });
    schedule.start(Number.POSITIVE_INFINITY, 1000);
    expect(schedule.take(100, 1000)).toBe(0);
    let total = 0;
    for (let now = 1001; now <= 2000; now++) {
      schedule.advance(now);
      for (const [count] of takeAll(schedule, 100, now)) total += count;
    }
    expect(total).toBe(1500);
  });

  it('counts messages that wait from the time at which they were due', () => {
    const schedule = new SendSchedule({ ratePerSecond: 2000 });
    schedule.start(Number.POSITIVE_INFINITY, 0);
    for (const now of [1, 2, 3]) schedule.advance(now);
    expect(schedule.waiting).toBe(6);
    expect(takeAll(schedule, 3, 50)).toEqual([
      [2, 1],
      [1, 2],
    ]);
    expect(takeAll(schedule, 100, 50)).toEqual([
      [1, 2],
      [2, 3],
    ]);
    expect(schedule.waiting).toBe(0);
  });

  it('that is asked late knows when each message was due', () => {
    const schedule = new SendSchedule({ ratePerSecond: 2000 });
    schedule.start(Number.POSITIVE_INFINITY, 0);
    schedule.advance(1);
    schedule.advance(4.5);
    expect(takeAll(schedule, 100, 5)).toEqual([
      [2, 1],
      [2, 2],
      [2, 3],
      [2, 4],
      [1, 4.5],
    ]);
  });

  it('that is asked very late knows it roughly', () => {
    const schedule = new SendSchedule({ ratePerSecond: 1000 });
    schedule.start(Number.POSITIVE_INFINITY, 0);
    schedule.advance(100_000);
    const taken = takeAll(schedule, 100_000, 100_000);
    expect(taken.length).toBeLessThan(1100);
    expect(taken.reduce((total, [count]) => total + count, 0)).toBe(100_000);
    for (const [count, time] of taken) expect([count, time % 100]).toEqual([100, 0]);
  });

  it('that is given up says how long each message has waited', () => {
    const schedule = new SendSchedule({ ratePerSecond: 2000 });
    schedule.start(Number.POSITIVE_INFINITY, 0);
    for (const now of [1, 2, 3]) schedule.advance(now);
    schedule.take(3, 3);
    schedule.take(1, 3);
    const waited: [ms: number, count: number][] = [];
    const latency = { note: (ms: number, count: number) => waited.push([ms, count]) };
    schedule.abandon(10, latency as unknown as Latency);
    expect(waited).toEqual([
      [8, 1],
      [7, 2],
    ]);
    expect(schedule.waiting).toBe(0);
  });

  it('is exhausted when its amount was due and was taken', () => {
    const schedule = new SendSchedule({ ratePerSecond: 1000 });
    schedule.start(3, 0);
    schedule.advance(10);
    expect(schedule.waiting).toBe(3);
    expect(schedule.isExhausted).toBe(false);
    expect(takeAll(schedule, 10, 10)).toHaveLength(3);
    expect(schedule.isExhausted).toBe(true);
    schedule.advance(20);
    expect(schedule.waiting).toBe(0);
  });

  it('that starts again begins with nothing due', () => {
    const schedule = new SendSchedule({ ratePerSecond: 1000 });
    schedule.start(Number.POSITIVE_INFINITY, 0);
    schedule.advance(500);
    schedule.start(Number.POSITIVE_INFINITY, 500);
    expect(schedule.waiting).toBe(0);
    schedule.advance(501);
    expect(schedule.waiting).toBe(1);
  });
});
