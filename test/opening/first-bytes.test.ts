import { closeSync, openSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FirstBytes } from '../../dist/opening/first-bytes.js';
import { identityOf, openLoneFile } from '../e2e/lone-file.js';

const descriptors = () => readdirSync('/dev/fd').length;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What waits for first bytes of descriptors that are files, of which this test says when something has come. */
function waitingRoom() {
  const taken: number[] = [];
  const ready = new Set<number>();
  let looks = 0;
  const state = { isListening: true, room: 100_000 };
  const first = new FirstBytes({
    calls: {
      readable(fds) {
        looks++;
        return [...fds.keys()].filter((i) => ready.has(fds[i] as number));
      },
    },
    isListening: () => state.isListening,
    room: () => state.room,
    take(fd) {
      taken.push(fd);
      closeSync(fd);
    },
  });
  const add = (count: number) => {
    const fds = Array.from({ length: count }, openLoneFile);
    for (const fd of fds) first.add(fd, '192.0.2.1');
    return fds;
  };
  const takenSoon = async (count: number) => {
    while (taken.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { taken, ready, state, add, takenSoon, first, looks: () => looks };
}

describe('a connection that was just accepted', () => {
  let before = 0;

  beforeEach(() => {
    before = descriptors();
  });

  // Fewer, if other tests of this process had some that were still closing.
  afterEach(() => expect.poll(descriptors, { timeout: 10_000 }).toBeLessThanOrEqual(before));

  test('is taken in the next turn if something of it has come, with its address', async () => {
    const addresses: (string | undefined)[] = [];
    const first = new FirstBytes({
      calls: { readable: (fds) => [...fds.keys()] },
      isListening: () => true,
      room: () => 100_000,
      take(fd, address) {
        addresses.push(address);
        closeSync(fd);
      },
    });
    first.add(openSync('/dev/null', 'r'), '192.0.2.7');
    first.add(openSync('/dev/null', 'r'), undefined);
    expect(addresses).toEqual([]);
    await turn();
    expect(addresses).toEqual(['192.0.2.7', undefined]);
  });

  test('is taken after three turns if it is silent and few have come', async () => {
    const { taken, add, looks } = waitingRoom();
    const fds = add(8);
    await turn();
    await turn();
    expect(taken).toEqual([]);
    await turn();
    expect(taken).toEqual(fds);
    await turn();
    expect(looks()).toBe(3);
  });

  test('is waited for longer if it is one of many that are silent, and taken when something has come', async () => {
    const { taken, ready, add, takenSoon } = waitingRoom();
    const fds = add(9);
    for (let i = 0; i < 6; i++) await turn();
    expect(taken).toEqual([]);
    const last = fds.at(-1) as number;
    ready.add(last);
    await takenSoon(1);
    expect(taken).toEqual([last]);
    for (const fd of fds) ready.add(fd);
    await takenSoon(9);
    expect(taken).toEqual([last, ...fds.slice(0, -1)]);
  });

  test('is taken in the end if it stays silent, in the order in which they came', async () => {
    const { taken, add, takenSoon } = waitingRoom();
    const since = performance.now();
    const fds = add(20);
    await takenSoon(1);
    const passedMs = performance.now() - since;
    await takenSoon(20);
    expect(taken).toEqual(fds);
    expect(passedMs).toBeGreaterThanOrEqual(249);
  });

  test('is looked at once in a millisecond in a storm, not in every turn', async () => {
    const { add, ready, looks, takenSoon } = waitingRoom();
    const fds = add(9);
    for (let i = 0; i < 3; i++) await turn();
    const before = looks();
    const since = performance.now();
    for (let i = 0; i < 200; i++) await turn();
    expect(looks() - before).toBeLessThanOrEqual(performance.now() - since + 2);
    for (const fd of fds) ready.add(fd);
    await takenSoon(9);
  });

  test('is looked at less often if it is one of thousands', async () => {
    const count = 5000;
    let [looks, taken] = [0, 0];
    const first = new FirstBytes({
      calls: {
        readable() {
          looks++;
          return [];
        },
      },
      isListening: () => true,
      room: () => 100_000,
      take: () => void taken++,
    });
    const since = performance.now();
    for (let i = 0; i < count; i++) first.add(-i, undefined); // no descriptors: nothing looks at them here
    while (taken === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const mostLooks = (performance.now() - since) / Math.max(1, count / 500);
    expect(looks).toBeLessThanOrEqual(mostLooks + 2);
    while (taken < count) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test('is a lone one again when the storm is over', async () => {
    const { taken, add, ready, takenSoon } = waitingRoom();
    for (const fd of add(40)) ready.add(fd);
    await takenSoon(40);
    await new Promise((resolve) => setTimeout(resolve, 20));
    ready.clear();
    add(1);
    for (let i = 0; i < 3; i++) await turn();
    expect(taken).toHaveLength(41);
  });

  test('is taken at once, silent or not, if as many wait as may', async () => {
    const { first, taken } = (() => {
      const taken: number[] = [];
      const first = new FirstBytes({
        calls: { readable: () => [] },
        isListening: () => true,
        room: () => 100_000,
        take: (fd) => taken.push(fd),
      });
      return { first, taken };
    })();
    const most = 8192;
    for (let i = 0; i < most + 8; i++) first.add(-i, undefined); // no descriptors: nothing looks at them here
    await turn();
    expect(taken).toEqual(Array.from({ length: 8 }, (_, i) => -(most + i)));
    while (taken.length < most + 8) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test('is taken at once, silent or not, if the limits allow no more than those that wait', async () => {
    const { taken, state, add, takenSoon } = waitingRoom();
    state.room = 12;
    const fds = add(20);
    await turn();
    expect(taken).toEqual(fds.slice(12));
    state.room = 0;
    await takenSoon(20);
    expect(taken).toEqual([...fds.slice(12), ...fds.slice(0, 12)]);
  });

  test('is taken in a later turn if taking the one before it has failed', async () => {
    const taken: number[] = [];
    const first = new FirstBytes({
      calls: { readable: (fds) => [...fds.keys()] },
      isListening: () => true,
      room: () => 100_000,
      take(fd) {
        if (taken.push(fd) === 2) throw new Error('on purpose');
      },
    });
    const failed = new Promise<unknown>((resolve) => process.once('uncaughtException', resolve));
    for (let i = 1; i <= 4; i++) first.add(-i, undefined);
    expect(await failed).toMatchObject({ message: 'on purpose' });
    while (taken.length < 4) await turn();
    expect(taken).toEqual([-1, -2, -3, -4]);
  });

  test('is closed, and not taken, if the server does not listen any more', async () => {
    const { taken, state, add } = waitingRoom();
    const lone = add(2);
    const files = lone.map(identityOf);
    state.isListening = false;
    for (let i = 0; i < 3; i++) await turn();
    expect(taken).toEqual([]);
    for (const [i, fd] of lone.entries()) expect(identityOf(fd)).not.toBe(files[i]);
  });
});
