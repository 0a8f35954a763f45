import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { test } from 'vitest';
import { play, scenarios } from './random-scenario.js';

/** Memory is given back between turns only: in one turn all scenarios together took 2.5 GB. */
async function playMany(turns: number, numRuns: number, maxBytes: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    await fc.assert(fc.asyncProperty(scenarios(60, maxBytes), play), { numRuns });
    await nextTurn();
  }
}

test('whatever is sent, forwarded and published arrives in order, in thousands of scenarios', async () => {
  await playMany(40, 50, 70_000);
});

test('whatever is sent, forwarded and published arrives in order, also when messages fill the arena', async () => {
  await playMany(24, 5, 2_500_000);
});
