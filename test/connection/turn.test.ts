import { beforeEach, expect, test } from 'vitest';
import { Turn } from '../../dist/connection/turn.js';

let log: string[];
let turn: Turn;

beforeEach(() => {
  log = [];
  turn = new Turn(() => log.push('publications'));
});

test('a turn ends with the publications', () => {
  turn.begin();
  expect(log).toEqual([]);
  turn.end();
  expect(log).toEqual(['publications']);
});

test('a turn inside another ends with that', () => {
  turn.begin();
  turn.begin();
  turn.end();
  expect(log).toEqual([]);
  expect(Turn.running).toBe(turn);
  turn.end();
  expect(log).toEqual(['publications']);
});

test('the running turn is known while it runs', () => {
  expect(Turn.running).toBeUndefined();
  turn.begin();
  expect(Turn.running).toBe(turn);
  turn.end();
  expect(Turn.running).toBeUndefined();
});

test('a turn inside that of another server leaves that running', () => {
  const other = new Turn(() => log.push('others'));
  turn.begin();
  other.begin();
  expect(Turn.running).toBe(other);
  other.end();
  expect(Turn.running).toBe(turn);
  turn.end();
  expect(Turn.running).toBeUndefined();
  expect(log).toEqual(['others', 'publications']);
});

test('a turn that fails is over', () => {
  const failing = new Turn(() => {
    throw new Error('of a topic');
  });
  failing.begin();
  expect(() => failing.end()).toThrow('of a topic');
  expect(Turn.running).toBeUndefined();
  failing.afterwards(() => log.push('at once'));
  expect(log).toEqual(['at once']);
});

test('outside of a turn publications go out in one microtask, each time', async () => {
  for (const count of [2, 1, 3]) {
    log.length = 0;
    for (let i = 0; i < count; i++) turn.schedule();
    expect(log).toEqual([]);
    await Promise.resolve();
    expect(log).toEqual(['publications']);
  }
});

test('in a turn nothing is scheduled: its end is enough', async () => {
  turn.begin();
  turn.schedule();
  turn.end();
  await Promise.resolve();
  expect(log).toEqual(['publications']);
});

test('what must not be done while a hook runs is done when the turn is over, after the publications', () => {
  turn.begin();
  turn.begin();
  turn.afterwards(() => log.push('first'));
  turn.afterwards(() => {
    log.push('second');
    // It may begin a turn of its own, and put off more.
    turn.begin();
    turn.afterwards(() => log.push('third'));
    turn.end();
  });
  turn.end();
  expect(log).toEqual([]);
  turn.end();
  expect(log).toEqual(['publications', 'first', 'second', 'publications', 'third']);
});

test('outside of a turn it is done at once', () => {
  turn.afterwards(() => log.push('now'));
  expect(log).toEqual(['now']);
});
