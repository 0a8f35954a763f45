import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnconfirmedBytes } from '../../dist/backplanes/unconfirmed-bytes.js';

const MEBIBYTE = 1024 * 1024;

describe('what an engine has not confirmed', () => {
  it('makes publishers wait from 4 MiB on, until 1 MiB or less is left', () => {
    let drains = 0;
    const bytes = new UnconfirmedBytes(() => drains++);
    const costs: number[] = [];
    while (!bytes.isFull) costs.push(bytes.add(100_000));
    expect(costs.length).toBe(Math.floor((4 * MEBIBYTE) / 100_256) + 1);
    while (bytes.isFull) bytes.confirm(costs.pop() as number);
    expect(costs.length).toBe(Math.floor(MEBIBYTE / 100_256));
    expect(drains).toBe(1);
    for (const cost of costs) bytes.confirm(cost);
    expect(drains).toBe(1);
  });

  it('counts what messages cost beside their bytes', () => {
    const bytes = new UnconfirmedBytes(() => {});
    for (let messages = 0; messages < 20_000 && !bytes.isFull; messages++) bytes.add(0);
    expect(bytes.isFull).toBe(true);
  });

  it('tells that publishers may go on once for each time that they had to wait', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: MEBIBYTE }))), (steps) => {
        let drains = 0;
        let waits = 0;
        const bytes = new UnconfirmedBytes(() => drains++);
        const open: number[] = [];
        for (const [isAdding, size] of steps) {
          const wasFull = bytes.isFull;
          if (isAdding) open.push(bytes.add(size));
          else if (open.length > 0) bytes.confirm(open.shift() as number);
          if (bytes.isFull && !wasFull) waits++;
          expect(drains).toBe(bytes.isFull ? waits - 1 : waits);
        }
        for (const cost of open) bytes.confirm(cost);
        expect([drains, bytes.isFull]).toEqual([waits, false]);
      }),
    );
  });
});
