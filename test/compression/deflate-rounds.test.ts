import { expect, test, vi } from 'vitest';
import { DeflateRounds } from '../../dist/compression/deflate-rounds.js';

const nextIteration = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Members that take some time in each turn, by a clock of the test. */
class Members {
  nowMs = 0;
  readonly turns: string[] = [];
  readonly rounds = new DeflateRounds(() => this.nowMs);

  add(name: string, times: number, takesMs: number, then: () => void = () => {}): void {
    let left = times;
    this.rounds.add({
      goOn: () => {
        this.turns.push(name);
        this.nowMs += takesMs;
        left--;
        if (left === 0) then();
        return left > 0;
      },
    });
  }
}

test('members have their first turn in the next iteration of the event loop', async () => {
  const members = new Members();
  members.add('a', 1, 0);
  expect(members.turns).toEqual([]);
  await nextIteration();
  expect(members.turns).toEqual(['a']);
});

test('each member has one turn in an iteration, until there is nothing more to do', async () => {
  const members = new Members();
  members.add('a', 3, 0.1);
  members.add('b', 1, 0.1);
  await nextIteration();
  expect(members.turns).toEqual(['a', 'b']);
  await nextIteration();
  await nextIteration();
  await nextIteration();
  expect(members.turns).toEqual(['a', 'b', 'a', 'a']);
});

test('a round ends after 4 ms, and the next begins with the members that had no turn', async () => {
  const members = new Members();
  for (const name of ['a', 'b', 'c', 'd']) members.add(name, 2, 2);
  await nextIteration();
  expect(members.turns).toEqual(['a', 'b']);
  await nextIteration();
  expect(members.turns).toEqual(['a', 'b', 'c', 'd']);
  await nextIteration();
  await nextIteration();
  expect(members.turns.join('')).toBe('abcdabcd');
});

test('a member that takes longer than a round has its turn all the same', async () => {
  const members = new Members();
  members.add('a', 1, 100);
  members.add('b', 1, 100);
  await nextIteration();
  await nextIteration();
  expect(members.turns).toEqual(['a', 'b']);
});

test('a member that comes in a round has its turn in the next, behind those that had none', async () => {
  const members = new Members();
  members.add('a', 1, 5, () => members.add('late', 1, 0));
  members.add('b', 1, 0);
  await nextIteration();
  expect(members.turns).toEqual(['a']);
  await nextIteration();
  expect(members.turns).toEqual(['a', 'b', 'late']);
});

test('a member that throws leaves, and the others have their turns', () => {
  vi.useFakeTimers({ toFake: ['setImmediate'] });
  try {
    const members = new Members();
    members.add('a', 2, 1);
    members.add('b', 1, 1, () => {
      throw new Error('on purpose');
    });
    members.add('c', 1, 1);
    expect(() => vi.runOnlyPendingTimers()).toThrow('on purpose');
    vi.runOnlyPendingTimers();
    expect(members.turns).toEqual(['a', 'b', 'c', 'a']);
  } finally {
    vi.useRealTimers();
  }
});
