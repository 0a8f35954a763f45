import { expect, test } from 'vitest';
import { TopicReporter } from '../../dist/worker/topic-reporter.js';

/** A reporter, and what it has reported. */
function made() {
  const reports: (readonly [joined: readonly string[], left: readonly string[]])[] = [];
  return { reporter: new TopicReporter((joined, left) => reports.push([joined, left])), reports };
}

const nextIteration = () => new Promise((resolve) => setImmediate(resolve));

test('what has changed in an iteration of the event loop is one report', async () => {
  const { reporter, reports } = made();
  reporter.join('a');
  reporter.join('b');
  await Promise.resolve();
  reporter.join('c');
  expect(reports).toEqual([]);
  await nextIteration();
  expect(reports).toEqual([[['a', 'b', 'c'], []]]);
  reporter.leave('b');
  reporter.join('d');
  await nextIteration();
  expect(reports.slice(1)).toEqual([[['d'], ['b']]]);
});

test('a topic that is as it was before is not reported', async () => {
  const { reporter, reports } = made();
  reporter.join('a');
  reporter.join('stays');
  await nextIteration();
  reporter.leave('a');
  reporter.join('a');
  reporter.join('short');
  reporter.leave('short');
  await nextIteration();
  expect(reports).toHaveLength(1);
  reporter.leave('a');
  reporter.join('a');
  reporter.leave('a');
  await nextIteration();
  expect(reports.slice(1)).toEqual([[[], ['a']]]);
});

test('a report may cause another one', async () => {
  const reports: (readonly string[])[] = [];
  const reporter: TopicReporter = new TopicReporter((joined) => {
    if (reports.push(joined) === 1) reporter.join('b');
  });
  reporter.join('a');
  await nextIteration();
  await nextIteration();
  expect(reports).toEqual([['a'], ['b']]);
});
