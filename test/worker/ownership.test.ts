import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { Ownership } from '../../dist/worker/ownership.js';

/** How many hand-offs may be on their way at a time. */
const SLOTS = 4096;

/** The shared words of the racing threads: rounds offered, rounds seen, and how often the worker has won. */
const [OFFERED, SEEN, WON] = [0, 1, 2] as const;
const STOP = -1;

/** Both threads' views of the same hand-offs. */
function bothSides(): { readonly primary: Ownership; readonly worker: Ownership } {
  const primary = new Ownership();
  return { primary, worker: new Ownership(primary.buffer) };
}

describe('a hand-off', () => {
  test('that the worker takes is the worker’s', () => {
    const { primary, worker } = bothSides();
    const slot = primary.offer();
    expect(worker.take(slot)).toBe(true);
    expect(primary.isSettled(slot)).toBe(false);
    expect(primary.revoke(slot)).toBe(false);
    worker.settle(slot);
    expect(primary.isSettled(slot)).toBe(true);
    expect(primary.revoke(slot)).toBe(false);
  });

  test('that the primary revokes is the primary’s', () => {
    const { primary, worker } = bothSides();
    const slot = primary.offer();
    expect(primary.revoke(slot)).toBe(true);
    expect(primary.isSettled(slot)).toBe(false);
    expect(worker.take(slot)).toBe(false);
  });

  test('can be revoked once', () => {
    const { primary, worker } = bothSides();
    const slot = primary.offer();
    expect([primary.revoke(slot), primary.revoke(slot)]).toEqual([true, false]);
    expect(worker.take(slot)).toBe(false);
    expect(primary.revoke(slot)).toBe(false);
  });

  test('has a slot of its own while it is on its way', () => {
    const { primary } = bothSides();
    const slots = Array.from({ length: SLOTS }, () => primary.offer());
    expect(new Set(slots).size).toBe(SLOTS);
    expect(slots.every((slot) => slot >= 0)).toBe(true);
  });

  test('is refused while all slots are on their way', () => {
    const { primary, worker } = bothSides();
    for (let i = 0; i < SLOTS; i++) primary.offer();
    expect(primary.offer()).toBe(-1);
    expect(worker.take(1234)).toBe(true);
    worker.settle(1234);
    // The slot is free only after the primary is done with it, because it may still list the offer.
    expect(primary.offer()).toBe(-1);
    primary.release(1234);
    expect(primary.offer()).toBe(1234);
    expect(primary.offer()).toBe(-1);
  });
});

describe('a slot', () => {
  test('whose hand-off was taken and released is used again', () => {
    const { primary, worker } = bothSides();
    for (let i = 0; i < 3 * SLOTS; i++) {
      const slot = primary.offer();
      expect(slot).toBeGreaterThanOrEqual(0);
      expect(worker.take(slot)).toBe(true);
      worker.settle(slot);
      primary.release(slot);
    }
  });

  test('whose hand-off was revoked is not used again before the worker has seen it', () => {
    const { primary, worker } = bothSides();
    const slots = Array.from({ length: SLOTS }, () => primary.offer());
    for (const slot of slots) expect(primary.revoke(slot)).toBe(true);
    expect(primary.offer()).toBe(-1);
    expect(worker.take(77)).toBe(false);
    expect(primary.offer()).toBe(77);
    expect(worker.take(77)).toBe(true);
  });

  test('is not settled because of an earlier hand-off in it', () => {
    const { primary, worker } = bothSides();
    const settled = primary.offer();
    worker.take(settled);
    worker.settle(settled);
    for (let i = 1; i < SLOTS; i++) primary.offer();
    primary.release(settled);
    const again = primary.offer();
    expect(again).toBe(settled);
    expect(primary.isSettled(again)).toBe(false);
    expect(primary.revoke(again)).toBe(true);
  });
});

describe('of two threads', () => {
  const workers: Worker[] = [];

  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
  });

  test('only one wins the race for a hand-off, each time', async () => {
    const { primary } = bothSides();
    const progress = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
    const worker = new Worker(new URL('./ownership-racer.js', import.meta.url), {
      workerData: { ownership: primary.buffer, progress: progress.buffer, slots: SLOTS },
    });
    workers.push(worker);
    const reported = once(worker, 'message') as Promise<[boolean[][]]>;
    await once(worker, 'online');

    const revoked: boolean[][] = [];
    let byPrimary = 0;
    // If one of them has won every time, it was no race: then there are more rounds.
    for (let round = 0; round < 20 || byPrimary === 0 || Atomics.load(progress, WON) === 0; round++) {
      const slots = Array.from({ length: SLOTS }, () => primary.offer());
      expect(slots).not.toContain(-1);
      Atomics.store(progress, OFFERED, round + 1);
      // The worker may begin every other time. Otherwise it might never be in time on a busy machine.
      while (round % 2 === 1 && !primary.isSettled(0));
      const won: boolean[] = Array(SLOTS).fill(false);
      // In the worker's own order, so that they meet again and again.
      for (const slot of won.keys()) won[slot] = primary.revoke(slot);
      byPrimary += won.filter(Boolean).length;
      revoked.push(won);
      // When the worker has seen every slot, all can be offered again.
      while (Atomics.load(progress, SEEN) < round + 1) await new Promise((resolve) => setImmediate(resolve));
      for (const slot of won.keys()) if (primary.isSettled(slot)) primary.release(slot);
    }
    Atomics.store(progress, OFFERED, STOP);

    const [taken] = await reported;
    expect(taken).toHaveLength(revoked.length);
    for (const [round, won] of revoked.entries()) {
      const twice = won.filter((isWon, slot) => isWon && taken[round]?.[slot]).length;
      const never = won.filter((isWon, slot) => !isWon && !taken[round]?.[slot]).length;
      expect({ twice, never }, `round ${round}`).toEqual({ twice: 0, never: 0 });
    }
  });
});
