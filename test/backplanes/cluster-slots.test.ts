import { describe, expect, it } from 'vitest';
import { mastersOf } from '../../dist/backplanes/cluster-slots.js';
import { slotOf } from '../../dist/backplanes/key-slot.js';

const SEED = { host: 'seed', port: 7000 };
const row = (first: number, last: number, host: unknown, port: unknown) => [
  first,
  last,
  [host, port, 'id'],
  ['replica', 1, 'id'],
];

describe('the slot of a hash tag', () => {
  it.each([
    // The check value of CRC-16/XMODEM, and what `CLUSTER KEYSLOT` of Redis answers.
    ['123456789', 0x31c3 % 16_384],
    ['', 0],
    ['foo', 12_182],
    ['0', 13_907],
    ['127', 6102],
  ])('of %j is %d', (tag, slot) => {
    expect(slotOf(tag)).toBe(slot);
  });
});

describe('the masters of a cluster', () => {
  it('are by the slots of the partitions', () => {
    const answer = [row(0, 8191, 'a', 1), row(8192, 16_383, Buffer.from('b'), 2)];
    const masters = mastersOf(answer, SEED);
    expect(masters).toHaveLength(128);
    masters.forEach((master, partition) => {
      const isFirst = slotOf(String(partition)) < 8192;
      expect(master).toEqual(isFirst ? { host: 'a', port: 1 } : { host: 'b', port: 2 });
    });
  });

  it('have the first and the last of their slots', () => {
    const slot = slotOf('0');
    const before = row(0, slot - 1, 'before', 1);
    const after = row(slot + 1, 16_383, 'after', 1);
    const only = row(slot, slot, 'only', 1);
    expect(mastersOf([before, only, after], SEED)[0]).toEqual({ host: 'only', port: 1 });
  });

  it.each([null, '', '?'])('have the host of the node that was asked, if they say %j', (host) => {
    expect(mastersOf([row(0, 16_383, host, 5)], SEED)[0]).toEqual({ host: 'seed', port: 5 });
  });

  it('are missed if there is no node for a slot', () => {
    expect(() => mastersOf([row(0, 100, 'a', 1)], SEED)).toThrow(/no node for slot \d+: it is not complete/);
    expect(() => mastersOf([], SEED)).toThrow('it is not complete');
  });

  it.each([[['x']], [[[0, 'x', ['a', 1]]]], [[[0, 16_383]]], [[[0, 16_383, ['a', 'x']]]]])(
    'are not read from %j',
    (answer) => {
      expect(() => mastersOf(answer, SEED)).toThrow('CLUSTER SLOTS is not as expected');
    },
  );
});
