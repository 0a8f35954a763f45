import { describe, expect, it } from 'vitest';
import type { Latency } from '../../dist/load/latency.js';
import { Supply } from '../../dist/load/supply.js';

const RATELESS = { ratePerSecond: Number.POSITIVE_INFINITY };

/** All that can be taken at once, as pairs of how many and from when they count. */
function takeAll(supply: Supply, wanted: number, now: number): [count: number, time: number][] {
  const taken: [number, number][] = [];
  for (let count = supply.take(wanted, now); count > 0; count = supply.take(wanted, now)) {
    taken.push([count, supply.time]);
    wanted -= count;
  }
  return taken;
}

describe('a supply without a rate', () => {
  it('gives what is wanted, counted from now', () => {
    const supply = new Supply(RATELESS);
    supply.start(Number.POSITIVE_INFINITY, 0);
    expect([supply.take(7, 123), supply.time]).toEqual([7, 123]);
    expect(supply.isExhausted).toBe(false);
  });

  it('gives no more than its amount', () => {
    const supply = new Supply(RATELESS);
    supply.start(10, 0);
    expect([supply.take(7, 1), supply.take(7, 2), supply.take(7, 3)]).toEqual([7, 3, 0]);
    expect(supply.isExhausted).toBe(true);
  });
});

describe('a supply with a rate', () => {
  it('gives what has become due, and rounds nothing away', () => {
    const supply = new Supply({ ratePerSecond: 1500 });
    supply.start(Number.POSITIVE_INFINITY, 1000);
    expect(supply.take(100, 1000)).toBe(0);
    let total = 0;
    for (let now = 1001; now <= 2000; now++) {
      supply.advance(now);
      for (const [count] of takeAll(supply, 100, now)) total += count;
    }
    expect(total).toBe(1500);
  });

  it('counts what waits from when it was due', () => {
    const supply = new Supply({ ratePerSecond: 2000 });
    supply.start(Number.POSITIVE_INFINITY, 0);
    for (const now of [1, 2, 3]) supply.advance(now);
    expect(supply.waiting).toBe(6);
    expect(takeAll(supply, 3, 50)).toEqual([
      [2, 1],
      [1, 2],
    ]);
    expect(takeAll(supply, 100, 50)).toEqual([
      [1, 2],
      [2, 3],
    ]);
    expect(supply.waiting).toBe(0);
  });

  it('that is asked late knows when each was due', () => {
    const supply = new Supply({ ratePerSecond: 2000 });
    supply.start(Number.POSITIVE_INFINITY, 0);
    supply.advance(1);
    supply.advance(4.5);
    expect(takeAll(supply, 100, 5)).toEqual([
      [2, 1],
      [2, 2],
      [2, 3],
      [2, 4],
      [1, 4.5],
    ]);
  });

  it('that is asked very late knows it roughly', () => {
    const supply = new Supply({ ratePerSecond: 1000 });
    supply.start(Number.POSITIVE_INFINITY, 0);
    supply.advance(100_000);
    const taken = takeAll(supply, 100_000, 100_000);
    expect(taken.length).toBeLessThan(1100);
    expect(taken.reduce((total, [count]) => total + count, 0)).toBe(100_000);
    for (const [count, time] of taken) expect([count, time % 100]).toEqual([100, 0]);
  });

  it('that is given up says how long each has waited', () => {
    const supply = new Supply({ ratePerSecond: 2000 });
    supply.start(Number.POSITIVE_INFINITY, 0);
    for (const now of [1, 2, 3]) supply.advance(now);
    supply.take(3, 3);
    supply.take(1, 3);
    const waited: [ms: number, count: number][] = [];
    const latency = { note: (ms: number, count: number) => waited.push([ms, count]) };
    supply.abandon(10, latency as unknown as Latency);
    expect(waited).toEqual([
      [8, 1],
      [7, 2],
    ]);
    expect(supply.waiting).toBe(0);
  });

  it('is exhausted when its amount was due, and taken', () => {
    const supply = new Supply({ ratePerSecond: 1000 });
    supply.start(3, 0);
    supply.advance(10);
    expect(supply.waiting).toBe(3);
    expect(supply.isExhausted).toBe(false);
    expect(takeAll(supply, 10, 10)).toHaveLength(3);
    expect(supply.isExhausted).toBe(true);
    supply.advance(20);
    expect(supply.waiting).toBe(0);
  });

  it('owes nothing of before when it starts again', () => {
    const supply = new Supply({ ratePerSecond: 1000 });
    supply.start(Number.POSITIVE_INFINITY, 0);
    supply.advance(500);
    supply.start(Number.POSITIVE_INFINITY, 500);
    expect(supply.waiting).toBe(0);
    supply.advance(501);
    expect(supply.waiting).toBe(1);
  });
});
