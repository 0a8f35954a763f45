import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { Bus, type BusListener } from '../../dist/pubsub/bus.js';
import { Dialect } from '../../dist/pubsub/dialect.js';
import type { PublicationRun } from '../../dist/pubsub/publication-run.js';
import { ThreadLedger } from '../../dist/pubsub/thread-ledger.js';
import { hashTopic } from '../../dist/pubsub/topic-hash.js';
import { Topics } from '../../dist/pubsub/topics.js';
import { FakeSubscriber, publishText } from './fake-subscriber.js';

const MIB = 1024 * 1024;
const LIMITS = { maxOwedBytes: 8 * MIB, slowThreadTimeoutMs: 200 };

class NotingBus extends Bus {
  onPost: (runs: readonly PublicationRun[]) => void = () => {};

  override post(runs: readonly PublicationRun[]): void {
    this.onPost(runs);
    super.post(runs);
  }
}

/** A listener whose methods do nothing, except for `receive`. */
const silent = (receive: (runs: readonly PublicationRun[]) => void = () => {}): BusListener => ({
  receive,
  onMissed: () => {},
  onDropped: () => {},
  onSlowThread: () => {},
  onThreadGone: () => {},
  takeHandOffs: () => {},
});

/** A thread's topics on a bus, with a subscriber of its own. */
class Station {
  readonly bus: NotingBus;
  readonly missed: (ReadonlySet<string> | undefined)[] = [];
  dropped = 0;
  /** Those of them that other processes would have got. */
  droppedForOthers = 0;
  slowThreads = 0;
  takeHandOffs: () => void = () => {};
  readonly topics: Topics;
  readonly subscriber = new FakeSubscriber();
  /** The publications that it has posted. */
  readonly posted: PublicationRun[] = [];
  #onReceived: () => void = () => {};

  constructor(...names: string[]) {
    this.bus = new NotingBus(
      {
        receive: (runs) => {
          this.topics.receive(runs);
          this.#onReceived();
        },
        onMissed: (topics) => {
          this.missed.push(topics);
          this.topics.miss(topics);
        },
        onDropped: (messages, isForOthers) => {
          this.dropped += messages;
          if (isForOthers) this.droppedForOthers += messages;
        },
        onSlowThread: () => {
          this.slowThreads++;
        },
        onThreadGone: (peer) => this.topics.forgetThread(peer),
        takeHandOffs: () => this.takeHandOffs(),
      },
      LIMITS,
    );
    this.bus.onPost = (runs) => void this.posted.push(...runs);
    this.bus.listen();
    this.topics = new Topics(this.bus, () => {});
    for (const name of names) this.topics.subscribe(this.subscriber, name);
    stations.push(this);
  }

  /** Resolves when its subscriber has got this many messages. */
  async hasGot(messages: number): Promise<readonly string[]> {
    const { got } = this.subscriber;
    if (got.length < messages) {
      await new Promise<void>((resolve) => {
        this.#onReceived = () => {
          if (got.length >= messages) resolve();
        };
      });
    }
    return got;
  }

  publish(topic: string, ...texts: string[]): void {
    for (const text of texts) publishText(this.topics, topic, text);
  }
}

const stations: Station[] = [];
const workers: Worker[] = [];

