import fc from 'fast-check';
import { test } from 'vitest';
import { play, scenarios } from './random-scenario.js';

test('whatever is sent, forwarded and published arrives in order, in thousands of scenarios', async () => {
  await fc.assert(fc.asyncProperty(scenarios(60, 70_000), play), { numRuns: 2000 });
});

test('whatever is sent, forwarded and published arrives in order, also when messages fill the arena', async () => {
  await fc.assert(fc.asyncProperty(scenarios(60, 2_500_000), play), { numRuns: 120 });
});
