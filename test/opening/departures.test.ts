import { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Departures } from '../../dist/opening/departures.js';
import type { UpgradeSocket } from '../../dist/opening/upgrade-socket.js';
import type { SystemCalls } from '../../dist/system/system-calls.js';

/** The descriptors whose clients have closed their side. */
let ended: Set<number>;
/** How often the system was asked. */
let asked: number;
let departures: Departures;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  ended = new Set();
  asked = 0;
  const endedPeers = (fds: readonly number[]) => {
    asked++;
    return [...fds.keys()].filter((i) => ended.has(fds[i] as number));
  };
  departures = new Departures({ endedPeers } as unknown as SystemCalls);
});

afterEach(() => {
  vi.useRealTimers();
});

function socketOf(fd?: number, isPlain = true): UpgradeSocket {
  const stream = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  if (fd !== undefined) Reflect.set(stream, '_handle', { fd });
  return { stream, isPlain } as UpgradeSocket;
}

/** Resolves when the connection is lost. */
async function lose({ stream }: UpgradeSocket): Promise<void> {
  const closed = new Promise((resolve) => stream.once('close', resolve));
  stream.destroy();
  await closed;
}

it('a client that has closed its side is found within 100 ms, and its neighbours stay', () => {
  const left: number[] = [];
  departures.watch(socketOf(undefined, false), () => left.push(1)); // is no socket: the system cannot be asked
  for (const fd of [2, 3, 4]) departures.watch(socketOf(fd), () => left.push(fd));
  for (const fd of [1, 3]) ended.add(fd);
  vi.advanceTimersByTime(99);
  expect(left).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(left).toEqual([3]);
});

it('a client that speaks TLS is found, too', () => {
  const onLeft = vi.fn();
  departures.watch(socketOf(2, false), onLeft);
  ended.add(2);
  vi.advanceTimersByTime(100);
  expect(onLeft).toHaveBeenCalledOnce();
});

it('a client leaves once, also if its connection is lost after it has closed its side', async () => {
  const onLeft = vi.fn();
  const socket = socketOf(2);
  departures.watch(socket, onLeft);
  ended.add(2);
  vi.advanceTimersByTime(300);
  await lose(socket);
  expect(onLeft).toHaveBeenCalledOnce();
});

it('the loss of a connection is noticed without the system', async () => {
  const onLeft = vi.fn();
  const socket = socketOf(-1);
  new Departures(undefined).watch(socket, onLeft);
  vi.advanceTimersByTime(100);
  expect(onLeft).not.toHaveBeenCalled();
  await lose(socket);
  expect(onLeft).toHaveBeenCalledOnce();
});

it('a client that is not watched any more may leave', async () => {
  const onLeft = vi.fn();
  const socket = socketOf(2);
  departures.watch(socket, onLeft)();
  ended.add(2);
  vi.advanceTimersByTime(100);
  await lose(socket);
  expect(onLeft).not.toHaveBeenCalled();
});

it('the system is asked only while there is somebody to watch, and again for the next one', () => {
  const end = departures.watch(socketOf(2), () => {});
  vi.advanceTimersByTime(200);
  expect(asked).toBe(2);
  end();
  vi.advanceTimersByTime(100);
  expect(vi.getTimerCount()).toBe(0);
  const onLeft = vi.fn();
  departures.watch(socketOf(3), onLeft);
  ended.add(3);
  vi.advanceTimersByTime(100);
  expect(onLeft).toHaveBeenCalledOnce();
});
