import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { Bus } from '../../dist/pubsub/bus.js';
import { type Outlet, type Run, Topics } from '../../dist/pubsub/topics.js';
import { FakeSubscriber, publishText } from './fake-subscriber.js';

/** A thread's topics on a bus, with a subscriber of its own. */
class Station {
  readonly bus: Bus;
  readonly topics: Topics;
  readonly subscriber = new FakeSubscriber();
  /** All that was posted by it. */
  readonly posted: Run[] = [];
  #onReceived: () => void = () => {};

  constructor(...names: string[]) {
    this.bus = new Bus((runs) => {
      this.topics.receive(runs);
      this.#onReceived();
    });
    const { bus } = this;
    bus.listen();
    const outlet: Outlet = {
      get hasPeers() {
        return bus.hasPeers;
      },
      post: (runs: readonly Run[]) => {
        this.posted.push(...runs);
        this.bus.post(runs);
      },
    };
    this.topics = new Topics(outlet, () => {});
    for (const name of names) this.topics.subscribe(this.subscriber, name);
    stations.push(this);
  }

  /** Resolves when its subscriber has got so many messages. */
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
  a.bus.connect(port1);
  b.bus.connect(port2);
}

/** Turns of the event loop until something is so. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

/** A turn of the event loop, in which messages that were posted before come. */
async function untilPortsAreQuiet(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  port2.postMessage('after all others');
  await once(port1, 'message');
  port1.close();
}

describe('a bus', () => {
  test('without peers has nobody to post to', () => {
    const station = new Station();
    expect(station.bus.hasPeers).toBe(false);
    station.publish('x', 'to nobody');
    expect(station.topics.hasPending).toBe(false);
  });

  test('brings the publications of a turn to every other thread, in order, where they lie', async () => {
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
    // The same memory, though another object: what is written here shows there.
    const run = from.posted[1];
    const delivery = b.subscriber.deliveries[0];
    expect(delivery?.start).toBe(run?.start);
    run?.chunk.bytes.write('4', run.end - 1);
    expect(delivery?.memory.bytes.toString('latin1', delivery.end - 1, delivery.end)).toBe('4');
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

  test('lets go of the memory also if receiving fails', async () => {
    const failing = new Bus(() => {
      throw new Error('receiving has failed');
    });
    const sender = new Station();
    const { port1, port2 } = new MessageChannel();
    sender.bus.connect(port1);
    // The port is in the test's hands: what the bus throws would otherwise be an uncaught exception.
    let receive: (batch: unknown) => void = () => {};
    const port = {
      on(event: string, listener: typeof receive) {
        if (event === 'message') receive = listener;
      },
      unref() {},
      postMessage() {},
    };
    failing.connect(port as unknown as MessagePort);
    port2.on('message', (message) => {
      if (!('listens' in message)) expect(() => receive(message)).toThrow('receiving has failed');
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
    const late = new Bus((runs) => got.push(...runs.map(({ topic }) => topic)));
    const { port1, port2 } = new MessageChannel();
    from.bus.connect(port1);
    // Until it is known whether it does, it is taken to.
    expect(from.bus.hasPeers).toBe(true);
    late.connect(port2);
    await untilPortsAreQuiet();
    expect(from.bus.hasPeers).toBe(false);
    from.publish('x', 'to nobody');
    expect(from.topics.hasPending).toBe(false);
    late.listen();
    expect(from.bus.hasPeers).toBe(true);
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
    from.bus.connect(port1);
    gone.bus.connect(port2);
    const closed = once(port1, 'close');
    gone.bus.close();
    await closed;
    expect(from.bus.hasPeers).toBe(false);
    connect(from, stays);
    from.publish('x', '1');
    from.topics.flush();
    expect(await stays.hasGot(1)).toEqual(['1']);
    await untilPortsAreQuiet();
    expect(gone.subscriber.got).toEqual([]);
    expect(from.posted[0]?.chunk.isFree).toBe(true);
  });

  test('that is closed has no peers any more', async () => {
    const [a, b] = [new Station(), new Station('x')];
    connect(a, b);
    expect(a.bus.hasPeers).toBe(true);
    a.bus.close();
    expect(a.bus.hasPeers).toBe(false);
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
  function startThread(name: string, count: number, expected: number, ports: MessagePort[]): Worker {
    const worker = new Worker(script, { workerData: { name, count, expected, ports }, transferList: ports });
    workers.push(worker);
    return worker;
  }

  test('each thread gets what the others publish, each in its order, in memory that all share', async () => {
    const count = 300;
    const here = new Station('x');
    const toFirst = new MessageChannel();
    const toSecond = new MessageChannel();
    const between = new MessageChannel();
    const threads = [
      startThread('first', count, 2 * count, [toFirst.port2, between.port1]),
      startThread('second', count, 2 * count, [toSecond.port2, between.port2]),
    ];
    here.bus.connect(toFirst.port1);
    here.bus.connect(toSecond.port1);
    const reports = threads.map(async (thread): Promise<Report> => {
      const [message] = await once(thread, 'message');
      return message;
    });
    await Promise.all(threads.map((thread) => once(thread, 'online')));
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
    // Asked twice: once they have answered the first time, they have both returned from receiving the last batch.
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
    const thread = startThread('first', 0, 1, [port2]);
    here.bus.connect(port1);
    await once(thread, 'online');
    const closed = once(port1, 'close');
    await thread.terminate();
    await closed;
    expect(here.bus.hasPeers).toBe(false);
    here.publish('x', 'still here');
    here.topics.flush();
    expect(here.subscriber.got).toEqual(['still here']);
  });
});
