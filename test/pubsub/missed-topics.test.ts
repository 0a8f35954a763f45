import { expect, test } from 'vitest';
import { MissedTopics } from '../../dist/pubsub/missed-topics.js';

/** Room for the names, in bytes. Each character takes two, and the length of a name takes four. */
const MAX_BYTES = 64 * 1024;

/** The publisher's view, and the thread's. */
function bothSides() {
  const publisher = new MissedTopics();
  return { publisher, thread: new MissedTopics(publisher.buffer) };
}

test('topics are noted once, whatever their names', () => {
  const { publisher, thread } = bothSides();
  const names = ['a', '', 'ä€𐍈', '\ud800', '\0', 'a\nb', 'a'];
  for (let i = 0; i < 3; i++) for (const name of names) expect(publisher.add(name)).toBe(true);
  expect([...(thread.close() ?? [])]).toEqual(names.slice(0, -1));
});

test('topics are noted up to the last byte of the room; with one more, all topics are missed', () => {
  const name = (i: number, characters: number) => `${i} `.padEnd(characters, 'x');
  const [count, characters] = [64, (MAX_BYTES / 64 - 4) / 2];
  for (const more of [0, 1]) {
    const { publisher, thread } = bothSides();
    for (let round = 0; round < 2; round++) for (let i = 0; i < count; i++) publisher.add(name(i, characters));
    if (more > 0) publisher.add('');
    expect(thread.close()?.size).toBe(more > 0 ? undefined : count);
  }
});

test('a publication that comes when the list is closed has to be posted', () => {
  const { publisher, thread } = bothSides();
  expect(publisher.add('a')).toBe(true);
  expect([...(thread.close() ?? [])]).toEqual(['a']);
  expect(publisher.add('b')).toBe(false);
  expect(publisher.add('a')).toBe(false);
});
