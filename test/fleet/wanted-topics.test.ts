import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WantedTopics } from '../../dist/fleet/wanted-topics.js';

const LINGER_MS = 100;
let told: [added: string[], removed: string[]][] = [];
let wanted: WantedTopics;
const [one, other] = [{}, {}];

/** What was told since the last call. */
const takeTold = () => told.splice(0);

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  wanted = new WantedTopics({ lingerMs: LINGER_MS, onChange: (...change) => told.push(change) });
});

afterEach(() => {
  wanted.close();
  vi.useRealTimers();
});

test('the first subscribers of a turn are told together, after it', () => {
  wanted.join(one, 'a');
  wanted.join(one, 'b');
  wanted.join(other, 'a');
  expect(takeTold()).toEqual([]);
  vi.advanceTimersByTime(0);
  expect(takeTold()).toEqual([[['a', 'b'], []]]);
  wanted.join(other, 'b');
  vi.advanceTimersByTime(0);
  expect(takeTold()).toEqual([]);
});

test('a topic ends when it has had no subscriber in any thread for a while', () => {
  wanted.join(one, 'a');
  wanted.join(other, 'a');
  vi.advanceTimersByTime(0);
  wanted.leave(one, 'a');
  vi.advanceTimersByTime(10 * LINGER_MS);
  wanted.leave(other, 'a');
  takeTold();
  vi.advanceTimersByTime(LINGER_MS - 1);
  expect(takeTold()).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(takeTold()).toEqual([[[], ['a']]]);
});

test('a subscriber that comes back in time changes nothing', () => {
  wanted.join(one, 'a');
  vi.advanceTimersByTime(0);
  takeTold();
  for (let i = 0; i < 5; i++) {
    wanted.leave(one, 'a');
    vi.advanceTimersByTime(LINGER_MS - 10);
    wanted.join(other, 'a');
    vi.advanceTimersByTime(5);
    wanted.join(one, 'a');
    wanted.leave(other, 'a');
  }
  vi.advanceTimersByTime(10 * LINGER_MS);
  expect(takeTold()).toEqual([]);
});

test('a topic that is left in the turn in which it was joined is never told', () => {
  wanted.join(one, 'a');
  wanted.leave(one, 'a');
  vi.advanceTimersByTime(10 * LINGER_MS);
  expect(takeTold()).toEqual([]);
  wanted.join(one, 'a');
  vi.advanceTimersByTime(0);
  expect(takeTold()).toEqual([[['a'], []]]);
});

test('each topic lingers for its own time', () => {
  for (const topic of ['a', 'b', 'c']) wanted.join(one, topic);
  vi.advanceTimersByTime(0);
  takeTold();
  wanted.leave(one, 'a');
  wanted.leave(one, 'b');
  vi.advanceTimersByTime(60);
  wanted.leave(one, 'c');
  vi.advanceTimersByTime(50);
  expect(takeTold()).toEqual([[[], ['a', 'b']]]);
  vi.advanceTimersByTime(60);
  expect(takeTold()).toEqual([[[], ['c']]]);
});

test('a thread that is gone leaves all of its topics, and only these', () => {
  for (const topic of ['a', 'b']) wanted.join(one, topic);
  for (const topic of ['b', 'c']) wanted.join(other, topic);
  vi.advanceTimersByTime(0);
  takeTold();
  wanted.forgetThread(one);
  wanted.forgetThread(one);
  wanted.forgetThread({});
  vi.advanceTimersByTime(2 * LINGER_MS);
  expect(takeTold()).toEqual([[[], ['a']]]);
});

test('what a thread reports twice counts once', () => {
  wanted.join(one, 'a');
  wanted.join(one, 'a');
  vi.advanceTimersByTime(0);
  wanted.leave(one, 'a');
  wanted.leave(one, 'a');
  wanted.leave(other, 'a');
  vi.advanceTimersByTime(2 * LINGER_MS);
  expect(takeTold()).toEqual([
    [['a'], []],
    [[], ['a']],
  ]);
});

test('topics linger for a second by default', () => {
  const removed: string[][] = [];
  const lingering = new WantedTopics({ onChange: (_, topics) => removed.push(topics) });
  lingering.join(one, 'a');
  vi.advanceTimersByTime(0);
  lingering.leave(one, 'a');
  vi.advanceTimersByTime(990);
  expect(removed).toEqual([[]]);
  vi.advanceTimersByTime(20);
  expect(removed).toEqual([[], ['a']]);
});

test('nothing is told after the end, and no timer is left', () => {
  wanted.join(one, 'a');
  vi.advanceTimersByTime(0);
  wanted.leave(one, 'a');
  wanted.join(one, 'b');
  takeTold();
  wanted.close();
  wanted.join(one, 'c');
  wanted.leave(one, 'a');
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(10 * LINGER_MS);
  expect(takeTold()).toEqual([]);
});

test('whatever threads report, what was told is in the end what is subscribed to', () => {
  const step = fc.record({
    kind: fc.constantFrom('join', 'leave', 'forget', 'wait'),
    thread: fc.nat(2),
    topic: fc.constantFrom('a', 'b', 'c', 'd'),
    ms: fc.nat(150),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const engine = new Set<string>();
      const topics = new WantedTopics({
        lingerMs: LINGER_MS,
        onChange(added, removed) {
          for (const topic of added) expect(engine.has(topic) || !engine.add(topic)).toBe(false);
          for (const topic of removed) expect(engine.delete(topic)).toBe(true);
        },
      });
      const threads = Array.from({ length: 3 }, () => ({ topics: new Set<string>() }));
      const expected = () => new Set(threads.flatMap((thread) => [...thread.topics]));
      for (const { kind, thread: index, topic, ms } of steps) {
        const thread = threads[index] as (typeof threads)[number];
        if (kind === 'join') {
          thread.topics.add(topic);
          topics.join(thread, topic);
        } else if (kind === 'leave') {
          thread.topics.delete(topic);
          topics.leave(thread, topic);
        } else if (kind === 'forget') {
          thread.topics.clear();
          topics.forgetThread(thread);
        } else {
          vi.advanceTimersByTime(ms);
          for (const one of expected()) expect(engine).toContain(one);
        }
      }
      vi.advanceTimersByTime(2 * LINGER_MS);
      expect(engine).toEqual(expected());
      expect(vi.getTimerCount()).toBe(0);
    }),
  );
});
