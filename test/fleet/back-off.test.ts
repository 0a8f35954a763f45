import { expect, test } from 'vitest';
import { BackOff } from '../../dist/fleet/back-off.js';

const delays = (backOff: BackOff, count: number) => Array.from({ length: count }, () => backOff.next(0));

test('delays double from 100 ms to 10 s', () => {
  const middle = new BackOff(() => 0.5);
  expect(delays(middle, 9)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
});

test('delays are spread by half, whatever there was before', () => {
  expect(delays(new BackOff(() => 0), 3)).toEqual([50, 100, 200]);
  const [first, second] = delays(new BackOff(() => 0.999), 2) as [number, number];
  expect(first).toBeCloseTo(149.9);
  expect(second).toBeCloseTo(299.8);
});

test('delays never overflow', () => {
  const backOff = new BackOff(() => 0.5);
  expect(delays(backOff, 2000).at(-1)).toBe(10_000);
});

test('a connection that has lasted begins anew, and one that was lost soon is a failure', () => {
  const backOff = new BackOff(() => 0.5);
  delays(backOff, 3);
  expect(backOff.next(9_999)).toBe(800);
  expect(backOff.next(10_000)).toBe(100);
  expect(backOff.next(0)).toBe(200);
});
