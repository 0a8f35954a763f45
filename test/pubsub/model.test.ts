import fc from 'fast-check';
import { test } from 'vitest';
import { runModel, steps } from './model.js';

test('everybody gets what the simplest model says, in its order', () => {
  fc.assert(fc.property(steps(60, 100_000), runModel), { numRuns: 400 });
});
