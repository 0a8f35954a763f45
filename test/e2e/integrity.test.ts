import { describe, it } from 'vitest';
import { expectIntact } from './integrity.js';

const MIB = 1024 * 1024;
const LOAD = { clients: 16, messages: 10, largestBytes: 2 * MIB };

describe.each([0, 2])('with threads: %i', (threads) => {
  it('and little memory, each connection gets back its own bytes', async () => {
    await expectIntact({ ...LOAD, threads, arenaBytes: MIB, overflows: true, seed: 1 + threads });
  });

  it('and enough memory, each connection gets back its own bytes', async () => {
    await expectIntact({ ...LOAD, threads, arenaBytes: 256 * MIB, overflows: false, seed: 4 + threads });
  });
});
