import { describe, expect, it } from 'vitest';
import { InFlight } from '../../dist/load/in-flight.js';
import type { Latency } from '../../dist/load/latency.js';

/** Notes the calls of its methods. */
class Notes {
  readonly all: [ms: number, count: number][] = [];
  note(ms: number, count: number): void {
    this.all.push([ms, count]);
  }
}

const take = (inFlight: InFlight, count: number, now: number) => {
  const notes = new Notes();
  inFlight.take(count, now, notes as unknown as Latency);
  return notes.all;
};

describe('messages in flight', () => {
  it('come back in the order in which they were sent', () => {
    const inFlight = new InFlight(10);
    inFlight.add(100, 4, 100);
    inFlight.add(110, 2, 110);
    expect([inFlight.count, inFlight.oldest]).toEqual([6, 100]);
    expect(take(inFlight, 1, 150)).toEqual([[50, 1]]);
    expect(take(inFlight, 4, 160)).toEqual([
      [60, 3],
      [50, 1],
    ]);
    expect([inFlight.count, inFlight.oldest]).toEqual([1, 110]);
    expect(take(inFlight, 1, 160)).toEqual([[50, 1]]);
    expect([inFlight.count, inFlight.oldest]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  it('have an age since they were sent, and a latency since they were due', () => {
    const inFlight = new InFlight(10);
    inFlight.add(100, 1, 150);
    inFlight.add(110, 1, 160);
    expect(inFlight.oldest).toBe(150);
    expect(take(inFlight, 1, 200)).toEqual([[100, 1]]);
    expect(inFlight.oldest).toBe(160);
  });

  it('can reach their greatest number again and again', () => {
    const inFlight = new InFlight(3);
    for (let i = 0; i < 3; i++) inFlight.add(i, 1, i);
    for (let i = 3; i < 20; i++) {
      expect(take(inFlight, 1, i)).toEqual([[3, 1]]);
      inFlight.add(i, 1, i);
    }
    expect(inFlight.count).toBe(3);
    expect(inFlight.clear()).toBe(3);
    expect([inFlight.count, inFlight.oldest]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  it('that do not count are taken, and are not noted', () => {
    const inFlight = new InFlight(2);
    inFlight.add(1, 2, 1);
    inFlight.take(2, 5, undefined);
    expect(inFlight.count).toBe(0);
  });
});
