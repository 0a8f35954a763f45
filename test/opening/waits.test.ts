import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Boundary } from '../../dist/opening/boundary.js';
import { type Wait, Waits } from '../../dist/opening/waits.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { duplexPair } from '../host/duplex-pair.js';

const TIMEOUT_MS = 1000;

let waits: Waits;
/** What has happened, in its order. */
let log: string[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  log = [];
  waits = new Waits(TIMEOUT_MS, new Boundary(new ThrottledLog(({ line }) => log.push(line))));
});

afterEach(() => {
  vi.useRealTimers();
});

function begin(socket = duplexPair()[0]): Wait {
  return waits.begin(socket, { late: () => log.push('late'), giveUp: (why) => log.push(`given up: ${why}`) });
}

it('a wait that is stopped in time is over, and can be stopped once', () => {
  const wait = begin();
  vi.advanceTimersByTime(TIMEOUT_MS - 1);
  expect([wait.stop(), wait.stop()]).toEqual([true, false]);
  expect([waits.size, vi.getTimerCount(), log]).toEqual([0, 0, []]);
});

it('a wait that takes too long is reported, and given up', () => {
  const wait = begin();
  vi.advanceTimersByTime(TIMEOUT_MS);
  expect(log).toEqual(['late', 'given up: the server took too long to decide\n']);
  expect([wait.stop(), waits.size]).toEqual([false, 0]);
});

it('a wait is over when its socket has closed', async () => {
  const [socket] = duplexPair();
  const wait = begin(socket);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  await closed;
  expect([waits.size, vi.getTimerCount()]).toEqual([0, 0]);
  expect([wait.stop(), log]).toEqual([false, []]);
});

it('a wait of a client that has departed does not count, and is ended with all others', () => {
  const departed = begin();
  begin();
  departed.depart();
  expect(waits.size).toBe(1);
  waits.abortAll('bye');
  expect(log).toEqual(['given up: bye', 'given up: bye']);
  expect([waits.size, vi.getTimerCount(), departed.stop()]).toEqual([0, 0, false]);
});

it('an exception while a wait is given up costs its socket only', () => {
  const [socket] = duplexPair();
  waits.begin(socket, {
    late: () => {},
    giveUp: () => {
      throw new Error('on purpose');
    },
  });
  begin();
  waits.abortAll('bye');
  expect(socket.destroyed).toBe(true);
  expect(log).toEqual([expect.stringMatching(/Error: on purpose/), 'given up: bye']);
});
