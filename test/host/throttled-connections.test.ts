import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Throttled } from '../../dist/connection/environment.js';
import { ThrottledConnections } from '../../dist/host/throttled-connections.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

/** Reads on when it was asked so often. */
class Waiting implements Throttled {
  asked = 0;
  readonly #until: number;

  constructor(until: number) {
    this.#until = until;
  }

  retry(): boolean {
    return ++this.asked >= this.#until;
  }
}

it('asks everybody until they read on, by one timer that runs only meanwhile', () => {
  const throttled = new ThrottledConnections();
  const short = new Waiting(1);
  const long = new Waiting(3);
  throttled.add(short);
  throttled.add(long);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(150);
  expect([short.asked, long.asked]).toEqual([1, 3]);
  expect(vi.getTimerCount()).toBe(0);

  throttled.add(short);
  vi.advanceTimersByTime(50);
  expect(short.asked).toBe(2);
});

it('keeps who is throttled again while it reads on', () => {
  const throttled = new ThrottledConnections();
  let asked = 0;
  const again: Throttled = {
    retry() {
      if (++asked < 3) throttled.add(again);
      return true;
    },
  };
  throttled.add(again);
  vi.advanceTimersByTime(1000);
  expect(asked).toBe(3);
  expect(vi.getTimerCount()).toBe(0);
});