afterEach(async () => {
  for (const { bus } of stations.splice(0)) bus.close();
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function connect(a: Station, b: Station): void {
  const { port1, port2 } = new MessageChannel();
  a.bus.connect(port1, b.bus.ledger);
  b.bus.connect(port2, a.bus.ledger);
}

/** Waits turns of the event loop until a condition holds. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits a turn of the event loop, in which messages that were posted before come. */
async function untilPortsAreQuiet(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  port2.postMessage('after all others');
  await once(port1, 'message');
  port1.close();
}

describe('a bus', () => {
  test('without peers has nobody to post to', () => {
    const station = new Station();
    expect(station.bus.wants('x')).toBe(false);
    station.publish('x', 'to nobody');
    expect(station.topics.hasPending).toBe(false);
  });

  test('brings the publications of a turn to every other thread, in order, without a copy', async () => {
    const [from, a, b] = [new Station('x'), new Station('x', 'y'), new Station('y')];
    connect(from, a);
    connect(from, b);
    from.publish('x', '1', '2');
    from.publish('y', '3');
    from.publish('x', '4');
    from.topics.flush();
    expect(from.subscriber.got).toEqual(['1', '2', '4']);
    expect(await a.hasGot(4)).toEqual(['1', '2', '3', '4']);
    expect(await b.hasGot(1)).toEqual(['3']);
    // It is the same memory, though another object: bytes that are written here show there.
    const run = from.posted[1];
    const delivery = b.subscriber.deliveries[0];
    expect(delivery?.start).toBe(run?.start);
    run?.chunk.bytes.write('4', run.end - 1);
    expect(delivery?.memory.bytes.toString('latin1', delivery.end - 1, delivery.end)).toBe('4');
  });

  test('brings all publications to a thread that passes them on, whatever its topics', async () => {
    const [from, primary, other] = [new Station(), new Station('x'), new Station('x')];
    primary.bus.ledger.listenToAll(1);
    connect(from, primary);
    connect(from, other);
    const runs: string[] = [];
    const posted = from.bus.onPost;
    from.bus.onPost = (each) => {
      posted(each);
      runs.push(...each.map(({ topic }) => topic));
    };
    from.publish('nobody', '1');
    from.publish('x', '2');
    from.topics.flush();
    expect(runs).toEqual(['nobody', 'x']);
    expect(await primary.hasGot(1)).toEqual(['2']);
    expect(await other.hasGot(1)).toEqual(['2']);
    primary.bus.listen(); // it has connections of its own, too
    expect(from.bus.wants('nobody')).toBe(true);
    primary.bus.close();
    await until(() => !from.bus.wants('nobody'));
  });

  test('holds publishers back for a thread that passes publications on and holds them', async () => {
    const [from, primary] = [new Station(), new Station()];
    primary.bus.ledger.listenToAll(1);
    connect(from, primary);
    primary.bus.ledger.holdPublishers(1, 60_000);
    expect(from.bus.isCongested).toBe(false); // it is noticed with what is posted
    from.publish('nobody', '1');
    from.topics.flush();
    expect([from.bus.isCongested, from.bus.owes('x')]).toEqual([true, true]);
    const room = from.bus.room();
    primary.bus.ledger.holdPublishers(0, 60_000);
    await room;
    expect(from.bus.isCongested).toBe(false);
  });

  test('says of what it drops whether other processes would have got it', async () => {
    const [from, primary, other] = [new Station(), new Station(), new Station('x')];
    primary.bus.ledger.listenToAll(1);
    const blocked = [primary, other].map(({ bus }) => {
      const { port1, port2 } = new MessageChannel();
      from.bus.connect(port1, bus.ledger);
      return port2; // nobody takes what comes there
    });
    from.publish('x', 'y'.repeat(LIMITS.maxOwedBytes));
    from.topics.flush();
    expect(from.dropped).toBe(0);
    from.publish('x', '1', '2');
    from.publish('nobody', '3');
    from.topics.flush();
    expect([from.dropped, from.droppedForOthers]).toEqual([5, 3]);
    for (const port of blocked) port.close();
  });

  test('keeps the order of batches that take several chunks', async () => {
    const [from, to] = [new Station(), new Station('x', 'y')];
    connect(from, to);
    const texts = Array.from({ length: 30 }, (_, i) => `${i} `.repeat(1 + ((i * 7919) % 60_000)));
    for (const [i, text] of texts.entries()) {
      from.publish(i % 3 === 0 ? 'y' : 'x', text);
      if (i % 10 === 9) from.topics.flush();
    }
    expect(await to.hasGot(30)).toEqual(texts);
    expect(new Set(from.posted.map(({ chunk }) => chunk)).size).toBeGreaterThan(3);
  });

  test('holds the memory until every thread has seen it, and no longer', async () => {
    const from = new Station();
    const others = [new Station('x'), new Station('x'), new Station()];
    for (const other of others) connect(from, other);
    from.publish('x', '1');
    from.publish('x', 'y'.repeat(300_000));
    from.topics.flush();
    const chunks = from.posted.map(({ chunk }) => chunk);
    expect(new Set(chunks).size).toBe(2);
    for (const chunk of chunks) expect(chunk.isFree).toBe(false);
    await until(() => chunks.every(({ isFree }) => isFree));
    for (const other of others.slice(0, 2)) expect(other.subscriber.got).toHaveLength(2);
  });

  test('holds the memory while a subscriber of another thread does', async () => {
    const [from, to] = [new Station(), new Station('x')];
    connect(from, to);
    to.subscriber.isSlow = true;
    for (let turn = 0; turn < 50; turn++) {
      from.publish('x', `${turn} `.repeat(5000));
      from.topics.flush();
      await until(() => to.subscriber.deliveries.length > turn);
    }
    to.subscriber.readHeld();
    expect(to.subscriber.got).toEqual(Array.from({ length: 50 }, (_, turn) => `${turn} `.repeat(5000)));
    for (const { chunk } of from.posted) expect(chunk.isFree).toBe(true);
  });

  test('releases the memory also if receiving fails', async () => {
    const failing = new Bus(
      silent(() => {
        throw new Error('receiving has failed');
      }),
      LIMITS,
    );
    failing.listen();
    failing.join('x', Dialect.PLAIN);
    const sender = new Station();
    const { port1, port2 } = new MessageChannel();
    sender.bus.connect(port1, failing.ledger);
    // The test calls the port itself. Otherwise the error of the bus would be an uncaught exception.
    let receive: (batch: unknown) => void = () => {};
    const port = {
      on(event: string, listener: typeof receive) {
        if (event === 'message') receive = listener;
      },
      unref() {},
      postMessage() {},
    };
    failing.connect(port as unknown as MessagePort, sender.bus.ledger);
    port2.on('message', (message) => {
      expect(() => receive(message)).toThrow('receiving has failed');
    });
    sender.publish('x', '1');
    sender.topics.flush();
    expect(sender.posted[0]?.chunk.isFree).toBe(false);
    await until(() => sender.posted[0]?.chunk.isFree === true);
  });

  test('does not post what it has received', async () => {
    const [a, b, c] = [new Station('x'), new Station('x'), new Station('x')];
    connect(a, b);
    connect(b, c);
    a.publish('x', '1');
    a.topics.flush();
    await b.hasGot(1);
    await untilPortsAreQuiet();
    expect(c.subscriber.got).toEqual([]);
    expect(b.posted).toEqual([]);
  });

  test('disturbs only those threads that listen, from the moment when they do', async () => {
    const from = new Station();
    const got: string[] = [];
    const late = new Bus(
      silent((runs) => got.push(...runs.map(({ topic }) => topic))),
      LIMITS,
    );
    const { port1, port2 } = new MessageChannel();
    from.bus.connect(port1, late.ledger);
    late.connect(port2, from.bus.ledger);
    late.join('y', Dialect.PLAIN);
    expect(from.bus.wants('y')).toBe(false);
    from.publish('y', 'to nobody');
    expect(from.topics.hasPending).toBe(false);
    late.listen();
    expect(from.bus.wants('y')).toBe(true);
    from.publish('y', '1');
    from.topics.flush();
    await untilPortsAreQuiet();
    expect(got).toEqual(['y']);
    for (const { chunk } of from.posted) expect(chunk.isFree).toBe(true);
    late.close();
  });

  test('forgets a peer that closes its end, and goes on with the others', async () => {
    const [from, gone, stays] = [new Station(), new Station('x'), new Station('x')];
    const { port1, port2 } = new MessageChannel();
    from.bus.connect(port1, gone.bus.ledger);
    gone.bus.connect(port2, from.bus.ledger);
    const closed = once(port1, 'close');
    gone.bus.close();
    await closed;
    expect(from.bus.wants('x')).toBe(false);
    connect(from, stays);
    from.publish('x', '1');
    from.topics.flush();
    expect(await stays.hasGot(1)).toEqual(['1']);
    await untilPortsAreQuiet();
    expect(gone.subscriber.got).toEqual([]);
    expect(from.posted[0]?.chunk.isFree).toBe(true);
  });

  test.each([1, 100, 1_000_000])('releases memory that a peer that ends has not taken: %d bytes', async (length) => {
    const [from, gone] = [new Station(), new Station('x')];
    const { port1, port2 } = new MessageChannel();
    from.bus.connect(port1, gone.bus.ledger);
    from.publish('x', 'x'.repeat(length));
    from.topics.flush();
    expect(from.posted[0]?.chunk.isFree).toBe(false);
    const closed = once(port1, 'close');
    port2.close();
    await closed;
    expect(from.posted[0]?.chunk.isFree).toBe(true);
  });

  test('releases all memory that a peer that ends has not taken, however many chunks', async () => {
    const [from, gone] = [new Station(), new Station('x')];
    const { port1, port2 } = new MessageChannel();
    from.bus.connect(port1, gone.bus.ledger);
    from.topics.publisher = { holdBack: () => {} };
    for (let i = 0; i < 60; i++) {
      from.publish('x', '.'.repeat(200_000));
      from.topics.flush();
    }
    const chunks = new Set(from.posted.map(({ chunk }) => chunk));
    expect(chunks.size).toBe(60);
    for (const chunk of chunks) expect(chunk.isFree).toBe(false);
    const closed = once(port1, 'close');
    port2.close();
    await closed;
    for (const chunk of chunks) expect(chunk.isFree).toBe(true);
  });

  test('that is closed has no peers any more', async () => {
    const [a, b] = [new Station(), new Station('x')];
    connect(a, b);
    expect(a.bus.wants('x')).toBe(true);
    a.bus.close();
    expect(a.bus.wants('x')).toBe(false);
    a.publish('x', 'to nobody');
    expect(a.topics.hasPending).toBe(false);
  });
});

describe('between threads', () => {
  interface Report {
    readonly got: readonly string[];
    readonly fromElsewhere: number;
  }

  const script = new URL('./bus-thread.js', import.meta.url);

  /** A thread that publishes `count` messages under its name, and gets those of all the others. */
  function startThread(
    name: string,
    count: number,
    expected: number,
    ledger: ThreadLedger,
    peers: readonly (readonly [MessagePort, ThreadLedger])[],
  ): Worker {
    const ports = peers.map(([port]) => port);
    const ledgers = peers.map(([, { buffer }]) => buffer);
    const workerData = { name, count, expected, ledger: ledger.buffer, ports, ledgers, limits: LIMITS };
    const worker = new Worker(script, { workerData, transferList: ports });
    workers.push(worker);
    return worker;
  }

  test('each thread gets what the others publish, each in its order, in memory that all share', async () => {
    const count = 300;
    const here = new Station('x');
    const toFirst = new MessageChannel();
    const toSecond = new MessageChannel();
    const between = new MessageChannel();
    const [first, second] = [new ThreadLedger(), new ThreadLedger()];
    const threads = [
      startThread('first', count, 2 * count, first, [
        [toFirst.port2, here.bus.ledger],
        [between.port1, second],
      ]),
      startThread('second', count, 2 * count, second, [
        [toSecond.port2, here.bus.ledger],
        [between.port2, first],
      ]),
    ];
    here.bus.connect(toFirst.port1, first);
    here.bus.connect(toSecond.port1, second);
    const reports = threads.map(async (thread): Promise<Report> => {
      const [message] = await once(thread, 'message');
      return message;
    });
    await Promise.all(threads.map((thread) => once(thread, 'online')));
    await until(() => [first, second].every((ledger) => ledger.wants(hashTopic('x'))));
    for (let i = 0; i < count; i++) {
      here.publish('x', `here ${i} `.padEnd((i * 997) % 9000, '.'));
      if (i % 7 === 0) {
        here.topics.flush();
        await untilPortsAreQuiet();
      }
    }
    here.topics.flush();
    const mine = (await here.hasGot(3 * count)).slice();
    const all = [mine, ...(await Promise.all(reports)).map(({ got }) => got)];
    for (const got of all) {
      for (const name of ['here', 'first', 'second']) {
        const its = got.filter((text) => text.startsWith(`${name} `));
        expect(its.map((text) => Number(text.split(' ')[1]))).toEqual(Array.from({ length: count }, (_, i) => i));
        for (const [i, text] of its.entries())
          expect(text.length).toBe(`${name} ${i} `.padEnd((i * 997) % 9000).length);
      }
    }
    // Each is asked twice. With the first answer it has returned from receiving the last batch.
    let answers: string[] = [];
    for (let round = 0; round < 2; round++) {
      for (const thread of threads) thread.postMessage('check');
      answers = await Promise.all(threads.map(async (thread) => (await once(thread, 'message'))[0]));
    }
    expect(answers).toEqual(['all free', 'all free']);
    for (const { chunk } of here.posted) expect(chunk.isFree).toBe(true);
  });

  test('a thread that ends is forgotten', async () => {
    const here = new Station('x');
    const { port1, port2 } = new MessageChannel();
    const ledger = new ThreadLedger();
    const thread = startThread('first', 0, 1, ledger, [[port2, here.bus.ledger]]);
    here.bus.connect(port1, ledger);
    await once(thread, 'online');
    const closed = once(port1, 'close');
    await thread.terminate();
    await closed;
    expect(here.bus.wants('x')).toBe(false);
    here.publish('x', 'still here');
    here.topics.flush();
    expect(here.subscriber.got).toEqual(['still here']);
  });
});
