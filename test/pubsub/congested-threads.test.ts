import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CongestedThreads } from '../../dist/pubsub/congested-threads.js';
import { Dialect } from '../../dist/pubsub/dialect.js';
import { ThreadLedger } from '../../dist/pubsub/thread-ledger.js';
import { hashTopic } from '../../dist/pubsub/topic-hash.js';

const KIB = 1024;
const MARKS = { highBytes: 100 * KIB, lowBytes: 50 * KIB, timeoutMs: 200 };

interface Thread {
  readonly name: string;
  readonly ledger: ThreadLedger;
}

let congested: CongestedThreads<Thread>;
/** What was reported, in its order. */
let reports: (boolean | string)[];

/** A thread that is owed this much. */
function owed(name: string, kib: number): Thread {
  const ledger = new ThreadLedger();
  ledger.listen();
  ledger.addOwed(kib * KIB);
  return { name, ledger };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  reports = [];
  congested = new CongestedThreads({
    ...MARKS,
    onChange: (isCongested) => reports.push(isCongested),
    onSlow: ({ name }) => reports.push(name),
  });
});

afterEach(() => {
  vi.useRealTimers();
});

test('a thread is congested from above the high mark until it is down at the low mark', () => {
  const thread = owed('a', 100);
  congested.check(thread);
  expect([reports, vi.getTimerCount()]).toEqual([[], 0]);
  thread.ledger.addOwed(KIB);
  congested.check(thread);
  congested.check(thread);
  expect(reports).toEqual([true]);
  thread.ledger.addOwed(-50 * KIB);
  vi.advanceTimersByTime(100);
  expect(reports).toEqual([true]);
  thread.ledger.addOwed(-KIB);
  vi.advanceTimersByTime(20);
  expect([reports, vi.getTimerCount()]).toEqual([[true, false], 0]);
});

test('congestion begins with the first thread and ends with the last one', () => {
  const [first, second] = [owed('a', 200), owed('b', 200)];
  congested.check(first);
  congested.check(second);
  congested.remove(first);
  congested.remove(first);
  expect(reports).toEqual([true]);
  congested.remove(second);
  expect(reports).toEqual([true, false]);
  congested.remove(second);
  expect(reports).toEqual([true, false]);
});

test('whenNone resolves when the last congested thread is removed', async () => {
  await congested.whenNone();
  const [first, second] = [owed('a', 200), owed('b', 200)];
  congested.check(first);
  congested.check(second);
  let isOver = false;
  const none = congested.whenNone().then(() => {
    isOver = true;
  });
  congested.remove(first);
  await Promise.resolve();
  expect(isOver).toBe(false);
  congested.remove(second);
  await none;
});

test('only topics with subscribers in congested threads are wanted', () => {
  const [full, empty] = [owed('a', 200), owed('b', 0)];
  full.ledger.join(hashTopic('x'), Dialect.PLAIN);
  empty.ledger.join(hashTopic('y'), Dialect.PLAIN);
  for (const thread of [full, empty]) congested.check(thread);
  expect([congested.want(hashTopic('x')), congested.want(hashTopic('y'))]).toEqual([true, false]);
  congested.remove(full);
  expect(congested.want(hashTopic('x'))).toBe(false);
});

test('a thread that takes nothing for the timeout is slow, however often it is posted to', () => {
  const [still, busy] = [owed('still', 200), owed('busy', 200)];
  congested.check(still);
  congested.check(busy);
  for (let tick = 1; tick < 10; tick++) {
    if (tick % 5 === 0) busy.ledger.noteTaken();
    vi.advanceTimersByTime(20);
    congested.check(still);
  }
  expect(reports).toEqual([true]);
  vi.advanceTimersByTime(20);
  expect(reports).toEqual([true, 'still']);
  busy.ledger.noteTaken();
  vi.advanceTimersByTime(180);
  expect(reports).toEqual([true, 'still']);
  congested.remove(busy);
  expect(reports).toEqual([true, 'still', false]);
});

test('the last slow thread is reported after the end of the congestion, and may be congested again', () => {
  const thread = owed('a', 200);
  congested.check(thread);
  vi.advanceTimersByTime(MARKS.timeoutMs);
  expect(reports).toEqual([true, false, 'a']);
  congested.check(thread);
  vi.advanceTimersByTime(MARKS.timeoutMs - 20);
  expect(reports).toEqual([true, false, 'a', true]);
});

test('the time in which this thread was blocked itself does not count', () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  congested.check(owed('a', 200));
  now.mockReturnValue(10 * MARKS.timeoutMs); // one tick comes late
  vi.advanceTimersByTime(20);
  expect(reports).toEqual([true]);
  now.mockRestore();
});

test('a thread that is pressed is congested whatever it is owed, until it is not pressed any more', () => {
  const thread = owed('a', 0);
  thread.ledger.press(true);
  congested.check(thread);
  expect(reports).toEqual([true]);
  expect(congested.want(hashTopic('x'))).toBe(false);
  thread.ledger.listenToAll();
  expect(congested.want(hashTopic('x'))).toBe(true);
  vi.advanceTimersByTime(10 * MARKS.timeoutMs);
  expect(reports).toEqual([true]); // it takes nothing because there is nothing
  thread.ledger.press(false);
  vi.advanceTimersByTime(20);
  expect([reports, vi.getTimerCount()]).toEqual([[true, false], 0]);
});

test('a thread that is pressed and takes nothing of what it is owed is not waited for for ever', () => {
  const thread = owed('a', 60);
  thread.ledger.press(true);
  congested.check(thread);
  vi.advanceTimersByTime(MARKS.timeoutMs + 20);
  expect(reports).toEqual([true, false, 'a']);
});
