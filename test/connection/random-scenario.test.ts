import fc from 'fast-check';
import { test } from 'vitest';
import { play, scenarios } from './random-scenario.js';

test('whatever is sent, forwarded and published arrives in order, byte for byte, however much the kernel takes', async () => {
  await fc.assert(fc.asyncProperty(scenarios(40, 70_000), play), { numRuns: 40 });
});
