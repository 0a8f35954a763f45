import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { BackplaneConnection } from '../../dist/fleet/backplane.js';
import { EngineLink } from '../../dist/fleet/engine-link.js';
import { FakeBackplane, settled } from './fake-backplane.js';

const TIMEOUT_MS = 5000;
/** An immediate takes a millisecond of these timers. */
const READING_MS = 1;
let backplane: FakeBackplane;
let events: string[];
let link: EngineLink;

beforeEach(() => {
  vi.useFakeTimers();
  backplane = new FakeBackplane();
  events = [];
  link = new EngineLink(backplane, TIMEOUT_MS, {
    onConnected: () => events.push('connected'),
    onReceived: (topic, bytes) => events.push(`received ${topic} ${bytes.length}`),
    onDrained: () => events.push('drained'),
    onTopicRefused: (why) => events.push(`refused: ${why}`),
    onOver: (why) => events.push(`over: ${why}`),
  });
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** A connection that was made. */
async function connected() {
  link.connect();
  return backplane.last.accept();
}

test('events of a connection are passed on, and messages go to it', async () => {
  const connection = await connected();
  expect(link).toMatchObject({ isConnected: true, maxMessageBytes: 1_000_000 });
  backplane.last.events.received('a', new Uint8Array(3));
  backplane.last.events.drained();
  backplane.last.events.refused(new Error('no'));
  expect(events).toEqual(['connected', 'received a 3', 'drained', 'refused: no']);
  expect(link.publish('b', new Uint8Array(2))).toBe(true);
  connection.hasRoom = false;
  expect(link.publish('b', new Uint8Array(2))).toBe(false);
  expect(connection.published).toHaveLength(2);
});

test('a connection that is lost is over once, and is closed', async () => {
  const connection = await connected();
  backplane.last.events.lost(new Error('gone'));
  backplane.last.events.lost(new Error('again'));
  backplane.last.events.received('a', new Uint8Array(3));
  backplane.last.events.drained();
  link.fail(new Error('too late'));
  expect(events).toEqual(['connected', 'over: gone']);
  expect(link).toMatchObject({ isConnected: false, maxMessageBytes: 0 });
  expect(link.publish('a', new Uint8Array(1))).toBe(true);
  expect(connection).toMatchObject({ closed: 1, published: [] });
  expect(backplane.last.signal.aborted).toBe(false);
});

test('a connection is already closed when its end is reported', async () => {
  const ends: boolean[] = [];
  link = new EngineLink(backplane, TIMEOUT_MS, {
    onConnected: () => {},
    onReceived: () => {},
    onDrained: () => {},
    onTopicRefused: () => {},
    onOver: () => {
      ends.push(link.isConnected);
      link.fail(new Error('again'));
    },
  });
  const connection = await connected();
  link.fail(new Error('gone'));
  expect(ends).toEqual([false]);
  expect(connection.closed).toBe(1);
});

test('what is reported before there is a connection is dropped', async () => {
  link.connect();
  backplane.last.events.received('a', new Uint8Array(3));
  backplane.last.events.drained();
  expect(link.publish('a', new Uint8Array(1))).toBe(true);
  await backplane.last.accept();
  expect(events).toEqual(['connected']);
  await link.close();
});

test('a connection that is lost before it is made is over, and closed when it comes', async () => {
  link.connect();
  backplane.last.events.lost(new Error('gone'));
  expect(events).toEqual(['over: gone']);
  expect(backplane.last.signal.aborted).toBe(true);
  const connection = await backplane.last.accept();
  expect(connection.closed).toBe(1);
  expect(events).toHaveLength(1);
});

test('a connection that is lost when its promise is resolved is over', async () => {
  link.connect();
  const accepted = backplane.last.accept();
  backplane.last.events.lost(new Error('gone'));
  expect((await accepted).closed).toBe(1);
  expect(events).toEqual(['over: gone']);
});

test.each([
  ['rejects', () => Promise.reject(new Error('refused')), 'refused'],
  ['rejects with no error', () => Promise.reject('why not'), 'why not'],
  [
    'throws',
    () => {
      throw new Error('broken');
    },
    'broken',
  ],
])('an attempt that %s is over', async (_, connect, why) => {
  backplane.connect = connect;
  link.connect();
  await settled();
  expect(events).toEqual([`over: ${why}`]);
});

test.each([
  ['nothing', null],
  ['a number', 5],
  ['something else', { maxMessageBytes: 5000 }],
])('an engine that resolves with %s is over, and it is said what is missing', async (_, connection) => {
  link.connect();
  await backplane.last.accept(connection as unknown as BackplaneConnection);
  expect(events).toEqual([
    'over: connect() must resolve to a connection, and what it resolves to has no publish, no subscribe, no unsubscribe, no close',
  ]);
});

test.each(['publish', 'subscribe', 'unsubscribe'])(
  'a connection without %s is over, before anything is done with it, and closed',
  async (name) => {
    link.connect();
    const { connection } = backplane.last;
    Object.assign(connection, { [name]: undefined });
    await backplane.last.accept();
    expect(events).toEqual([`over: connect() must resolve to a connection, and what it resolves to has no ${name}`]);
    expect(connection.closed).toBe(1);
  },
);

test.each([1023, 0, Number.NaN, undefined])(
  'an engine that takes %s bytes at once is of no use, and closed',
  async (bytes) => {
    link.connect();
    const { connection } = backplane.last;
    connection.maxMessageBytes = bytes as number;
    await backplane.last.accept();
    expect(events).toEqual([`over: the engine takes messages of ${bytes} bytes, at least 1024 are needed`]);
    expect(connection.closed).toBe(1);
  },
);

test('an attempt that takes too long is aborted and over, and a connection that comes later is closed', async () => {
  link.connect();
  vi.advanceTimersByTime(TIMEOUT_MS + 2 * READING_MS);
  expect(events).toEqual([`over: no connection within ${TIMEOUT_MS} ms`]);
  expect(backplane.last.signal.aborted).toBe(true);
  const connection = await backplane.last.accept();
  expect(connection.closed).toBe(1);
  expect(events).toHaveLength(1);
});

test('an attempt that takes too long, and rejects when it is aborted, says what it has waited for', async () => {
  link.connect();
  const { signal } = backplane.last;
  signal.addEventListener('abort', () => void backplane.last.refuse(new Error('nobody answers at a:1')));
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS + READING_MS);
  expect(events).toEqual([`over: no connection within ${TIMEOUT_MS} ms: nobody answers at a:1`]);
});

test('a connection that comes when the attempt is aborted is closed, and no connection', async () => {
  link.connect();
  backplane.last.signal.addEventListener('abort', () => void backplane.last.accept());
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS + 2 * READING_MS);
  expect(backplane.last.connection.closed).toBe(1);
  expect(events).toEqual([`over: no connection within ${TIMEOUT_MS} ms`]);
});

