import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { HandOff } from '../../dist/host/hand-off.js';
import { WaitingHandOffs } from '../../dist/primary/waiting-hand-offs.js';

const TIMEOUT_MS = 300;

/** The ids of connections, in the order in which they were offered, and whether the workers take them now. */
let offered: number[];
let room: number;
let abandoned: number[];
let waiting: WaitingHandOffs;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  offered = [];
  room = 0;
  abandoned = [];
  waiting = new WaitingHandOffs({
    timeoutMs: TIMEOUT_MS,
    offer: ({ info }) => {
      offered.push(info.id);
      return room-- > 0;
    },
    abandon: ({ info }) => void abandoned.push(info.id),
  });
});

afterEach(() => {
  vi.useRealTimers();
});

const handOff = (id: number) => ({ fd: -1, info: { id } }) as HandOff;

it('connections are offered the oldest first, until one is not taken', () => {
  waiting.add([handOff(1), handOff(2)]);
  waiting.add([handOff(3)]);
  expect([offered, waiting.size]).toEqual([[1, 1], 3]);
  offered = [];
  room = 2;
  waiting.offerAll();
  expect([offered, waiting.size]).toEqual([[1, 2, 3], 1]);
});

it('a connection that is taken at once does not wait', () => {
  room = 1;
  waiting.add([handOff(1)]);
  expect([waiting.size, vi.getTimerCount(), abandoned]).toEqual([0, 0, []]);
});

it('a connection that has waited for its time is offered once more, and then given up', () => {
  waiting.add([handOff(1), handOff(2)]);
  vi.advanceTimersByTime(TIMEOUT_MS - 1);
  expect([waiting.size, abandoned]).toEqual([2, []]);
  offered = [];
  room = 1;
  vi.advanceTimersByTime(1);
  expect([offered, abandoned, waiting.size]).toEqual([[1, 2], [2], 0]);
});

it('each connection has its own time, from when it came', () => {
  waiting.add([handOff(1)]);
  vi.advanceTimersByTime(200);
  waiting.add([handOff(2)]);
  vi.advanceTimersByTime(100);
  expect(abandoned).toEqual([1]);
  vi.advanceTimersByTime(200);
  expect(abandoned).toEqual([1, 2]);
});

it('connections that are taken away are neither offered nor given up, and leave no timer', () => {
  waiting.add([handOff(1), handOff(2)]);
  expect(waiting.takeAll().map(({ info }) => info.id)).toEqual([1, 2]);
  expect([waiting.size, vi.getTimerCount()]).toEqual([0, 0]);
  offered = [];
  waiting.offerAll();
  vi.advanceTimersByTime(TIMEOUT_MS);
  expect([offered, abandoned]).toEqual([[], []]);
});
