import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { PayloadDeflater } from '../../dist/compression/payload-deflater.js';
import { chunksOf, decodeBatch, encodeBatch } from '../../dist/pubsub/batch.js';
import { Bus } from '../../dist/pubsub/bus.js';
import { DEFLATED_SET, Dialect } from '../../dist/pubsub/dialect.js';
import type { PublicationRun } from '../../dist/pubsub/publication-run.js';
import { ThreadLedger } from '../../dist/pubsub/thread-ledger.js';
import { hashTopic } from '../../dist/pubsub/topic-hash.js';
import { Topics } from '../../dist/pubsub/topics.js';
import { FakeSubscriber, publishText } from './fake-subscriber.js';
import { Counters } from '../../dist/telemetry/counters.js';

const LIMITS = { maxOwedBytes: 8 * 1024 * 1024, slowThreadTimeoutMs: 1000 };
const { PLAIN, DEFLATED_15, DEFLATED_12, DEFLATED_8 } = Dialect;
const DEFLATER = new PayloadDeflater({ kernel: 'wasm', level: 'fast', thresholdBytes: 50 }, new Counters());
const TEXT = 'compressed '.repeat(100);

/** A thread's topics on a bus. */
class Station {
  readonly posted: PublicationRun[] = [];
  readonly received: PublicationRun[] = [];
  readonly topics: Topics;
  readonly bus: Bus;
  onReceived: () => void = () => {};

  constructor() {
    this.bus = new Bus(
      {
        receive: (runs) => {
          this.received.push(...runs);
          this.topics.receive(runs);
          this.onReceived();
        },
        onMissed: () => {},
        onDropped: () => {},
        onSlowThread: () => {},
        onThreadGone: (peer) => this.topics.forgetThread(peer),
        takeHandOffs: () => {},
      },
      LIMITS,
    );
    this.bus.listen();
    this.topics = new Topics(this.bus, () => {});
    this.topics.compressBy(DEFLATER);
    stations.push(this);
  }

  subscriber(dialect: Dialect, ...names: string[]): FakeSubscriber {
    const subscriber = new FakeSubscriber(-1, dialect);
    for (const name of names) this.topics.subscribe(subscriber, name);
    return subscriber;
  }
}

const stations: Station[] = [];

afterEach(() => {
  for (const { bus } of stations.splice(0)) bus.close();
});

function connect(a: Station, b: Station): void {
  const { port1, port2 } = new MessageChannel();
  a.bus.connect(port1, b.bus.ledger);
  b.bus.connect(port2, a.bus.ledger);
}

/** Waits a turn of the event loop, in which messages that were posted before come. */
async function untilPortsAreQuiet(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  port2.postMessage('after all others');
  await once(port1, 'message');
  port1.close();
}

describe('a bus', () => {
  test('brings compressed publications to the subscribers of other threads, by their dialects', async () => {
    const [from, to] = [new Station(), new Station()];
    connect(from, to);
    const subscribers = [PLAIN, DEFLATED_15, DEFLATED_12, DEFLATED_8].map((dialect) => to.subscriber(dialect, 'x'));
    const texts = [TEXT, 'short', TEXT.repeat(5), TEXT.repeat(30)];
    for (const text of texts) publishText(from.topics, 'x', text);
    from.topics.flush();
    await untilPortsAreQuiet();
    for (const { got } of subscribers) expect(got).toEqual(texts);
    expect(subscribers.map(({ deflated }) => deflated)).toEqual([0, 3, 3, 3]);
  });

  test('compresses nothing for a topic whose subscribers have not agreed on it, in any thread', () => {
    const [from, to] = [new Station(), new Station()];
    connect(from, to);
    to.subscriber(PLAIN, 'x');
    const subscriber = to.subscriber(DEFLATED_12, 'y');
    expect(from.bus.deflatedDialectsOf('x')).toBe(0);
    expect(from.bus.deflatedDialectsOf('y')).toBe(1 << DEFLATED_12);
    to.topics.unsubscribe(subscriber, 'y');
    expect(from.bus.deflatedDialectsOf('y')).toBe(0);
  });

  test('posts compressed frames only to threads that have subscribers for them', async () => {
    const [from, plain, deflated] = [new Station(), new Station(), new Station()];
    for (const to of [plain, deflated]) connect(from, to);
    const both = [plain.subscriber(PLAIN, 'x'), deflated.subscriber(DEFLATED_15, 'x')];
    plain.subscriber(DEFLATED_15, 'y'); // of another topic
    publishText(from.topics, 'x', TEXT);
    from.topics.flush();
    await untilPortsAreQuiet();
    expect(both.map(({ got }) => got)).toEqual([[TEXT], [TEXT]]);
    expect(plain.received.map((run) => run.deflated)).toEqual([undefined]);
    expect(deflated.received[0]?.deflated?.[DEFLATED_15]?.isDeflated).toBe(true);
  });

  test('counts the memory of compressed frames as owed, and frees it when they are delivered', async () => {
    const [from, to] = [new Station(), new Station()];
    connect(from, to);
    const subscriber = to.subscriber(DEFLATED_15, 'x');
    subscriber.isSlow = true;
    publishText(from.topics, 'x', 'short');
    from.topics.flush();
    const ofPlain = to.bus.ledger.owedBytes;
    await untilPortsAreQuiet();
    expect(to.bus.ledger.owedBytes).toBe(0);
    publishText(from.topics, 'x', TEXT);
    from.topics.flush();
    expect(to.bus.ledger.owedBytes).toBeGreaterThan(1.9 * ofPlain);
    await untilPortsAreQuiet();
    expect(to.bus.ledger.owedBytes).toBe(0);
    const chunk = to.received[1]?.deflated?.[DEFLATED_15]?.chunk;
    expect(chunk?.isFree).toBe(false);
    subscriber.readHeld();
    expect(chunk?.isFree).toBe(true);
    expect(subscriber.got).toEqual(['short', TEXT]);
  });

  test('holds compressed frames no longer when the thread that has them is gone', async () => {
    const [from, to] = [new Station(), new Station()];
    const { port1, port2 } = new MessageChannel();
    from.bus.connect(port1, to.bus.ledger);
    to.bus.connect(port2, from.bus.ledger);
    const subscriber = to.subscriber(DEFLATED_15, 'x');
    subscriber.isSlow = true;
    publishText(from.topics, 'x', TEXT);
    from.topics.flush();
    await untilPortsAreQuiet();
    const chunk = to.received[0]?.deflated?.[DEFLATED_15]?.chunk;
    expect(chunk?.isFree).toBe(false);
    port2.close();
    await once(port1, 'close');
    expect(chunk?.isFree).toBe(true);
  });
});

