import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type Sliced, TimeSlices } from '../../dist/connection/time-slices.js';
import { BINARY, clientClose, clientFrame, PING, shown, TEXT } from './frames.js';
import { framesOf, startThread, type TestThread } from './thread.js';

const CONTINUATION = 0;

let now: number;
let slices: TimeSlices;
let log: string[];

beforeEach(() => {
  now = 1000;
  slices = new TimeSlices(() => now);
  log = [];
});

class One implements Sliced {
  slicedIn = -1;
  slicedAtMs = 0;
  givesWay = false;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  goOn(): void {
    log.push(this.#name);
  }
}

const iteration = () => new Promise<void>((resolve) => setImmediate(resolve));

test('who gives way twice goes on once', async () => {
  const a = new One('a');
  slices.giveWay(a);
  slices.giveWay(a);
  await iteration();
  await iteration();
  expect(log).toEqual(['a']);
  slices.giveWay(a);
  await iteration();
  expect(log).toEqual(['a', 'a']);
});

test('each has a slice of its own in each iteration of the event loop', async () => {
  const [a, b] = [new One('a'), new One('b')];
  expect(slices.isUsedUp(a)).toBe(false);
  now += 3.9;
  expect(slices.isUsedUp(a)).toBe(false);
  now += 0.1;
  expect(slices.isUsedUp(a)).toBe(true);
  expect(slices.isUsedUp(b)).toBe(false);
  slices.giveWay(a);
  expect(log).toEqual([]);
  await iteration();
  expect(log).toEqual(['a']);
  expect(slices.isUsedUp(a)).toBe(false);
  await iteration();
  expect(log).toEqual(['a']);
});

test('the more of them wait, the shorter their slices are', async () => {
  for (const [count, sliceMs] of [
    [4, 4],
    [16, 1],
    [1000, 0.25],
    [0, 4],
  ] as const) {
    const all = Array.from({ length: count }, (_, i) => new One(String(i)));
    for (const one of all) {
      slices.isUsedUp(one);
      slices.giveWay(one);
    }
    await iteration();
    const one = new One('x');
    slices.isUsedUp(one);
    now += sliceMs - 0.01;
    expect(slices.isUsedUp(one)).toBe(false);
    now += 0.02;
    expect(slices.isUsedUp(one)).toBe(true);
    await iteration();
  }
});

test('slices are as short as can be when the iteration has lasted long enough, however few have waited before it', () => {
  const [a, b] = [new One('a'), new One('b')];
  slices.isUsedUp(a);
  now += 16.1;
  slices.isUsedUp(b);
  now += 0.24;
  expect(slices.isUsedUp(b)).toBe(false);
  now += 0.02;
  expect(slices.isUsedUp(b)).toBe(true);
});

test('one that fails keeps nobody from going on', () => {
  vi.useFakeTimers({ toFake: ['setImmediate'] });
  try {
    const failing = new One('failing');
    failing.goOn = () => {
      throw new Error('on purpose');
    };
    for (const one of [new One('a'), failing, new One('b'), new One('c')]) slices.giveWay(one);
    expect(() => vi.runOnlyPendingTimers()).toThrow('on purpose');
    expect(log).toEqual(['a']);
    vi.runOnlyPendingTimers();
    expect(log).toEqual(['a', 'b', 'c']);
  } finally {
    vi.useRealTimers();
  }
});

describe('how many messages are handled between two looks at the clock', () => {
  const one = new One('one');

  /** An iteration in which it is asked several times, and so much time goes by between. */
  async function ask(betweenMs: number): Promise<number> {
    for (let i = 0; i < 3; i++) {
      slices.isUsedUp(one);
      now += betweenMs;
    }
    await iteration();
    return slices.messages;
  }

  test('becomes more while they take no time, up to a limit', async () => {
    expect(slices.messages).toBe(16);
    expect([await ask(0.1), await ask(0.1)]).toEqual([32, 64]);
    for (let i = 0; i < 10; i++) await ask(0.01);
    expect(slices.messages).toBe(512);
  });

  test('becomes fewer as soon as they take time, and one at least', async () => {
    for (let i = 0; i < 10; i++) await ask(0);
    slices.isUsedUp(one);
    now += 5;
    slices.isUsedUp(one);
    expect(slices.messages).toBe(51);
    now += 10_000;
    slices.isUsedUp(one);
    expect(slices.messages).toBe(1);
  });

  test('does not become more in an iteration that takes its time, however little the ones before have taken', async () => {
    for (let i = 0; i < 3; i++) await ask(0);
    const { messages } = slices;
    slices.isUsedUp(one);
    now += 2;
    await iteration();
    expect(slices.messages).toBe(messages);
  });

  test('is not judged by the time between two iterations', async () => {
    slices.isUsedUp(one);
    await iteration();
    const { messages } = slices;
    now += 100;
    slices.isUsedUp(one);
    expect(slices.messages).toBe(messages);
  });

  test('is not judged by the time of others', () => {
    slices.isUsedUp(one);
    now += 100;
    slices.isUsedUp(new One('other'));
    now += 100;
    slices.isUsedUp(one);
    expect(slices.messages).toBe(16);
  });
});

describe('a connection that floods', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

  /** Its messages take a ms each. */
  function slow(options = {}) {
    const got: string[] = [];
    const thread: TestThread = startThread({
      handler: {
        message(connection, message) {
          got.push(message.text());
          thread.handledMs++;
          connection.send(message);
        },
      },
      ...options,
    });
    return { thread, got };
  }

  test.each([{}, { messagesPerSecond: 10_000 }, { messagesPerSecond: 10_000, rateLimitAction: 'close' as const }])(
    'is handled in slices, in order and to the end, and others between them: %o',
    async (options) => {
      const { thread, got } = slow(options);
      const [flooding, other] = [thread.connect(), thread.connect()];
      flooding.wire.arrive(Buffer.concat(names(100).map((name) => clientFrame(TEXT, name))));
      expect(got).toEqual(names(16));
      flooding.wire.arrive(clientFrame(TEXT, '100'));
      expect(got).toEqual(names(16));
      other.wire.arrive(clientFrame(TEXT, 'other'));
      expect(got.at(-1)).toBe('other');
      got.pop();
      while (got.length < 101) {
        const before = got.length;
        await iteration();
        thread.settle();
        expect(got.length - before).toBeLessThanOrEqual(16);
      }
      expect(got).toEqual(names(101));
      expect(framesOf(flooding)).toEqual(names(101).map((name) => shown(TEXT, name)));
      expect(thread.incidents).toEqual([]);
    },
  );

  test('is the first to go when more is held than may be', () => {
    const { thread } = slow();
    const [uploading, flooding] = [thread.connect(), thread.connect()];
    uploading.wire.arrive(clientFrame(BINARY, Buffer.alloc(20_000)).subarray(0, 10_000));
    thread.pass(1000);
    flooding.wire.arrive(Buffer.concat(names(100).map((name) => clientFrame(TEXT, name))));
    expect(flooding.connection.heldBytes).toBeGreaterThan(0);
    expect(flooding.connection.heldSinceMs).toBeLessThan(uploading.connection.heldSinceMs);
  });

  test('is no older for it than it is when nothing of it waits to be handled', () => {
    const { thread } = slow();
    const [uploading, unlucky] = [thread.connect(), thread.connect()];
    const begin = clientFrame(BINARY, Buffer.alloc(400_000)).subarray(0, 100_000);
    uploading.wire.arrive(begin);
    thread.pass(1000);
    unlucky.wire.arrive(begin);
    const before = unlucky.connection.heldSinceMs;
    thread.handledMs += 100; // its thread did not run for so long
    unlucky.wire.arrive(Buffer.alloc(100_000));
    expect(unlucky.wire.isPaused).toBe(true);
    expect(unlucky.connection.heldSinceMs).toBe(before);
    expect(unlucky.connection.heldSinceMs).toBeGreaterThan(uploading.connection.heldSinceMs);
  });

  test('gives way once for a slice, also if it has sent much in one read', async () => {
    const { thread, got } = slow();
    const giveWay = vi.spyOn(thread.slices, 'giveWay');
    const message = clientFrame(TEXT, 'x'.repeat(2000));
    thread.connect().wire.arrive(Buffer.concat(names(40).map(() => message)));
    expect(got).toHaveLength(16);
    expect(giveWay).toHaveBeenCalledTimes(1);
    while (got.length < 40) {
      await iteration();
      thread.settle();
    }
  });

  test('is closed by a Close of its own when that has its turn, and by the loss of it at once', async () => {
    const { thread, got } = slow();
    const [closing, lost] = [thread.connect(), thread.connect()];
    for (const { wire } of [closing, lost]) {
      wire.arrive(Buffer.concat([...names(30).map((name) => clientFrame(TEXT, name)), clientClose(1000)]));
    }
    lost.wire.lose();
    await iteration();
    await iteration();
    thread.settle();
    expect(got).toEqual([...names(16), ...names(16), ...names(30).slice(16)]);
    expect(framesOf(closing).at(-1)).toBe('close 1000');
  });

  test.each([
    ['pings', clientFrame(PING, 'x'.repeat(100))],
    ['fragments', clientFrame(CONTINUATION, 'x', { fin: false })],
    ['a long message', Buffer.alloc(100)],
  ])('is not read on when it has had its slice: %s', async (what, bytes) => {
    const { thread } = slow();
    const { wire } = thread.connect();
    if (what === 'fragments') wire.arrive(clientFrame(TEXT, 'x', { fin: false }));
    if (what === 'a long message') wire.arrive(clientFrame(BINARY, Buffer.alloc(2 * 1024 * 1024)).subarray(0, 100));
    const part = Buffer.concat(Array.from({ length: 1000 }, () => bytes));
    let reads = 0;
    while (!wire.isPaused && reads < 50) {
      wire.arrive(part);
      reads++;
      thread.handledMs += 1;
    }
    expect(reads).toBeLessThan(10);
    await iteration();
    expect(wire.isPaused).toBe(false);
  });
});
