import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Inbox } from '../../dist/pubsub/inbox.js';
import { ThreadLedger } from '../../dist/pubsub/thread-ledger.js';

// Nothing waits for too long here: time stands still.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** An inbox, and what it has given. */
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

test('what comes when nobody is awaited any more stays behind what was held', () => {
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

test('more connections than an int32 holds are still told apart', () => {
  const { ledger } = open();
  new Int32Array(ledger.buffer).fill(2 ** 31 - 1, 5, 7); // so many were offered, and opened
  expect(ledger.isExpecting).toBe(false);
  ledger.noteOffered();
  expect(ledger.isExpecting).toBe(true);
  ledger.noteSettled();
  expect(ledger.isExpecting).toBe(false);
});
