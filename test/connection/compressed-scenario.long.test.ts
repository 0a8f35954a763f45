import { test } from 'vitest';
import { runScenario } from './compressed-scenario.js';

test('the windows of both sides stay the same, whatever is sent, published and dropped, in 60 random orders', async () => {
  for (let seed = 1000; seed < 1060; seed++) await runScenario(seed, 100);
});
