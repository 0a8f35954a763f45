import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Deadlines } from '../../dist/host/deadlines.js';

/** How much later than due a deadline may be met, in ms. */
const SWEEP_MS = 100;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Something with a deadline, that counts how often it was met. */
function expiring(onDeadline: () => void = () => {}) {
  const one = {
    met: 0,
    onDeadline() {
      one.met++;
      onDeadline();
    },
  };
  return one;
}

test('a deadline is met when it is due, not before, once, and not much later', () => {
  const deadlines = new Deadlines();
  const one = expiring();
  deadlines.set(one, 1000);
  vi.advanceTimersByTime(999);
  expect(one.met).toBe(0);
  vi.advanceTimersByTime(1 + SWEEP_MS);
  expect(one.met).toBe(1);
  vi.advanceTimersByTime(10_000);
  expect(one.met).toBe(1);
});

test('a deadline of 0 ms is met by the next look', () => {
  const deadlines = new Deadlines();
  const one = expiring();
  deadlines.set(one, 0);
  vi.advanceTimersByTime(SWEEP_MS);
  expect(one.met).toBe(1);
});

test('each is met in its own time', () => {
  const deadlines = new Deadlines();
  const all = [500, 100, 2000].map((delayMs) => {
    const one = expiring();
    deadlines.set(one, delayMs);
    return one;
  });
  vi.advanceTimersByTime(100 + SWEEP_MS);
  expect(all.map(({ met }) => met)).toEqual([0, 1, 0]);
  vi.advanceTimersByTime(400);
  expect(all.map(({ met }) => met)).toEqual([1, 1, 0]);
  vi.advanceTimersByTime(1500);
  expect(all.map(({ met }) => met)).toEqual([1, 1, 1]);
});

test('a later deadline of the same replaces the earlier', () => {
  const deadlines = new Deadlines();
  const one = expiring();
  deadlines.set(one, 100);
  deadlines.set(one, 1000);
  vi.advanceTimersByTime(999);
  expect(one.met).toBe(0);
  vi.advanceTimersByTime(1 + SWEEP_MS);
  expect(one.met).toBe(1);
});

test('a deadline that is cleared is not met', () => {
  const deadlines = new Deadlines();
  const [cleared, kept] = [expiring(), expiring()];
  deadlines.set(cleared, 100);
  deadlines.set(kept, 100);
  deadlines.clear(cleared);
  deadlines.clear(expiring());
  vi.advanceTimersByTime(1000);
  expect([cleared.met, kept.met]).toEqual([0, 1]);
});

test('there is a timer only while there are deadlines', () => {
  const deadlines = new Deadlines();
  const [a, b] = [expiring(), expiring()];
  expect(vi.getTimerCount()).toBe(0);
  deadlines.set(a, 100);
  deadlines.set(b, 100);
  expect(vi.getTimerCount()).toBe(1);
  deadlines.clear(a);
  expect(vi.getTimerCount()).toBe(1);
  deadlines.clear(b);
  expect(vi.getTimerCount()).toBe(0);
  deadlines.set(a, 100);
  vi.advanceTimersByTime(1000);
  expect(a.met).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('whoever is called may set and clear deadlines', () => {
  const deadlines = new Deadlines();
  const others = [expiring(), expiring(), expiring()] as const;
  const again = expiring(() => {
    if (again.met < 3) deadlines.set(again, 100);
    deadlines.clear(others[0]);
    deadlines.set(others[1], 1000);
  });
  deadlines.set(again, 100);
  for (const other of others) deadlines.set(other, 100);
  vi.advanceTimersByTime(SWEEP_MS);
  expect([again.met, ...others.map(({ met }) => met)]).toEqual([1, 0, 0, 1]);
  vi.advanceTimersByTime(400);
  expect(again.met).toBe(3);
  vi.advanceTimersByTime(1000);
  expect(others.map(({ met }) => met)).toEqual([0, 1, 1]);
  expect(vi.getTimerCount()).toBe(0);
});
