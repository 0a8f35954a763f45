import { describe, expect, it } from 'vitest';
import { Latency } from '../../dist/load/latency.js';

describe('latencies', () => {
  it('are 0 if nothing was noted', () => {
    expect(Object.values(new Latency().summary()).every((value) => value === 0)).toBe(true);
  });

  it('have percentiles to three digits, from microseconds to minutes', () => {
    const latency = new Latency();
    latency.note(0.05, 50);
    latency.note(2.5, 40);
    latency.note(300, 9);
    latency.note(90_000, 1);
    const { p50, p75, p90, p99, max, min } = latency.summary();
    expect(p50).toBeCloseTo(0.05, 3);
    expect(p75).toBeCloseTo(2.5, 2);
    expect(p90).toBeCloseTo(2.5, 2);
    expect(p99 / 300).toBeCloseTo(1, 3);
    expect(max / 90_000).toBeCloseTo(1, 3);
    expect(min).toBeCloseTo(0.05, 3);
  });

  it('are the same when they are read twice', () => {
    const latency = new Latency();
    latency.note(1, 3);
    latency.note(100, 1);
    expect(latency.summary()).toEqual(latency.summary());
  });

  it('of several threads are put together', () => {
    const [one, other, all] = [new Latency(), new Latency(), new Latency()];
    one.note(1, 60);
    other.note(200, 40);
    all.add(one.encode());
    all.add(other.encode());
    const { p50, p75, average } = all.summary();
    expect(p50).toBeCloseTo(1, 2);
    expect(p75 / 200).toBeCloseTo(1, 3);
    expect(average / 80.6).toBeCloseTo(1, 2);
  });

  it('begin again', () => {
    const latency = new Latency();
    latency.note(1, 1);
    latency.note(1000, 1);
    latency.reset();
    latency.note(2, 1);
    expect(latency.summary()).toMatchObject({ min: 2, max: expect.closeTo(2, 2) });
  });

  it('that are negative, because a clock went back, do not count', () => {
    const latency = new Latency();
    latency.note(-5, 1);
    expect(latency.summary().max).toBe(0);
  });
});
