import { beforeEach, expect, test } from 'vitest';
import type { Output } from '../../dist/connection/output.js';
import { Turn } from '../../dist/connection/turn.js';

let log: string[];
let turn: Turn;

beforeEach(() => {
  log = [];
  turn = new Turn(() => log.push('publications'));
});

/** An output, as far as a turn knows it. */
function output(name: string): Output {
  return { touched: true, flush: () => log.push(name) } as unknown as Output;
}

test('a turn ends with the publications, and then the outputs that were touched, in their order', () => {
  turn.begin();
  turn.touch(output('first'));
  turn.touch(output('second'));
  expect(log).toEqual([]);
  turn.end();
  expect(log).toEqual(['publications', 'first', 'second']);
});

test('a turn inside another ends with that', () => {
  turn.begin();
  turn.begin();
  turn.touch(output('inner'));
  turn.end();
  expect(log).toEqual([]);
  expect(Turn.running).toBe(turn);
  turn.touch(output('outer'));
  turn.end();
  expect(log).toEqual(['publications', 'inner', 'outer']);
});

test('an output that was flushed can be touched again', () => {
  const one = output('one');
  turn.begin();
  turn.touch(one);
  turn.end();
  expect(one.touched).toBe(false);
  log.length = 0;
  turn.begin();
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

test('outside of a turn everything is flushed in one microtask, each time', async () => {
  for (const names of [['a', 'b'], ['c'], ['d', 'e', 'f']]) {
    log.length = 0;
    for (const name of names) turn.touch(output(name));
    turn.schedule();
    expect(log).toEqual([]);
    await Promise.resolve();
    expect(log).toEqual(['publications', ...names]);
  }
});

test('what was touched outside of a turn goes out with a turn that comes before the microtask, once', async () => {
  turn.touch(output('outside'));
  turn.begin();
  turn.end();
  expect(log).toEqual(['publications', 'outside']);
  await Promise.resolve();
  expect(log.filter((line) => line === 'outside')).toHaveLength(1);
});

test('what must not be done while a hook runs is done when the turn is over, after what was sent', () => {
  turn.begin();
  turn.touch(output('sent'));
  turn.begin();
  turn.afterwards(() => log.push('first'));
  turn.afterwards(() => {
    log.push('second');
    // It may begin a turn of its own, and put off more.
    turn.begin();
    turn.touch(output('sent by the second'));
    turn.afterwards(() => log.push('third'));
    turn.end();
  });
  turn.end();
  expect(log).toEqual([]);
  turn.end();
  expect(log).toEqual(['publications', 'sent', 'first', 'second', 'publications', 'sent by the second', 'third']);
});

test('outside of a turn it is done at once', () => {
  turn.afterwards(() => log.push('now'));
  expect(log).toEqual(['now']);
});
