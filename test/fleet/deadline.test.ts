import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withDeadline } from '../../dist/fleet/deadline.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('what comes in time is passed on, and no timer is left', async () => {
  await expect(withDeadline(Promise.resolve(5), 100, 'it')).resolves.toBe(5);
  await expect(withDeadline(Promise.reject(new Error('no')), 100, 'it')).rejects.toThrow('no');
  expect(vi.getTimerCount()).toBe(0);
});

test('what does not come in time is an error, and its later end is nobody’s', async () => {
  let reject: (error: Error) => void = () => {};
  const late = withDeadline(new Promise((_, no) => (reject = no)), 100, 'it');
  vi.advanceTimersByTime(100);
  await expect(late).rejects.toThrow('it has taken more than 100 ms');
  reject(new Error('late'));
  await Promise.resolve();
});

test('what is no promise is passed on', async () => {
  await expect(withDeadline(undefined as unknown as Promise<void>, 100, 'it')).resolves.toBeUndefined();
});