test('a batch keeps which dialects share a run, and has each chunk as often as it is counted', () => {
  const station = new Station();
  const { topics } = station;
  for (const dialect of [PLAIN, DEFLATED_15, DEFLATED_12, DEFLATED_8]) station.subscriber(dialect, 'x', 'y');
  const runs: PublicationRun[] = [];
  Object.assign(station.bus, { post: (posted: readonly PublicationRun[]) => void runs.push(...posted) });
  for (const [topic, text] of [
    ['x', TEXT.slice(0, 200)],
    ['y', 'short'],
    ['x', TEXT],
    ['y', TEXT.repeat(9)],
  ] as const) {
    publishText(topics, topic, text);
  }
  topics.flush();
  const batch = encodeBatch(runs, -1);
  const decoded = decodeBatch(batch);
  expect(decoded.chunks).toHaveLength([...chunksOf(runs)].length);
  const places = (all: readonly PublicationRun[]) =>
    all.map(({ topic, start, end, messages, deflated }) => ({
      ...{ topic, start, end, messages },
      deflated: [1, 2, 3].map((dialect) => {
        const run = deflated?.[dialect];
        return run && [run.topic, run.start, run.end, run.messages, run.isDeflated, deflated?.indexOf(run)];
      }),
    }));
  expect(places(decoded.runs)).toEqual(places(runs));
  expect(places(runs).map(({ deflated }) => deflated.map((run) => run?.at(-1)))).toEqual([
    [1, 1, 1],
    [undefined, undefined, undefined],
    [1, 1, 3],
    [1, 2, 3],
  ]);
  expect(batch.overheadBytes).toBe(
    encodeBatch(
      runs.map((run) => ({ ...run, deflated: undefined })),
      -1,
    ).overheadBytes +
      6 * 64,
  );
});

test('a batch counts two bytes for each character of the names of its topics, each name once', () => {
  const station = new Station();
  const { topics } = station;
  station.subscriber(PLAIN, 'x', 'y');
  const runs: PublicationRun[] = [];
  Object.assign(station.bus, { post: (posted: readonly PublicationRun[]) => void runs.push(...posted) });
  for (const topic of ['x', 'y']) publishText(topics, topic, 'text');
  topics.flush();
  const again = [...runs, ...runs];
  const longer = again.map((run) => ({ ...run, topic: run.topic + 'z'.repeat(100) }));
  const [long, short] = [longer, again].map((all) => encodeBatch(all, -1).overheadBytes) as [number, number];
  expect(long - short).toBe(2 * 100 * 2);
});

test('a ledger tells the dialects of a topic apart, and counts each topic', () => {
  const ledger = new ThreadLedger();
  const [x, y] = [hashTopic('x'), hashTopic('y')];
  ledger.join(x, DEFLATED_15);
  ledger.join(y, PLAIN);
  expect(ledger.deflatedDialectsOf(x)).toBe(0); // it does not listen
  ledger.listen();
  expect([ledger.wants(x), ledger.wants(y)]).toEqual([true, true]);
  expect([ledger.deflatedDialectsOf(x), ledger.deflatedDialectsOf(y)]).toEqual([1 << DEFLATED_15, 0]);
  ledger.join(x, DEFLATED_8);
  ledger.join(x, PLAIN);
  expect(ledger.deflatedDialectsOf(x)).toBe((1 << DEFLATED_15) | (1 << DEFLATED_8));
  ledger.leave(x, DEFLATED_15);
  expect([ledger.hasDeflated, ledger.deflatedDialectsOf(x)]).toEqual([true, 1 << DEFLATED_8]);
  ledger.leave(x, DEFLATED_8);
  expect([ledger.hasDeflated, ledger.deflatedDialectsOf(x) & DEFLATED_SET, ledger.wants(x)]).toEqual([false, 0, true]);
  ledger.leave(x, PLAIN);
  expect(ledger.wants(x)).toBe(false);
});
