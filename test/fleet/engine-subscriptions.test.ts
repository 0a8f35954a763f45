import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EngineSubscriptions } from '../../dist/fleet/engine-subscriptions.js';
import { FakeConnection, settled } from './fake-backplane.js';

const TIMEOUT_MS = 5000;
const BATCH = 3;

function subscriptionsOf(topics: Iterable<string>) {
  const state = { renewed: 0, failures: [] as unknown[] };
  const connection = new FakeConnection();
  const wanted = new Set(topics);
  const subscriptions = new EngineSubscriptions({
    connection,
    wanted,
    batch: BATCH,
    timeoutMs: TIMEOUT_MS,
    onRenewed: () => state.renewed++,
    onFailed: (error) => state.failures.push(error),
  });
  const want = (topic: string) => {
    wanted.add(topic);
    subscriptions.change([topic]);
  };
  const unwant = (topic: string) => {
    wanted.delete(topic);
    subscriptions.change([topic]);
  };
  return { state, connection, wanted, subscriptions, want, unwant };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('without topics the connection is ready at once', () => {
  const { state, subscriptions, connection } = subscriptionsOf([]);
  subscriptions.start();
  expect(state.renewed).toBe(1);
  expect(connection.calls).toEqual([]);
});

test('all topics are subscribed to in batches, one after the other', async () => {
  const { state, subscriptions, connection } = subscriptionsOf('abcdefg');
  connection.answersAtOnce = false;
  subscriptions.start();
  await settled();
  expect(connection.calls).toEqual(['+a,b,c']);
  await connection.answer();
  expect(connection.calls).toEqual(['+a,b,c', '+d,e,f']);
  expect(subscriptions.size).toBe(3);
  await connection.answer();
  expect(state.renewed).toBe(0);
  await connection.answer();
  expect(connection.calls).toEqual(['+a,b,c', '+d,e,f', '+g']);
  expect(state.renewed).toBe(1);
  expect(subscriptions.size).toBe(7);
  expect(vi.getTimerCount()).toBe(0);
});

test('the connection is ready before topics that came later are subscribed to', async () => {
  const { state, subscriptions, connection, want } = subscriptionsOf('abc');
  connection.answersAtOnce = false;
  subscriptions.start();
  for (const topic of 'defg') want(topic);
  await connection.answer();
  expect(state.renewed).toBe(1);
  expect(connection.calls).toEqual(['+a,b,c', '+d,e,f']);
});

test('the connection is ready if topics of the start are not wanted any more', async () => {
  const { state, subscriptions, connection, wanted } = subscriptionsOf('abcdef');
  wanted.clear();
  subscriptions.start();
  await settled();
  expect(state.renewed).toBe(1);
  expect(connection.calls).toEqual([]);
});

test('changes go to the engine when the last ones were answered, and only what differs then', async () => {
  const { connection, subscriptions, want, unwant } = subscriptionsOf('a');
  subscriptions.start();
  await settled();
  connection.answersAtOnce = false;
  want('b');
  want('c');
  unwant('c');
  unwant('b');
  want('b');
  unwant('a');
  await settled();
  expect(connection.calls).toEqual(['+a', '+b']);
  await connection.answer();
  expect(connection.calls).toEqual(['+a', '+b', '-a']);
  want('a');
  await connection.answer();
  expect(connection.calls).toEqual(['+a', '+b', '-a', '+a']);
  await connection.answer();
  expect(subscriptions.size).toBe(2);
});

test('one batch ends and begins subscriptions', async () => {
  const { connection, subscriptions, wanted } = subscriptionsOf('ab');
  subscriptions.start();
  await settled();
  wanted.delete('a');
  wanted.add('c');
  subscriptions.change(['a', 'c']);
  await settled();
  expect(connection.calls).toEqual(['+a,b', '-a', '+c']);
});

test('a failure is reported once, and nothing is done any more', async () => {
  const { state, subscriptions, connection, want } = subscriptionsOf('abcd');
  connection.answersAtOnce = false;
  subscriptions.start();
  await connection.answer(new Error('no'));
  expect(state.failures).toEqual([new Error('no')]);
  want('e');
  await settled();
  expect(connection.calls).toEqual(['+a,b,c']);
  expect(state.renewed).toBe(0);
});

test('an engine that throws instead of rejecting has failed too', async () => {
  const { state, connection, subscriptions, unwant } = subscriptionsOf('a');
  subscriptions.start();
  await settled();
  connection.unsubscribe = () => {
    throw new Error('no');
  };
  unwant('a');
  await settled();
  expect(state.failures).toEqual([new Error('no')]);
});

test('an engine that does not answer in time has failed', async () => {
  const { state, connection, subscriptions } = subscriptionsOf('a');
  connection.answersAtOnce = false;
  subscriptions.start();
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS);
  expect(state.failures).toEqual([new Error(`subscribing has taken more than ${TIMEOUT_MS} ms`)]);
});

test.each([['answers'], ['fails']])('after the end nothing is reported, whether the engine %s', async (how) => {
  const { state, connection, subscriptions } = subscriptionsOf('abcd');
  connection.answersAtOnce = false;
  subscriptions.start();
  subscriptions.end();
  await connection.answer(how === 'fails' ? new Error('late') : undefined);
  expect(state).toEqual({ renewed: 0, failures: [] });
  expect(connection.calls).toEqual(['+a,b,c']);
  expect(subscriptions.size).toBe(0);
});

test('the end between the two halves of a batch stops the second', async () => {
  const { connection, subscriptions, wanted } = subscriptionsOf('a');
  subscriptions.start();
  await settled();
  connection.answersAtOnce = false;
  wanted.delete('a');
  wanted.add('b');
  subscriptions.change(['a', 'b']);
  await settled();
  subscriptions.end();
  await connection.answer();
  expect(connection.calls).toEqual(['+a', '-a']);
});

test('whatever is wanted while the engine answers late, in the end it is as wanted', async () => {
  const step = fc.tuple(fc.constantFrom('want', 'unwant', 'answer'), fc.constantFrom(...'abcdefgh'));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.subarray([...'abcdefgh']), async (steps, first) => {
      const { state, connection, wanted, subscriptions, want, unwant } = subscriptionsOf(first);
      connection.answersAtOnce = false;
      subscriptions.start();
      for (const [kind, topic] of steps) {
        if (kind === 'want') want(topic);
        else if (kind === 'unwant') unwant(topic);
        else await connection.answer();
        expect(connection.unanswered).toBeLessThanOrEqual(1);
      }
      await settled();
      while (connection.unanswered > 0) await connection.answer();
      expect(connection.subscribed).toEqual(wanted);
      expect(subscriptions.size).toBe(wanted.size);
      expect(state).toEqual({ renewed: 1, failures: [] });
    }),
  );
});
