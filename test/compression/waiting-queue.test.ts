import { array, assert, constantFrom, property } from 'fast-check';
import { expect, test } from 'vitest';
import { WaitingQueue } from '../../dist/compression/waiting-queue.js';

const waiting = () => ({ length: 1 });

test('a queue has the first and the last of what was pushed and not taken off', () => {
  const steps = array(constantFrom('push', 'push', 'shift', 'clear some day'), { maxLength: 500 });
  const property500 = property(steps, (all) => {
    const queue = new WaitingQueue<object>();
    let model: object[] = [];
    for (const [i, step] of all.entries()) {
      if (step === 'push') {
        const one = waiting();
        queue.push(one);
        model.push(one);
      } else if (step === 'shift') {
        queue.shift();
        model.shift();
      } else if (i % 50 === 0) {
        queue.clear();
        model = [];
      }
      expect(queue.first).toBe(model[0]);
      expect(queue.last).toBe(model.at(-1));
    }
  });
  assert(property500);
});

test('a queue of many is taken off in their order', () => {
  const queue = new WaitingQueue<object>();
  const all = Array.from({ length: 1000 }, waiting);
  for (const one of all) queue.push(one);
  for (const one of all) {
    expect(queue.first).toBe(one);
    queue.shift();
  }
  expect([queue.first, queue.last]).toEqual([undefined, undefined]);
});
