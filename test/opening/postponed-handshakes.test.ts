import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PostponedHandshakes } from '../../dist/opening/postponed-handshakes.js';

let postponed: PostponedHandshakes;

beforeEach(() => {
  vi.useFakeTimers();
  postponed = new PostponedHandshakes();
});

afterEach(() => {
  vi.useRealTimers();
});

it('a handshake is judged again after 25 ms, once', () => {
  const judge = vi.fn();
  postponed.postpone(judge);
  vi.advanceTimersByTime(24);
  expect(judge).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1000);
  expect(judge).toHaveBeenCalledOnce();
});

it('a handshake that comes while 32 wait may not wait too', () => {
  for (let waiting = 0; waiting < 32; waiting++) {
    expect(postponed.tries).toBe(4);
    postponed.postpone(() => {});
  }
  expect(postponed.tries).toBe(0);
  vi.advanceTimersByTime(25);
  expect(postponed.tries).toBe(4);
});

it('all handshakes are judged at once when the server goes away, also those that wait once more, and no timer is left', () => {
  const judged: string[] = [];
  postponed.postpone(() => {
    judged.push('first');
    postponed.postpone(() => judged.push('first again'));
  });
  postponed.postpone(() => judged.push('second'));
  postponed.judgeAll();
  expect(judged).toEqual(['first', 'second', 'first again']);
  expect(vi.getTimerCount()).toBe(0);
});
