import { expect, it } from 'vitest';
import { coreTicks } from '../../bench/core-watch.js';

it('counts the ticks of one core, and the ticks among them that processes used or the host took', () => {
  const stat = 'cpu  99 99 99 99 99 99 99 99 0 0\ncpu1 9 9 9 9 9 9 9 9 0 0\ncpu10 1 2 4 8 16 32 64 128 0 0\nintr 1\n';
  expect(coreTicks(stat, 10)).toEqual({ all: 255, busy: 1 + 2 + 4 + 128 });
});
