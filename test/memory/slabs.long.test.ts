import fc from 'fast-check';
import { test } from 'vitest';
import { slabSteps, walk } from './slab-steps.js';

test('slabs do not overlap and come together again, in long walks through ranges of up to 1000 spans', () => {
  const steps = fc.array(slabSteps(), { minLength: 500, maxLength: 3000 });
  fc.assert(fc.property(fc.nat(5_000_000), fc.integer({ min: 1, max: 1000 }), steps, walk), { numRuns: 300 });
});
