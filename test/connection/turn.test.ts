import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { threadState } from '../../dist/connection/thread-state.js';
import { Turn } from '../../dist/connection/turn.js';

let log: string[];
let turn: Turn;

beforeEach(() => {
  log = [];
  turn = new Turn(() => log.push('publications'));
});

afterEach(() => void vi.restoreAllMocks());

test('a turn ends with the publications', () => {
  turn.begin();
  expect(log).toEqual([]);
  turn.end();
  expect(log).toEqual(['publications']);
});

test('a turn inside another ends with that', () => {
  turn.begin();
  turn.begin();
  turn.end();
  expect(log).toEqual([]);
  expect(threadState.runningTurn).toBe(turn);
  turn.end();
  expect(log).toEqual(['publications']);
});

test('the running turn is known while it runs', () => {
  expect(threadState.runningTurn).toBeUndefined();
  turn.begin();
  expect(threadState.runningTurn).toBe(turn);
  turn.end();
  expect(threadState.runningTurn).toBeUndefined();
});

test('a turn inside that of another server leaves that running', () => {
  const other = new Turn(() => log.push('others'));
  turn.begin();
  other.begin();
  expect(threadState.runningTurn).toBe(other);
  other.end();
  expect(threadState.runningTurn).toBe(turn);
  turn.end();
  expect(threadState.runningTurn).toBeUndefined();
  expect(log).toEqual(['others', 'publications']);
});

test('a turn that fails is over', () => {
  const failing = new Turn(() => {
    throw new Error('of a topic');
  });
  failing.begin();
  expect(() => failing.end()).toThrow('of a topic');
  expect(threadState.runningTurn).toBeUndefined();
  failing.afterwards(() => log.push('at once'));
  expect(log).toEqual(['at once']);
});

test('outside of a turn publications go out in one microtask, each time', async () => {
  for (const count of [2, 1, 3]) {
    log.length = 0;
    for (let i = 0; i < count; i++) turn.schedule();
    expect(log).toEqual([]);
    await Promise.resolve();
    expect(log).toEqual(['publications']);
  }
});

test('in a turn nothing is scheduled: its end is enough', async () => {
  turn.begin();
  turn.schedule();
  turn.end();
  await Promise.resolve();
  expect(log).toEqual(['publications']);
});

test('what must not be done while a hook runs is done when the turn is over, after the publications', () => {
  turn.begin();
  turn.begin();
  turn.afterwards(() => log.push('first'));
  turn.afterwards(() => {
    log.push('second');
    // It may begin a turn of its own, and put off more.
    turn.begin();
    turn.afterwards(() => log.push('third'));
    turn.end();
  });
  turn.end();
  expect(log).toEqual([]);
  turn.end();
  expect(log).toEqual(['publications', 'first', 'second', 'publications', 'third']);
});

test('outside of a turn it is done at once', () => {
  turn.afterwards(() => log.push('now'));
  expect(log).toEqual(['now']);
});

describe('what connections have gathered', () => {
  const gathered = {
    gatherRows: () => log.push('settled'),
    flush: () => log.push('sent'),
  };
  const phaseEnd = () => new Promise((resolve) => setImmediate(resolve));

  beforeEach(() => turn.attach(gathered));

  test('leaves when the event loop has handled what it found to be read, once for all of it', async () => {
    for (let i = 0; i < 3; i++) {
      turn.begin();
      turn.noteGathering();
      turn.end();
    }
    await Promise.resolve();
    expect(log).toEqual(['publications', 'publications', 'publications']);
    await phaseEnd();
    expect(log.slice(3)).toEqual(['sent']);
    await phaseEnd();
    expect(log.slice(3)).toEqual(['sent']);
  });

  test('leaves in one microtask outside of a turn', async () => {
    turn.beforeOutput();
    turn.beforeOutput();
    expect(log).toEqual([]);
    await Promise.resolve();
    expect(log).toEqual(['sent']);
    turn.beforeOutput();
    await Promise.resolve();
    expect(log).toEqual(['sent', 'sent']);
  });

  test('leaves in no microtask when something is sent in a turn', async () => {
    turn.begin();
    turn.beforeOutput();
    turn.end();
    await Promise.resolve();
    expect(log).toEqual(['publications']);
  });

  test('leaves in no microtask either when it is sent in the turn of another server: that too has an end of its phase', async () => {
    const other = new Turn(() => {});
    other.begin();
    turn.beforeOutput();
    turn.noteGathering();
    other.end();
    await Promise.resolve();
    expect(log).toEqual([]);
    await phaseEnd();
    expect(log).toEqual(['sent']);
  });

  test('is copied away from where it was read when the read ends, and leaves then only if it has waited', () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(1000);
    turn.begin();
    turn.noteGathering();
    now.mockReturnValue(1000.1);
    turn.endRead();
    expect(log).toEqual(['settled', 'publications']);
    turn.begin();
    turn.noteGathering();
    now.mockReturnValue(1000.3);
    turn.endRead();
    expect(log.slice(2)).toEqual(['settled', 'sent', 'publications']);
    turn.begin();
    now.mockReturnValue(1001);
    turn.endRead();
    expect(log.slice(5), 'nothing was gathered since').toEqual(['settled', 'publications']);
  });

  test('of several hosts leaves together, and of one that is over at once and never again', () => {
    const other = { gatherRows: () => {}, flush: () => log.push('sent by the other') };
    turn.attach(other);
    turn.flush();
    expect(log).toEqual(['sent', 'sent by the other']);
    turn.detach(gathered);
    expect(log.slice(2)).toEqual(['sent']);
    turn.flush();
    expect(log.slice(3)).toEqual(['sent by the other']);
  });
});
