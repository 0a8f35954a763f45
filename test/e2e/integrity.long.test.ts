import { describe, it } from 'vitest';
import { expectIntact, SAMPLING_MS } from './integrity.js';

const MIB = 1024 * 1024;

describe.each([0, 1, 2])('with threads: %i', (threads) => {
  it.each([1, 2, 3])('and little memory, each of many connections gets back its own bytes (seed %i)', async (seed) => {
    const load = { threads, arenaBytes: MIB, overflows: true, clients: 60, messages: 30, largestBytes: 2 * MIB };
    await expectIntact({ ...load, seed: seed * 10 + threads }, SAMPLING_MS);
  });

  it.each([4, 5, 6])('and enough memory, each of many connections gets back its own bytes (seed %i)', async (seed) => {
    const load = { threads, arenaBytes: 512 * MIB, overflows: false, clients: 60, messages: 30, largestBytes: 2 * MIB };
    await expectIntact({ ...load, seed: seed * 10 + threads }, SAMPLING_MS);
  });

  it('each gets back its own bytes also with the largest messages, in an arena that cannot hold one of them', async () => {
    const load = { threads, arenaBytes: 12 * MIB, overflows: true, clients: 12, messages: 12, largestBytes: 16 * MIB };
    await expectIntact({ ...load, seed: 77 + threads }, SAMPLING_MS);
  });

  it('each gets back its own bytes also with hundreds of small messages', async () => {
    const load = { threads, arenaBytes: 8 * MIB, overflows: false, clients: 40, messages: 600, largestBytes: 20_000 };
    await expectIntact({ ...load, seed: 99 + threads }, SAMPLING_MS);
  });
});
