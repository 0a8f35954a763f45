import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Inbox } from '../../dist/pubsub/inbox.js';
import { ThreadLedger } from '../../dist/pubsub/thread-ledger.js';

// Time stands still here, so that no message waits for too long.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** An inbox, and the messages that it has delivered. */
function open() {
  const ledger = new ThreadLedger();
  const got: number[] = [];
  const inbox = new Inbox<number>(
    ledger,
    (message) => got.push(message),
    () => {},
  );
  return { ledger, got, inbox };
}

test('a message that comes when no connection is awaited any more stays behind the held ones', () => {
  const { ledger, got, inbox } = open();
  ledger.noteOffered();
  inbox.receive(1);
  expect(got).toEqual([]);
  ledger.noteSettled();
  inbox.receive(2);
  expect(got).toEqual([1, 2]);
});

test('a message waits for no connection that was handed over after it came', async () => {
  const { ledger, got, inbox } = open();
  ledger.noteOffered();
  inbox.receive(1);
  ledger.noteOffered();
  inbox.receive(2);
  ledger.noteSettled();
  await turn();
  expect(got).toEqual([1]);
  ledger.noteSettled();
  await turn();
  expect(got).toEqual([1, 2]);
});

test('connections are counted correctly beyond the largest int32', () => {
  const { ledger } = open();
  new Int32Array(ledger.buffer).fill(2 ** 31 - 1, 5, 7); // this many were offered, and opened
  expect(ledger.isExpecting).toBe(false);
  ledger.noteOffered();
  expect(ledger.isExpecting).toBe(true);
  ledger.noteSettled();
  expect(ledger.isExpecting).toBe(false);
});
