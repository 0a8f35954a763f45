import { expect, test } from 'vitest';
import { Audiences } from '../../dist/pubsub/audiences.js';

/** Audiences as sorted text, since neither their order nor that of their members means anything. */
function show(audiences: ReturnType<Audiences['divide']>): string[] {
  const ascending = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b).join(' ');
  return audiences.map(({ topics, slots }) => `${ascending(topics)}: ${ascending(slots)}`).sort();
}

test('subscribers with the same topics are one audience, whatever topics other rounds have', () => {
  const audiences = new Audiences();
  const members = [[1, 2, 3], undefined, [2, 3, 4], [3, 1]];
  expect(show(audiences.divide(members))).toEqual(['0 2 3: 3', '0 2: 2', '0 3: 1', '2: 4']);
  expect(show(audiences.divide(members.slice(0, 3)))).toEqual(['0 2: 2 3', '0: 1', '2: 4']);
  expect(show(audiences.divide([undefined, undefined]))).toEqual([]);
});

test('subscribers are divided correctly also when the count of rounds starts again', () => {
  const audiences = new Audiences(3);
  for (let i = 0; i < 10; i++) {
    expect(
      show(
        audiences.divide([
          [1, 2],
          [2, 3],
        ]),
      ),
    ).toEqual(['0 1: 2', '0: 1', '1: 3']);
    expect(show(audiences.divide([[3], [1, 3]]))).toEqual(['0 1: 3', '1: 1']);
  }
});

test.each([63, 64, 65, 1000])('slots up to %d can be members, also if first met within a round', (last) => {
  const audiences = new Audiences();
  const members = [
    [0, 1, 62],
    [1, 62, last],
    [0, last],
  ];
  expect(show(audiences.divide(members))).toEqual(['0 1: 1 62', '0 2: 0', `1 2: ${last}`]);
});

test('subscribers with different subsets of the topics are in different audiences', () => {
  const topics = 6;
  const slots = Array.from({ length: 2 ** topics }, (_, slot) => slot);
  const members = Array.from({ length: topics }, (_, topic) => slots.filter((slot) => (slot >> topic) & 1));
  const divided = new Audiences().divide(members);
  expect(divided).toHaveLength(2 ** topics - 1);
  for (const { slots, topics: its } of divided) {
    expect(slots).toEqual([its.reduce((sum, topic) => sum + 2 ** topic, 0)]);
  }
});
