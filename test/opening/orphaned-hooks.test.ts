import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { OrphanedHooks } from '../../dist/opening/orphaned-hooks.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it('one network is full with one hook more than it may have connections, and the others are not', () => {
  const orphans = new OrphanedHooks(100, 2);
  for (const host of [1, 2]) orphans.add(`2001:db8::${host}`, 1000);
  expect(orphans.isFull('2001:db8::9')).toBe(false);
  const settled = orphans.add('2001:db8::3', 1000);
  expect([orphans.isFull('2001:db8::9'), orphans.isFull('192.0.2.1'), orphans.isFull(undefined)]).toEqual([
    true,
    false,
    false,
  ]);
  settled();
  expect(orphans.isFull('2001:db8::9')).toBe(false);
});

it('all are full with one hook more than there may be connections, also if addresses have no limit', () => {
  const orphans = new OrphanedHooks(2, 0);
  for (let i = 0; i < 2; i++) orphans.add('192.0.2.1', 1000);
  expect(orphans.isFull('192.0.2.1')).toBe(false);
  orphans.add(undefined, 1000);
  expect(orphans.isFull('192.0.2.2')).toBe(true);
});

it('a hook that never settles counts as long as it may, and one that settles later is not counted down twice', () => {
  const orphans = new OrphanedHooks(0, 0);
  const settled = orphans.add('192.0.2.1', 1000);
  orphans.add('192.0.2.1', 3000);
  vi.advanceTimersByTime(1000);
  settled();
  settled();
  expect(orphans.isFull(undefined)).toBe(true);
  vi.advanceTimersByTime(2000);
  expect(orphans.isFull(undefined)).toBe(false);
});

it('a hook that has settled leaves no timer', () => {
  const orphans = new OrphanedHooks(0, 0);
  orphans.add('192.0.2.1', 1000)();
  expect(vi.getTimerCount()).toBe(0);
});
