import { expect, test } from 'vitest';
import { describeEngineError } from '../../dist/fleet/engine-error.js';

class Broken extends Error {
  override get message(): string {
    throw new Error('broken getter');
  }
}

test.each([
  ['an error', new Error('refused'), 'refused'],
  ['an error of several lines', new Error('refused\n  by the engine'), 'refused by the engine'],
  ['an error without a message', new TypeError(), 'TypeError'],
  ['the first of several errors', new AggregateError([new Error('one'), new Error('other')]), 'one'],
  ['several errors with a message', new AggregateError([new Error('one')], 'all refused'), 'all refused'],
  ['several errors of which there is none', new AggregateError([]), 'undefined'],
  ['a string', 'refused', 'refused'],
  ['nothing', undefined, 'undefined'],
  ['an object without a prototype', Object.create(null), '[Object: null prototype] {}'],
  ['an error that cannot be read', new Broken(), expect.any(String)],
])('%s is described', (_, error, text) => {
  expect(describeEngineError(error)).toEqual(text);
});

test('what is shown is bounded', () => {
  expect(describeEngineError(new Error('x'.repeat(10_000))).length).toBeLessThan(310);
});
