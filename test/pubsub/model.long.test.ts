import fc from 'fast-check';
import { test } from 'vitest';
import { runModel, steps } from './model.js';

test('everybody gets what the simplest model says, in its order, in many thousand runs', () => {
  fc.assert(fc.property(steps(150, 300_000), runModel), { numRuns: 2500 });
});
