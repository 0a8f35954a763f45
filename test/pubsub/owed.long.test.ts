import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Bus } from '../../dist/pubsub/bus.js';
import { Dialect } from '../../dist/pubsub/dialect.js';
import { MAX_NUMBERED_PEERS } from '../../dist/pubsub/shared-chunk.js';
import { ThreadLedger } from '../../dist/pubsub/thread-ledger.js';
import { hashTopic } from '../../dist/pubsub/topic-hash.js';
import { Topics } from '../../dist/pubsub/topics.js';
import { FakeSubscriber, publishText } from './fake-subscriber.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const CHUNK_BYTES = 256 * KIB;
/** The memory that a batch of one run counts for beside its chunk, rounded up to whole KiB. */
const BATCH_BYTES = 2 * KIB;
const LIMITS = { maxOwedBytes: 8 * MIB, slowThreadTimeoutMs: 100 };

/** The part of a thread that publishes and receives, and notes of the calls of its listener. */
class Station {
  readonly bus: Bus;
  readonly topics: Topics;
  readonly subscriber = new FakeSubscriber();
  /** The calls of `onMissed` in their order: the topics, and how many messages its subscriber had got before. */
  readonly missed: { readonly topics: readonly string[] | undefined; readonly after: number }[] = [];
  dropped = 0;
  slowThreads = 0;
  handOffsTaken = 0;

  constructor(...names: string[]) {
    this.bus = new Bus(
      {
        receive: (runs) => this.topics.receive(runs),
        onMissed: (topics) => {
          this.missed.push({
            topics: topics === undefined ? undefined : [...topics],
            after: this.subscriber.got.length,
          });
          this.topics.miss(topics);
        },
        onDropped: (messages) => {
          this.dropped += messages;
        },
        onSlowThread: () => this.slowThreads++,
        onThreadGone: (peer) => this.topics.forgetThread(peer),
        takeHandOffs: () => this.handOffsTaken++,
      },
      LIMITS,
    );
    this.bus.listen();
    this.topics = new Topics(this.bus, () => {});
    for (const name of names) this.topics.subscribe(this.subscriber, name);
    stations.push(this);
  }

  /** Publishes a text of a length, and ends the turn. */
  publish(topic: string, length: number, text = ''): boolean {
    const isRoom = publishText(this.topics, topic, text.padEnd(length, '.'));
    this.topics.flush();
    return isRoom;
  }
}

const stations: Station[] = [];

afterEach(() => {
  for (const { bus } of stations.splice(0)) bus.close();
});

/** Connects two threads of which the second is blocked: it takes nothing before the returned function is called. */
function connectBlocked(from: Station, to: Station): () => void {
  const { port1, port2 } = new MessageChannel();
  from.bus.connect(port1, to.bus.ledger);
  return () => to.bus.connect(port2, from.bus.ledger);
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2));
}

let from: Station;
let to: Station;
let unblock: () => void;

beforeEach(() => {
  from = new Station();
  to = new Station('x', 'y', 'owed');
  unblock = connectBlocked(from, to);
});

const owed = () => to.bus.ledger.owedBytes;

