import { test } from 'vitest';
import { runScenario } from './compressed-scenario.js';

test('the windows of both sides stay the same, whatever is sent, published and dropped, in whatever order', async () => {
  for (let seed = 1; seed <= 4; seed++) await runScenario(seed, 60);
});
