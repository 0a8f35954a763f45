import { describe, expect, it } from 'vitest';
import { Reloads } from '../../dist/primary/reloads.js';

/** Reloads that are ended by hand, and the `drainMs` that each was begun with. The spread is 10 times as long. */
function made() {
  const begun: number[] = [];
  const ends: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const reloads = new Reloads(({ drainMs, drainSpreadMs }) => {
    expect(drainSpreadMs).toBe(10 * drainMs);
    begun.push(drainMs);
    return new Promise<void>((resolve, reject) => void ends.push({ resolve, reject }));
  });
  const ask = (drainMs: number) => reloads.ask({ drainMs, drainSpreadMs: 10 * drainMs });
  return { reloads: { ask }, begun, ends };
}

describe('reloads', () => {
  it('begin at once if none runs', async () => {
    const { reloads, begun, ends } = made();
    for (let i = 0; i < 3; i++) {
      const done = reloads.ask(i);
      expect(begun).toHaveLength(i + 1);
      ends[i]?.resolve();
      await done;
    }
    expect(begun).toEqual([0, 1, 2]);
  });

  it('that are asked for while one runs are one, after it, with the longest time to drain', async () => {
    const { reloads, begun, ends } = made();
    const first = reloads.ask(50);
    const others = [10, 30, 20].map((drainMs) => reloads.ask(drainMs));
    expect(begun).toEqual([50]);
    ends[0]?.resolve();
    await first;
    await Promise.resolve();
    expect(begun).toEqual([50, 30]);
    const third = reloads.ask(0); // the second has begun: it may have read what there was before
    ends[1]?.resolve();
    await Promise.all(others);
    await Promise.resolve();
    expect(begun).toEqual([50, 30, 0]);
    ends[2]?.resolve();
    await third;
  });

  it('tell of a failure those who asked for the one that failed, and go on', async () => {
    const { reloads, begun, ends } = made();
    const first = reloads.ask(1);
    const others = [2, 3].map((drainMs) => reloads.ask(drainMs));
    ends[0]?.reject(new Error('the first'));
    await expect(first).rejects.toThrow('the first');
    await Promise.resolve();
    const last = reloads.ask(4);
    ends[1]?.reject(new Error('the second'));
    for (const other of others) await expect(other).rejects.toThrow('the second');
    ends[2]?.resolve();
    await last;
    expect(begun).toEqual([1, 3, 4]);
  });
});