describe('what a thread is owed', () => {
  test('is the memory that is held for it: whole chunks, each once, until it has taken all batches of the chunk', async () => {
    from.publish('x', 10);
    expect(owed()).toBe(CHUNK_BYTES + BATCH_BYTES);
    from.publish('x', 16 * KIB);
    from.publish('y', 200 * KIB);
    expect(owed()).toBe(CHUNK_BYTES + 3 * BATCH_BYTES);
    from.publish('x', 100 * KIB);
    expect(owed()).toBe(2 * CHUNK_BYTES + 4 * BATCH_BYTES);
    from.publish('x', MIB);
    expect(owed()).toBeGreaterThan(2 * CHUNK_BYTES + MIB);
    unblock();
    await until(() => to.subscriber.got.length === 5);
    await until(() => owed() === 0);
    expect(to.bus.ledger.taken).toBe(5);
  });

  test('is counted by chunks, however many threads were there before', async () => {
    const other = new Station();
    for (let i = 0; i < MAX_NUMBERED_PEERS + 10; i++) {
      const { port1, port2 } = new MessageChannel();
      other.bus.connect(port1, new ThreadLedger());
      const closed = once(port1, 'close');
      port2.close();
      await closed;
    }
    const again = new Station('x');
    connectBlocked(other, again);
    for (let i = 0; i < 3; i++) other.publish('x', 10);
    expect(again.bus.ledger.owedBytes).toBe(CHUNK_BYTES + 3 * BATCH_BYTES);
  });

  test('is counted down when it is taken, also if its publisher is gone', async () => {
    from.publish('x', 10);
    from.bus.close();
    unblock();
    await until(() => to.subscriber.got.length === 1);
    await until(() => owed() === 0);
  });

  test('is released when the thread ends, also memory that its outputs hold, but no memory of other threads', async () => {
    const third = new Station('x');
    connectBlocked(from, third)();
    to.subscriber.isSlow = true;
    third.subscriber.isSlow = true;
    unblock();
    from.publish('x', 10);
    await until(() => to.subscriber.deliveries.length + third.subscriber.deliveries.length === 2);
    const memory = to.subscriber.deliveries[0]?.memory;
    await until(() => to.bus.ledger.taken === 1 && third.bus.ledger.taken === 1);
    to.bus.close();
    const connected = new Station('x');
    await until(() => from.bus.wants('y') === false); // only the thread that is gone had subscribers of it
    expect(memory?.isFree).toBe(false);
    third.subscriber.readHeld();
    expect(memory?.isFree).toBe(true);
    // The next thread with its number begins with nothing.
    connectBlocked(from, connected);
    for (let i = 0; i < 3; i++) from.publish('x', 10);
    expect(connected.bus.ledger.owedBytes).toBe(CHUNK_BYTES + 3 * BATCH_BYTES);
  });

  test('is given back also by a thread without a number of its own', async () => {
    const other = new Station();
    for (let i = 0; i < MAX_NUMBERED_PEERS; i++) other.bus.connect(new MessageChannel().port1, new ThreadLedger());
    const last = new Station('x');
    const unblockLast = connectBlocked(other, last);
    for (let i = 0; i < 3; i++) other.publish('x', 10);
    expect(last.bus.ledger.owedBytes).toBe(3 * (CHUNK_BYTES + BATCH_BYTES));
    unblockLast();
    await until(() => last.bus.ledger.taken === 3);
    expect(last.bus.ledger.owedBytes).toBe(0);
  });

  test('includes the names of topics, and the runs of one turn', () => {
    const name = 'long '.repeat(10_000);
    to.topics.subscribe(to.subscriber, name);
    from.publish(name, 10);
    expect(owed()).toBeGreaterThan(CHUNK_BYTES + 2 * name.length);
    const before = owed();
    for (let i = 0; i < 1000; i++) publishText(from.topics, i % 2 === 0 ? 'x' : 'y', '.');
    from.topics.flush();
    expect(owed() - before).toBeGreaterThan(1000 * 64);
  });

  test('does not include publications that it has no subscribers of', () => {
    from.publish('z', 10);
    expect(owed()).toBe(0);
    to.topics.subscribe(to.subscriber, 'z');
    from.publish('z', 10); // the subscription is known before subscribe returns
    expect(owed()).toBe(CHUNK_BYTES + BATCH_BYTES);
    to.topics.unsubscribe(to.subscriber, 'x');
    const other = new Station();
    connectBlocked(other, to);
    other.publish('x', 10);
    expect(owed()).toBe(CHUNK_BYTES + BATCH_BYTES);
    to.topics.forget(to.subscriber);
    for (const topic of ['x', 'y', 'z', 'owed']) expect(other.bus.wants(topic)).toBe(false);
  });

  test('is the sum over all publishers', () => {
    const other = new Station();
    connectBlocked(other, to);
    from.publish('x', 10);
    other.publish('x', 10);
    expect(owed()).toBe(2 * (CHUNK_BYTES + BATCH_BYTES));
  });

  test('is more than a chunk for many small batches in one chunk', () => {
    let batches = 0;
    while (from.publish('x', 1)) batches++;
    expect(batches).toBeLessThan(1024);
  });

  test('is forgotten when the bus is closed, and publishers that wait for it go on', async () => {
    while (from.publish('x', 100 * KIB));
    const chunks = Math.floor(owed() / CHUNK_BYTES);
    expect(chunks).toBeGreaterThan(4);
    let hasRoom = false;
    void from.bus.room().then(() => {
      hasRoom = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(hasRoom).toBe(false);
    from.bus.close(); // has the same effect as 'close' of its port
    await until(() => hasRoom);
    expect([from.bus.isCongested, from.slowThreads]).toEqual([false, 0]);
    expect(from.publish('x', 10)).toBe(true);
  });

  test('is forgotten when the thread ends by itself, and publishers that wait for it go on', async () => {
    const [other, gone] = [new Station(), new Station('x')];
    const { port1, port2 } = new MessageChannel();
    other.bus.connect(port1, gone.bus.ledger);
    while (other.publish('x', 100 * KIB));
    const room = other.bus.room();
    port2.close();
    await room;
    expect([other.bus.isCongested, other.slowThreads]).toEqual([false, 0]);
  });
});

describe('above a quarter of the bound', () => {
  test('publishing returns false for topics that the thread has subscribers of, down to an eighth of the bound', async () => {
    let published = 0;
    for (; from.publish('x', 100 * KIB); published++) expect(owed()).toBeLessThanOrEqual(2 * MIB + 2 * CHUNK_BYTES);
    expect(owed()).toBeGreaterThan(2 * MIB);
    expect(from.publish('z', 10)).toBe(true);
    expect(from.topics.isCongested('y')).toBe(true);
    expect(from.topics.isCongested('z')).toBe(false);
    expect(from.publish('y', 10)).toBe(false);
    const room = from.bus.room();
    unblock();
    await room;
    expect(owed()).toBeLessThanOrEqual(MIB);
    expect(from.publish('x', 10)).toBe(true);
    await until(() => to.subscriber.got.length === published + 3);
    expect([from.dropped, from.slowThreads, to.missed]).toEqual([0, 0, []]);
  });

  test('publishers may go on at exactly an eighth', async () => {
    while (from.publish('x', 100 * KIB));
    to.bus.ledger.addOwed(MIB + KIB - owed());
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(from.bus.isCongested).toBe(true);
    to.bus.ledger.addOwed(-KIB);
    await from.bus.room();
    expect(from.slowThreads).toBe(0);
  });

  test('the connection whose hook publishes is held back', () => {
    const held: string[] = [];
    from.topics.publisher = { holdBack: (topic) => void held.push(topic) };
    while (from.publish('x', 100 * KIB));
    expect(held).toEqual(['x']);
    from.publish('z', 10);
    from.publish('y', 10);
    expect(held).toEqual(['x', 'y']);
    from.topics.publisher = undefined;
    from.publish('y', 10);
    expect(held).toHaveLength(2);
  });

  test('many publications in one turn are posted before its end, and count', () => {
    let published = 0;
    while (publishText(from.topics, 'x', '.'.repeat(100 * KIB))) published++;
    expect(published * 100 * KIB).toBeLessThan(2 * MIB + 2 * MIB);
    expect(owed()).toBeGreaterThan(2 * MIB);
  });

  test('two threads that flood each other go on', async () => {
    unblock();
    from.topics.subscribe(from.subscriber, 'x');
    let sent = 0;
    for (let i = 0; i < 300; i++) {
      const [one, other] = [from.publish('x', 100 * KIB), to.publish('x', 100 * KIB)];
      sent++;
      if (!one || !other) await Promise.all([from.bus.room(), to.bus.room()]);
    }
    await until(() => from.subscriber.got.length === 2 * sent && to.subscriber.got.length === 2 * sent);
    expect([from.dropped, to.dropped, from.slowThreads, to.slowThreads]).toEqual([0, 0, 0, 0]);
    expect(from.bus.ledger.owedBytes + owed()).toBe(0);
  });
});

describe('above the bound', () => {
  test('publications are dropped for that thread, and counted, and other threads get them', async () => {
    const other = new Station('x');
    connectBlocked(from, other)();
    let published = 0;
    for (; published < 300; published++) {
      from.publish('x', 100 * KIB, `${published} `);
      if (published % 20 === 0) await until(() => other.subscriber.got.length === published + 1);
    }
    expect(owed()).toBeLessThanOrEqual(8 * MIB);
    expect(owed()).toBeGreaterThan(7 * MIB);
    await until(() => other.subscriber.got.length === published);
    const got = published - from.dropped;
    expect(from.dropped).toBeGreaterThan(published / 2);
    unblock();
    await until(() => to.subscriber.got.length === got);
    await until(() => owed() === 0);
    expect(to.subscriber.got.map((text) => Number.parseInt(text, 10))).toEqual(
      Array.from({ length: got }, (_, i) => i),
    );
  });

  test('publications of a connection that was not held back yet are still posted, up to twice the bound', async () => {
    for (let i = 0; i < 200; i++) from.publish('x', 100 * KIB, `timer ${i} `);
    const { dropped } = from;
    expect(dropped).toBeGreaterThan(0);
    from.topics.publisher = { holdBack: () => {} };
    from.publish('x', 100 * KIB, 'connection ');
    publishText(from.topics, 'x', 'connection again ');
    from.topics.publisher = undefined;
    publishText(from.topics, 'x', 'timer in the same turn');
    from.topics.flush();
    expect(from.dropped).toBe(dropped + 1);
    from.topics.publisher = { holdBack: () => {} };
    for (let i = 0; i < 200; i++) from.publish('x', 100 * KIB, 'too much ');
    expect(owed()).toBeLessThanOrEqual(16 * MIB);
    expect(owed()).toBeGreaterThan(15 * MIB);
    unblock();
    await until(() => owed() === 0);
    const got = to.subscriber.got.map((text) => text.replace(/[ .\d]+$/, ''));
    expect(got.slice(200 - dropped, 202 - dropped)).toEqual(['connection', 'connection again']);
    expect(new Set(got)).toEqual(new Set(['timer', 'connection', 'connection again', 'too much']));
  });

  test('one batch is posted to a thread that is owed nothing, however long', () => {
    expect(from.publish('x', 20 * MIB)).toBe(false);
    expect(owed()).toBeGreaterThan(20 * MIB);
    from.publish('x', 10);
    expect(from.dropped).toBe(1);
  });
});

describe('a thread that takes nothing for slowThreadTimeoutMs', () => {
  test('is not waited for any more, and learns what it has missed after older and before newer publications', async () => {
    const other = new Station('x', 'y');
    connectBlocked(from, other)();
    let posted = 0;
    do posted++;
    while (from.publish('x', 100 * KIB));
    expect(from.bus.isCongested).toBe(true);
    await from.bus.room();
    expect([from.slowThreads, to.bus.ledger.isSlow]).toEqual([1, true]);
    expect(from.publish('x', 10)).toBe(true);
    expect(from.publish('x', 10)).toBe(true);
    expect(from.dropped).toBe(2);
    await until(() => other.subscriber.got.length === posted + 2);

    unblock();
    await until(() => to.missed.length === 1);
    expect(to.missed).toEqual([{ topics: ['x'], after: posted }]);
    expect(to.subscriber.missed).toBe(1);
    expect(to.bus.ledger.isSlow).toBe(false);
    from.publish('x', 10, 'newer');
    from.publish('y', 10, 'not missed');
    await until(() => to.subscriber.got.length === posted + 2);
    expect(to.subscriber.got.slice(-2).map((text) => text.replaceAll('.', ''))).toEqual(['newer', 'not missed']);
    expect(owed()).toBe(0);
  });

  test('does not count as slow for a thread that was blocked itself', async () => {
    while (from.publish('x', 100 * KIB));
    const end = performance.now() + 3 * LIMITS.slowThreadTimeoutMs;
    while (performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(from.slowThreads).toBe(0);
    await from.bus.room();
    expect(from.slowThreads).toBe(1);
  });

  test('is waited for as long as it takes something', async () => {
    const { port1, port2 } = new MessageChannel();
    const slow = new Station('x');
    from.bus.connect(port1, slow.bus.ledger);
    while (from.publish('x', 100 * KIB));
    let ticks = 0;
    for (; ticks < 15; ticks++) {
      slow.bus.ledger.noteTaken();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // The other thread takes nothing at all.
    expect([slow.bus.ledger.isSlow, to.bus.ledger.isSlow]).toEqual([false, true]);
    port2.close();
  });

  test('has the whole time again after it has taken enough', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    try {
      for (let round = 0; round < 3; round++) {
        while (from.publish('x', 100 * KIB));
        vi.advanceTimersByTime(0.8 * LIMITS.slowThreadTimeoutMs);
        expect(from.bus.isCongested).toBe(true);
        to.bus.ledger.addOwed(-owed());
        vi.advanceTimersByTime(20);
        expect(from.bus.isCongested).toBe(false);
      }
      expect(from.slowThreads).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('misses all topics if there are too many to note', async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `${i} `.padEnd(100, 'x'));
    for (const name of names) to.topics.subscribe(to.subscriber, name);
    while (from.publish('x', 100 * KIB));
    await from.bus.room();
    for (const name of names) from.publish(name, 10);
    unblock();
    await until(() => to.missed.length === 1);
    expect(to.missed[0]?.topics).toBeUndefined();
    expect(to.subscriber.missed).toBe(1);
  });

  test('can be slow again', async () => {
    while (from.publish('x', 100 * KIB));
    await from.bus.room();
    from.publish('y', 10);
    unblock();
    await until(() => to.missed.length === 1);
    expect(to.missed[0]?.topics).toEqual(['y']);
    const again = new Station('x');
    connectBlocked(from, again);
    while (from.publish('x', 100 * KIB));
    await from.bus.room();
    expect([from.slowThreads, again.bus.ledger.isSlow]).toEqual([2, true]);
  });
});

describe('a connection that its client knows of before its thread', () => {
  /** The wait ends after a time. On a busy machine that must not happen in these tests. */
  function stopTheClock(): void {
    vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  }

  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('makes the thread want all topics, and hold newer messages until it is open', async () => {
    stopTheClock();
    unblock();
    const { ledger } = to.bus;
    expect(from.bus.wants('z')).toBe(false);
    ledger.addAwaited101(1);
    expect(from.bus.wants('z')).toBe(true);
    ledger.noteOffered();
    ledger.addAwaited101(-1);
    expect(from.bus.wants('z')).toBe(true);
    from.publish('z', 10);
    from.publish('x', 10);
    await until(() => to.handOffsTaken > 1);
    expect(to.subscriber.got).toEqual([]);
    to.topics.subscribe(to.subscriber, 'z');
    ledger.noteSettled();
    await until(() => to.subscriber.got.length === 2);
    expect(owed()).toBe(0);
    expect(from.bus.wants('nothing')).toBe(false);
  });

  test('is waited for, whatever other connections are placed meanwhile', async () => {
    stopTheClock();
    unblock();
    const { ledger } = to.bus;
    ledger.addAwaited101(1);
    from.publish('z', 10); // for the connection that is being placed
    await until(() => to.handOffsTaken > 1);
    ledger.noteOffered();
    ledger.addAwaited101(-1);
    const taken = to.handOffsTaken;
    await until(() => to.handOffsTaken > taken);
    // Other connections, which go to other threads.
    for (let i = 0; i < 3; i++) {
      ledger.addAwaited101(1);
      ledger.addAwaited101(-1);
    }
    await new Promise((resolve) => setImmediate(resolve));
    to.topics.subscribe(to.subscriber, 'z');
    ledger.noteSettled();
    await until(() => to.subscriber.got.length === 1);
  });

  test('is opened first if it has been handed over', async () => {
    stopTheClock();
    unblock();
    const { ledger } = to.bus;
    ledger.noteOffered();
    Reflect.set(to, 'handOffsTaken', 0);
    const open = () => {
      to.topics.subscribe(to.subscriber, 'z');
      ledger.noteSettled();
    };
    Object.defineProperty(to, 'handOffsTaken', { get: () => 0, set: open });
    from.publish('z', 10);
    await until(() => to.subscriber.got.length === 1);
  });

  test('is waited for only for a short time', async () => {
    unblock();
    to.bus.ledger.noteOffered();
    from.publish('x', 10);
    await until(() => to.subscriber.got.length === 1);
    expect(owed()).toBe(0);
  });
});

test('connections that are handed over are counted correctly when the count turns negative', () => {
  const ledger = new ThreadLedger();
  const words = new Int32Array(ledger.buffer, 0, 16);
  ledger.noteOffered();
  ledger.noteSettled();
  for (const [word, count] of words.entries()) if (count === 1) words[word] = 2 ** 31 - 1;
  expect(ledger.isExpecting).toBe(false);
  ledger.noteOffered();
  expect(ledger.isExpecting).toBe(true);
  ledger.noteSettled();
  expect(ledger.isExpecting).toBe(false);
  ledger.noteOffered();
  expect(ledger.isExpecting).toBe(true);
});

test('the topics of a thread are rarely confused with others', () => {
  const ledger = new ThreadLedger();
  ledger.listen();
  const names = Array.from({ length: 1000 }, (_, i) => `topic ${i}`);
  for (const name of names) ledger.join(hashTopic(name), Dialect.PLAIN);
  for (const name of names) expect(ledger.wants(hashTopic(name))).toBe(true);
  let mistaken = 0;
  for (let i = 0; i < 100_000; i++) if (ledger.wants(hashTopic(`other ${i}`))) mistaken++;
  expect(mistaken).toBeLessThan(10);
  for (const name of names.slice(1)) ledger.leave(hashTopic(name), Dialect.PLAIN);
  expect(ledger.wants(hashTopic('topic 0'))).toBe(true);
  expect(names.slice(1).some((name) => ledger.wants(hashTopic(name)))).toBe(false);
});