test('an attempt that is closed is aborted, and nothing is reported of its end', async () => {
  link.connect();
  await link.close();
  expect(backplane.last.signal.aborted).toBe(true);
  await backplane.last.refuse();
  expect(events).toEqual([]);
});

test('an engine that throws when it is given a message is over', async () => {
  const connection = await connected();
  connection.publish = () => {
    throw new Error('broken');
  };
  expect(link.publish('a', new Uint8Array(1))).toBe(true);
  expect(events).toEqual(['connected', 'over: broken']);
});

test('the end waits for what waits to be sent, and reports nothing', async () => {
  const connection = await connected();
  let close: () => void = () => {};
  connection.closing = new Promise((resolve) => {
    close = resolve;
  });
  let isClosed = false;
  const closed = link.close().then(() => {
    isClosed = true;
  });
  backplane.last.events.lost(new Error('gone'));
  await settled();
  expect(isClosed).toBe(false);
  expect(link.close()).toBe(link.close()); // whoever asks later waits as long
  close();
  await closed;
  await link.close();
  expect(connection.closed).toBe(1);
  expect(events).toEqual(['connected']);
});

test('an end that fails, or takes too long, is an end', async () => {
  const connection = await connected();
  connection.closing = new Promise(() => {});
  const closed = link.close();
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS + READING_MS);
  await closed;

  const next = new EngineLink(backplane, TIMEOUT_MS, {
    onConnected: () => {},
    onReceived: () => {},
    onDrained: () => {},
    onTopicRefused: () => {},
    onOver: () => {},
  });
  next.connect();
  await backplane.last.accept();
  backplane.last.connection.close = () => {
    throw new Error('broken');
  };
  await next.close();
});
