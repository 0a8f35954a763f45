import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { PayloadDeflater } from '../../dist/compression/payload-deflater.js';
import { decodeBatch, encodeBatch } from '../../dist/pubsub/batch.js';
import { Dialect } from '../../dist/pubsub/dialect.js';
import type { Outlet } from '../../dist/pubsub/outlet.js';
import type { PublicationRun } from '../../dist/pubsub/publication-run.js';
import { Topics } from '../../dist/pubsub/topics.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { FakeSender, FakeSubscriber, publishText } from './fake-subscriber.js';
import { ManualDeflater } from './manual-rounds.js';
import { textFrames } from './text-frames.js';

const { PLAIN, DEFLATED_15, DEFLATED_12, DEFLATED_8 } = Dialect;

/** Stands for the other threads. */
class FakeOutlet implements Outlet {
  readonly isCongested = false;
  dialects = 0;
  readonly joined: string[] = [];
  readonly posted: PublicationRun[] = [];
  wants = () => this.dialects > 0;
  owes = () => false;
  deflatedDialectsOf = () => this.dialects;

  post(runs: readonly PublicationRun[]): void {
    this.posted.push(...runs);
  }

  join(topic: string, dialect: Dialect): void {
    this.joined.push(`${topic} ${dialect}`);
  }

  leave(topic: string, dialect: Dialect): void {
    this.joined.splice(this.joined.indexOf(`${topic} ${dialect}`), 1);
  }
}

/** Notes for which windows it has compressed. */
class NotingDeflater extends ManualDeflater {
  readonly windows: number[] = [];

  override deflate(windowBits: number): Uint8Array | undefined {
    this.windows.push(windowBits);
    return super.deflate(windowBits);
  }
}

const THRESHOLD_BYTES = 50;

let outlet: FakeOutlet;
let topics: Topics;
let deflater: NotingDeflater;
let counters: Counters;

beforeEach(() => {
  outlet = new FakeOutlet();
  topics = new Topics(outlet, () => {});
  counters = new Counters();
  deflater = new NotingDeflater({ kernel: 'wasm', level: 'fast', thresholdBytes: THRESHOLD_BYTES }, counters);
  topics.compressBy(deflater);
});

function subscriberOf(dialect: Dialect, ...names: string[]): FakeSubscriber {
  const subscriber = new FakeSubscriber(-1, dialect);
  for (const name of names) topics.subscribe(subscriber, name);
  return subscriber;
}

/** A text that gets smaller. Every number makes another one. */
const text = (i: number, length = 1000) => `${i}`.repeat(length).slice(0, length);

/** Publishes to x, and ends the turn. */
function turn(...texts: string[]): void {
  for (const published of texts) publishText(topics, 'x', published);
  topics.flush();
}

describe('a publication', () => {
  test('that is compressed is counted once for each window, whatever the number of subscribers', () => {
    for (const dialect of [PLAIN, DEFLATED_15, DEFLATED_15, DEFLATED_8]) subscriberOf(dialect, 'x');
    turn(text(1, 1000), text(2, THRESHOLD_BYTES - 1));
    expect(counters.get(Counter.DEFLATED_MESSAGES)).toBe(2);
    expect(counters.get(Counter.DEFLATED_FROM_BYTES)).toBe(2000);
    expect(counters.get(Counter.DEFLATED_BYTES)).toBeGreaterThan(4);
    expect(counters.get(Counter.DEFLATED_BYTES)).toBeLessThan(100);
  });

  test('goes compressed to those who have agreed on it, and plain to the others', () => {
    const [plain, deflated] = [subscriberOf(PLAIN, 'x'), subscriberOf(DEFLATED_15, 'x')];
    turn(text(1));
    expect([plain.got, deflated.got]).toEqual([[text(1)], [text(1)]]);
    expect([plain.deflated, deflated.deflated]).toEqual([0, 1]);
    const bytes = [plain, deflated].map(({ deliveries: [one] }) => (one === undefined ? 0 : one.end - one.start));
    expect(bytes[0]).toBe(1004);
    expect(bytes[1]).toBeLessThan(30);
  });

  test('is compressed once for all subscribers of a dialect, who are given the same memory', () => {
    const subscribers = Array.from({ length: 10 }, () => subscriberOf(DEFLATED_15, 'x'));
    turn(text(1));
    expect(deflater.windows).toEqual([15]);
    const places = subscribers.map(({ deliveries: [one] }) => [one?.memory, one?.start, one?.end]);
    for (const [memory, start, end] of places) {
      expect(memory).toBe(places[0]?.[0]);
      expect([start, end]).toEqual(places[0]?.slice(1));
    }
  });

  test('is not compressed for subscribers that are not there, nor for those of other topics', () => {
    const other = subscriberOf(DEFLATED_15, 'y');
    subscriberOf(PLAIN, 'x');
    turn(text(1));
    expect(deflater.windows).toEqual([]);
    topics.unsubscribe(other, 'y');
    publishText(topics, 'y', text(2));
    topics.flush();
    expect(deflater.windows).toEqual([]);
  });

  test('is compressed for the windows that other threads have', () => {
    outlet.dialects = 1 << DEFLATED_12;
    turn(text(1));
    const [run] = outlet.posted;
    expect(run?.deflated?.map((one) => one?.isDeflated)).toEqual([undefined, undefined, true, undefined]);
    expect(run?.isDeflated).toBe(false);
  });

  test('is compressed once for all windows that hold it whole', () => {
    const subscribers = [DEFLATED_15, DEFLATED_12, DEFLATED_8].map((dialect) => subscriberOf(dialect, 'x'));
    const texts = [text(1, 256), text(2, 257), text(3, 4096), text(4, 4097)];
    for (const one of texts) turn(one);
    expect(deflater.windows).toEqual([15, 15, 8, 15, 8, 15, 12, 8]);
    for (const { got, deflated } of subscribers) expect([got, deflated]).toEqual([texts, 4]);
  });

  test('refers back no further than the window of each subscriber', () => {
    const subscribers = [DEFLATED_15, DEFLATED_12, DEFLATED_8].map((dialect) => subscriberOf(dialect, 'x'));
    const block = randomBytes(1000).toString('base64');
    const published = block + randomBytes(5000).toString('base64') + block; // repeats beyond 4 KiB
    turn(published);
    for (const { got } of subscribers) expect(got).toEqual([published]);
    const sizes = subscribers.map(({ deliveries: [one] }) => (one === undefined ? 0 : one.end - one.start));
    expect(sizes[0]).toBeLessThan((sizes[1] as number) - 900);
  });

  test('goes plain to all if it is below the threshold, and compressed from it on', () => {
    const subscriber = subscriberOf(DEFLATED_15, 'x');
    turn(text(1, THRESHOLD_BYTES - 1));
    expect([subscriber.deflated, deflater.windows]).toEqual([0, []]);
    turn(text(1, THRESHOLD_BYTES));
    expect(subscriber.deflated).toBe(1);
  });

  test('goes plain to all if its publisher wants that', () => {
    const subscriber = subscriberOf(DEFLATED_15, 'x');
    publishText(topics, 'x', text(1), undefined, false);
    topics.flush();
    expect([subscriber.got, subscriber.deflated, deflater.windows]).toEqual([[text(1)], 0, []]);
  });

  test('goes plain to all if it does not get smaller', () => {
    const subscribers = [DEFLATED_15, DEFLATED_8].map((dialect) => subscriberOf(dialect, 'x'));
    const noise = Array.from({ length: 120 }, (_, i) => String.fromCharCode(1 + i)).join('');
    turn(noise, text(1));
    for (const { got, deflated } of subscribers) expect([got, deflated]).toEqual([[noise, text(1)], 1]);
  });

  test('is compressed as it was published, also if its memory is shared and changes', () => {
    const [plain, deflated] = [subscriberOf(PLAIN, 'x'), subscriberOf(DEFLATED_15, 'x')];
    const shared = Buffer.from(new SharedArrayBuffer(1000)).fill('a');
    class Changing extends PayloadDeflater {
      override take(payload: Uint8Array): void {
        shared.fill('b');
        super.take(payload);
      }
    }
    topics.compressBy(new Changing({ kernel: 'wasm', level: 'fast', thresholdBytes: 1 }, new Counters()));
    topics.publish('x', undefined, 0x81, shared, 0, 1000);
    topics.flush();
    expect([plain.got, deflated.got]).toEqual([['a'.repeat(1000)], ['a'.repeat(1000)]]);
  });

  test('leaves no memory held, whatever its dialects', () => {
    const subscribers = [PLAIN, DEFLATED_15, DEFLATED_12].map((dialect) => subscriberOf(dialect, 'x'));
    for (const subscriber of subscribers) subscriber.isSlow = true;
    turn(randomBytes(20_000).toString('hex'));
    const memories = subscribers.flatMap(({ deliveries }) => deliveries.map(({ memory }) => memory));
    expect(memories.map(({ isFree }) => isFree)).toEqual([false, false, false]);
    for (const subscriber of subscribers) subscriber.readHeld();
    expect(memories.map(({ isFree }) => isFree)).toEqual([true, true, true]);
    expect(subscribers.map(({ deflated }) => deflated)).toEqual([0, 1, 1]);
  });
});

describe('publications of a turn', () => {
  test('are one range for each dialect while they follow each other', () => {
    const subscribers = [PLAIN, DEFLATED_15, DEFLATED_8].map((dialect) => subscriberOf(dialect, 'x'));
    turn(text(1, 200), text(2, 200), text(3, 200));
    expect(outlet.posted).toHaveLength(1);
    expect(outlet.posted[0]?.messages).toBe(3);
    for (const { deliveries, got } of subscribers) {
      expect(deliveries).toHaveLength(1);
      expect(got).toEqual([1, 2, 3].map((i) => text(i, 200)));
    }
    const [plain, deflated, same] = subscribers.map(({ deliveries }) => deliveries[0]);
    expect(deflated?.memory).not.toBe(plain?.memory);
    expect([same?.memory, same?.start, same?.end]).toEqual([deflated?.memory, deflated?.start, deflated?.end]);
  });

  test('come in their order, whether they are compressed or not, in one write for each subscriber', () => {
    const subscribers = [PLAIN, DEFLATED_15, DEFLATED_12, DEFLATED_8].map((dialect) => subscriberOf(dialect, 'x', 'y'));
    const texts = Array.from({ length: 40 }, (_, i) => text(i, (i * 997) % 9000));
    for (const [i, one] of texts.entries()) publishText(topics, i % 3 === 0 ? 'y' : 'x', one, undefined, i % 5 !== 0);
    topics.flush();
    for (const { got, deliveries } of subscribers) {
      expect(got).toEqual(texts);
      expect(deliveries).toHaveLength(1);
    }
    expect(subscribers[1]?.deflated).toBeGreaterThan(20);
  });

  test('are told apart for a subscriber that was given some of them before', () => {
    const early = subscriberOf(DEFLATED_15, 'x');
    const publisher = subscriberOf(DEFLATED_12, 'x');
    publishText(topics, 'x', text(1));
    topics.catchUp(early);
    publishText(topics, 'x', text(2), publisher);
    topics.flush();
    expect([early.got, early.deflated]).toEqual([[text(1), text(2)], 2]);
    expect([publisher.got, publisher.deflated]).toEqual([[text(1)], 1]);
  });

  test('reach a subscriber of a dialect that has come after them plain, or not at all', () => {
    subscriberOf(PLAIN, 'x');
    publishText(topics, 'x', text(1));
    const late = subscriberOf(DEFLATED_15, 'x');
    publishText(topics, 'x', text(2));
    topics.flush();
    expect([late.got, late.deflated]).toEqual([[text(2)], 1]);
  });

  test('from another thread that knew of no subscriber with compression come plain', () => {
    const elsewhere = new FakeOutlet();
    elsewhere.dialects = 1 << PLAIN;
    const theirs = new Topics(elsewhere, () => {});
    publishText(theirs, 'x', text(1));
    theirs.flush();
    const subscriber = subscriberOf(DEFLATED_15, 'x');
    topics.receive(elsewhere.posted);
    expect([subscriber.got, subscriber.deflated]).toEqual([[text(1)], 0]);
  });

  test('leave at once when compressed and plain frames together come to 1 MiB', () => {
    const payload = randomBytes(60_000).toString('hex'); // 120 000 bytes, and 60 000 compressed
    outlet.dialects = 1 << DEFLATED_15;
    for (let i = 0; i < 5; i++) publishText(topics, 'x', payload);
    expect(topics.hasPending).toBe(true);
    publishText(topics, 'x', payload);
    expect(topics.hasPending).toBe(false);
  });
});

describe('subscribers of several dialects', () => {
  test('are known to other threads by topic and dialect, from the first to the last', () => {
    const [a, b, c] = [subscriberOf(PLAIN, 'x'), subscriberOf(DEFLATED_12, 'x', 'y'), subscriberOf(DEFLATED_12, 'x')];
    expect(outlet.joined).toEqual(['x 0', 'x 2', 'y 2']);
    topics.forget(b);
    expect(outlet.joined).toEqual(['x 0', 'x 2']);
    topics.unsubscribe(c, 'x');
    expect(outlet.joined).toEqual(['x 0']);
    topics.unsubscribe(a, 'x');
    expect(outlet.joined).toEqual([]);
  });

  test('are all told of what their thread has missed', () => {
    const subscribers = [PLAIN, DEFLATED_15, DEFLATED_12, DEFLATED_8].map((dialect) => subscriberOf(dialect, 'x'));
    topics.miss(new Set(['x']));
    expect(subscribers.map(({ missed }) => missed)).toEqual([1, 1, 1, 1]);
  });

  test('may have each other’s slots during a delivery, and get nothing that they do not understand', () => {
    const elsewhere = new FakeOutlet();
    elsewhere.dialects = 1 << DEFLATED_15;
    const theirs = new Topics(elsewhere, () => {});
    theirs.compressBy(deflater);
    publishText(theirs, 'x', text(1));
    theirs.flush();
    const [first, second] = [subscriberOf(DEFLATED_15, 'x'), subscriberOf(DEFLATED_15, 'x')];
    const slot = second.subscription?.slot;
    const newcomer = new FakeSubscriber(-1, PLAIN);
    first.deliver = () => {
      topics.forget(second);
      topics.subscribe(newcomer, 'x');
    };
    topics.receive(elsewhere.posted);
    expect(newcomer.subscription?.slot).toBe(slot);
    expect([second.got, newcomer.got]).toEqual([[], []]);
  });
});

describe('a direct write', () => {
  let sender: FakeSender;

  beforeEach(() => {
    sender = new FakeSender();
    topics.sendBy(sender);
  });

  function withDescriptor(dialect: Dialect): FakeSubscriber {
    const fd = sender.subscribers.size + 1;
    const subscriber = new FakeSubscriber(fd, dialect);
    sender.subscribers.set(fd, subscriber);
    topics.subscribe(subscriber, 'x');
    return subscriber;
  }

  test('goes to the descriptors of every dialect, with their own bytes', () => {
    const dialects = [PLAIN, DEFLATED_15, DEFLATED_12, DEFLATED_8];
    const subscribers = [...dialects, ...dialects].map(withDescriptor);
    turn(text(1));
    turn(text(2), text(3));
    expect(sender.sent).toBe(8);
    for (const { got, deliveries, dialect, deflated } of subscribers) {
      expect(got).toEqual([text(1), text(2), text(3)]);
      expect(deliveries).toHaveLength(1);
      expect(deflated).toBe(dialect === PLAIN ? 0 : 3);
    }
  });

  test('of a compressed message is noted until it is asked for, beside that something was sent', () => {
    const [plain, deflated] = [withDescriptor(PLAIN), withDescriptor(DEFLATED_12)];
    turn(text(1));
    expect(topics.takeDeflated(deflated)).toBe(false); // it was called
    turn('short');
    expect(topics.takeDeflated(deflated)).toBe(false);
    turn(text(2));
    turn('short');
    expect(topics.takeSent(deflated)).toBe(true);
    expect(topics.takeSent(deflated)).toBe(false);
    expect(topics.takeDeflated(deflated)).toBe(true);
    expect(topics.takeDeflated(deflated)).toBe(false);
    turn(text(3));
    expect(topics.takeDeflated(deflated)).toBe(true);
    expect(topics.takeSent(deflated)).toBe(true);
    expect(topics.takeDeflated(plain)).toBe(false);
  });

  test('is still noted when the table of subscribers has grown', () => {
    const subscribers = Array.from({ length: 64 }, () => withDescriptor(DEFLATED_12));
    turn(text(1));
    turn(text(2));
    withDescriptor(DEFLATED_12);
    expect(subscribers.filter((one) => topics.takeDeflated(one))).toHaveLength(64);
    expect(subscribers.filter((one) => topics.takeSent(one))).toHaveLength(64);
  });

  test('is not noted for the one that has the slot of a subscriber later', () => {
    const first = withDescriptor(DEFLATED_12);
    turn(text(1));
    turn(text(2));
    const slot = first.subscription?.slot;
    topics.forget(first);
    const second = withDescriptor(DEFLATED_12);
    expect(second.subscription?.slot).toBe(slot);
    expect([topics.takeDeflated(second), topics.takeSent(second)]).toEqual([false, false]);
  });

  test('leaves memory that is given back to the system when nobody reads it any more, also that of compressed frames', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const discarded = new Set<Uint8Array>();
    sender.discard = (bytes) => void discarded.add(bytes);
    const subscriber = withDescriptor(DEFLATED_15);
    subscriber.isSlow = true;
    const long = randomBytes(60_000).toString('hex');
    for (let i = 0; i < 80; i++) turn(long);
    const chunks = new Set(subscriber.deliveries.map(({ memory }) => memory.bytes));
    subscriber.readHeld();
    vi.advanceTimersByTime(2000);
    expect(chunks.size).toBeGreaterThan(17);
    expect([...chunks].filter((bytes) => discarded.has(bytes))).toHaveLength(chunks.size - 17); // it keeps so many ready
  });

  test('that the socket takes a part of is delivered further as compressed', () => {
    const subscriber = withDescriptor(DEFLATED_15);
    turn(text(1));
    sender.takes = () => 5;
    turn(text(2));
    expect(subscriber.deliveries.map(({ areDeflated }) => areDeflated)).toEqual([true, true]);
    expect(subscriber.got).toEqual([text(1), text(2)]);
  });
});

describe('a large publication', () => {
  const large = (i: number) => text(i, 1024 * 1024);

  test('is compressed in slices, and what is published behind it waits behind it, in every thread', () => {
    const [plain, a, b] = [
      subscriberOf(PLAIN, 'x'),
      subscriberOf(DEFLATED_15, 'x', 'y'),
      subscriberOf(DEFLATED_15, 'y'),
    ];
    turn(text(1));
    turn(large(2), text(3), text(4, 20));
    publishText(topics, 'y', text(5));
    topics.flush();
    expect([plain.got, a.got, b.got]).toEqual([[text(1)], [text(1)], []]);
    expect(outlet.posted).toHaveLength(1);
    expect(deflater.finish()).toBeGreaterThan(4);
    topics.flush();
    expect(plain.got).toEqual([text(1), large(2), text(3), text(4, 20)]);
    expect([a.got, a.deflated]).toEqual([[text(1), large(2), text(3), text(4, 20), text(5)], 4]);
    expect([b.got, b.deflated]).toEqual([[text(5)], 1]);
    expect(outlet.posted.filter(({ deflated }) => deflated !== undefined)).toHaveLength(4);
    expect(counters.get(Counter.DEFLATED_FROM_BYTES)).toBe(3 * 1000 + 1024 * 1024);
    expect(topics.hasPending).toBe(false);
  });

  test('that shares its chunk takes nothing along that goes as it is', () => {
    const [plain, deflated] = [subscriberOf(PLAIN, 'x'), subscriberOf(DEFLATED_15, 'x')];
    const shorter = text(1, 200_000);
    turn(shorter, text(2, 20));
    deflater.finish();
    topics.flush();
    expect(plain.got).toEqual([shorter, text(2, 20)]);
    expect([deflated.got, deflated.deflated]).toEqual([[shorter, text(2, 20)], 1]);
  });

  test('is compressed by a piece of 32 KiB in each iteration at level small', () => {
    const small = new ManualDeflater({ kernel: 'wasm', level: 'small', thresholdBytes: THRESHOLD_BYTES }, counters);
    topics.compressBy(small);
    subscriberOf(DEFLATED_15, 'x');
    turn(large(1));
    expect(small.finish()).toBe(32);
  });

  test('asks for a flush when it is done, once for all of them', () => {
    const schedule = vi.fn();
    topics = new Topics(outlet, schedule);
    topics.compressBy(deflater);
    const subscriber = subscriberOf(DEFLATED_15, 'x');
    turn(large(1), large(2));
    schedule.mockClear();
    deflater.finish();
    expect(schedule).toHaveBeenCalledTimes(1);
    topics.flush();
    expect([subscriber.got, subscriber.deflated]).toEqual([[large(1), large(2)], 2]);
  });

  test('is compressed for each window, if all of them together would take too long at once', () => {
    const subscribers = [DEFLATED_15, DEFLATED_12, DEFLATED_8].map((dialect) => subscriberOf(dialect, 'x'));
    turn(text(1, deflater.mostBytes / 4));
    expect(subscribers.map(({ deflated }) => deflated)).toEqual([1, 1, 1]);
    turn(text(2, deflater.mostBytes / 2));
    expect(subscribers.map(({ deflated }) => deflated)).toEqual([1, 1, 1]);
    deflater.finish();
    topics.flush();
    for (const { got, deflated } of subscribers) expect([got.length, deflated]).toEqual([2, 2]);
  });

  test('as long as may be compressed at once is compressed at once', () => {
    const subscriber = subscriberOf(DEFLATED_15, 'x');
    turn(text(1, deflater.mostBytes));
    expect([subscriber.deflated, deflater.members.length]).toEqual([1, 0]);
    turn(text(1, deflater.mostBytes + 1));
    expect([subscriber.deflated, deflater.members.length]).toEqual([1, 1]);
    deflater.finish();
  });

  test('goes plain, and at once, to one that is sent something else meanwhile, and compressed to the others', () => {
    const [one, other] = [subscriberOf(DEFLATED_15, 'x'), subscriberOf(DEFLATED_15, 'x')];
    turn(large(1), text(2));
    deflater.round();
    topics.catchUp(one);
    expect([one.got, one.deflated]).toEqual([[large(1), text(2)], 1]);
    turn(text(3));
    deflater.finish();
    topics.flush();
    expect([one.got, one.deflated]).toEqual([[large(1), text(2), text(3)], 2]);
    expect([other.got, other.deflated]).toEqual([[large(1), text(2), text(3)], 3]);
  });

  test('reaches one that unsubscribes meanwhile, and not one that subscribes', () => {
    const early = subscriberOf(DEFLATED_15, 'x');
    turn(large(1));
    topics.unsubscribe(early, 'x');
    const late = subscriberOf(DEFLATED_15, 'x');
    deflater.finish();
    topics.flush();
    expect([early.got, late.got]).toEqual([[large(1)], []]);
  });

  test('does not keep back what other threads publish, which disturbs nothing', () => {
    const [one, other] = [subscriberOf(DEFLATED_15, 'x'), subscriberOf(DEFLATED_15, 'x')];
    const elsewhere = new FakeOutlet();
    elsewhere.dialects = 1 << PLAIN;
    const theirs = new Topics(elsewhere, () => {});
    publishText(theirs, 'x', text(9));
    theirs.flush();
    turn(large(1), text(2));
    topics.catchUp(one);
    topics.receive(elsewhere.posted);
    expect([one.got, other.got]).toEqual([[large(1), text(2), text(9)], [text(9)]]);
    deflater.finish();
    topics.flush();
    expect([one.got, other.got]).toEqual([
      [large(1), text(2), text(9)],
      [text(9), large(1), text(2)],
    ]);
  });

  test('goes plain to all if it does not get smaller', () => {
    const subscriber = subscriberOf(DEFLATED_15, 'x');
    const bytes = randomBytes(300_000);
    topics.publish('x', undefined, 0x81, bytes, 0, bytes.length);
    topics.flush();
    expect(deflater.finish()).toBe(1);
    topics.flush();
    expect([subscriber.got.length, subscriber.deflated]).toEqual([1, 0]);
  });

  test('goes plain with compress: false, and if nobody can have it compressed', () => {
    const subscriber = subscriberOf(DEFLATED_15, 'x');
    publishText(topics, 'x', large(1), undefined, false);
    topics.flush();
    topics.forget(subscriber);
    const plain = subscriberOf(PLAIN, 'x');
    turn(large(2));
    expect([subscriber.got, plain.got, deflater.members]).toEqual([[large(1)], [large(2)], []]);
  });

  test('is tried for one window only if it does not get smaller', () => {
    const subscribers = [DEFLATED_15, DEFLATED_12, DEFLATED_8].map((dialect) => subscriberOf(dialect, 'x'));
    const pieces = vi.spyOn(deflater, 'pieces');
    topics.publish('x', undefined, 0x81, randomBytes(1024 * 1024), 0, 1024 * 1024);
    deflater.finish();
    topics.flush();
    expect(pieces.mock.calls).toEqual([[15]]);
    expect(subscribers.map(({ deflated }) => deflated)).toEqual([0, 0, 0]);
  });

  test('takes as much again as it has become: that counts to what is waited for', () => {
    const subscriber = subscriberOf(DEFLATED_15, 'x');
    const halved = randomBytes(4 * 1024 * 1024).toString('hex');
    turn(halved, text(2, 7 * 1024 * 1024));
    const [first] = deflater.members;
    while (first?.goOn());
    turn(text(3, 20));
    expect(subscriber.got.map(({ length }) => length)).toEqual([halved.length, 7 * 1024 * 1024, 20]);
    expect(subscriber.deflated).toBe(1);
  });

  test('is not waited for any more when too much has come behind it: then all goes as it is', () => {
    const subscriber = subscriberOf(DEFLATED_15, 'x');
    for (let i = 0; i < 15; i++) turn(large(i));
    expect(subscriber.got).toEqual([]);
    turn(large(15));
    expect([subscriber.got.length, subscriber.deflated]).toEqual([16, 0]);
    turn(text(16));
    deflater.round();
    expect([subscriber.got.length, subscriber.deflated]).toEqual([17, 1]);
    expect(deflater.members).toEqual([]);
    expect(counters.get(Counter.DEFLATED_MESSAGES)).toBe(1);
  });

  test('is not waited for any more when too many small ones have come behind it, to topics that take turns', () => {
    const [subscriber, other] = [subscriberOf(DEFLATED_15, 'x'), subscriberOf(DEFLATED_15, 'y')];
    const publishMany = () => {
      for (let i = 0; i < 50_000; i++) publishText(topics, i % 2 === 0 ? 'y' : 'x', 'a');
    };
    turn(large(1));
    publishMany();
    expect(other.got).toEqual([]);
    publishMany();
    expect(other.got.length).toBeGreaterThan(25_000);
    expect([subscriber.got[0] === large(1), subscriber.deflated]).toEqual([true, 0]);
  });

  test('is not waited for any more after half a second, from when the first was published: then all goes as it is', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const schedule = vi.fn();
      topics = new Topics(outlet, schedule);
      topics.compressBy(deflater);
      const subscriber = subscriberOf(DEFLATED_15, 'x');
      turn(large(1), text(2));
      vi.advanceTimersByTime(400);
      turn(large(3));
      schedule.mockClear();
      vi.advanceTimersByTime(99);
      expect(schedule).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(schedule).toHaveBeenCalledOnce();
      topics.flush();
      expect([subscriber.got, subscriber.deflated]).toEqual([[large(1), text(2), large(3)], 1]);
      deflater.finish();
      turn(large(4));
      vi.advanceTimersByTime(499);
      deflater.finish();
      topics.flush();
      expect(subscriber.deflated).toBe(2);
      schedule.mockClear();
      vi.advanceTimersByTime(1000);
      expect(schedule).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });

  test('is not lost if everything has to go now', () => {
    const subscriber = subscriberOf(DEFLATED_15, 'x');
    turn(large(1), text(2));
    topics.flushAll();
    expect([subscriber.got, subscriber.deflated]).toEqual([[large(1), text(2)], 1]);
    deflater.finish();
    topics.flush();
    expect(subscriber.got).toHaveLength(2);
  });

  test('that is published during a delivery waits like any other', () => {
    const subscriber = subscriberOf(DEFLATED_15, 'x');
    outlet.post = () => {
      outlet.post = () => {};
      publishText(topics, 'x', large(2));
      publishText(topics, 'x', text(3));
    };
    turn(text(1));
    topics.flush();
    expect(subscriber.got).toEqual([text(1)]);
    deflater.finish();
    topics.flush();
    expect([subscriber.got, subscriber.deflated]).toEqual([[text(1), large(2), text(3)], 3]);
  });

  test('holds its memory until it is delivered, and not longer', () => {
    const subscriber = subscriberOf(DEFLATED_15, 'x');
    turn(large(1));
    for (let i = 0; i < 20; i++) turn(text(i, 100_000));
    deflater.finish();
    topics.flush();
    expect(subscriber.got).toEqual([large(1), ...Array.from({ length: 20 }, (_, i) => text(i, 100_000))]);
    for (const { memory } of subscriber.deliveries) expect(memory.isFree).toBe(true);
  });
});

describe('what has come from another process', () => {
  test('is compressed as if it was published here: what is long enough, once for each window', () => {
    const subscribers = [PLAIN, DEFLATED_15, DEFLATED_15, DEFLATED_8].map((dialect) => subscriberOf(dialect, 'x'));
    const texts = [text(1, 300), 'short', text(2, 300), text(3, 100)];
    topics.relay('x', textFrames(...texts), texts.length, true);
    topics.flush();
    for (const { got } of subscribers) expect(got).toEqual(texts);
    expect(subscribers.map(({ deflated }) => deflated)).toEqual([0, 3, 3, 3]);
    expect(deflater.windows).toEqual([15, 8, 15, 8, 15]);
  });

  test('is not compressed if its publisher has said so, or if nobody here can have it compressed', () => {
    const plain = subscriberOf(PLAIN, 'y');
    const deflated = subscriberOf(DEFLATED_15, 'x');
    topics.relay('x', textFrames(text(1), text(2)), 2, false);
    topics.relay('y', textFrames(text(1), text(2)), 2, true);
    topics.flush();
    expect([plain.got, deflated.got]).toEqual([
      [text(1), text(2)],
      [text(1), text(2)],
    ]);
    expect(deflater.windows).toEqual([]);
  });

  test('keeps its order behind one that is compressed in the background', () => {
    const [plain, deflated] = [subscriberOf(PLAIN, 'x'), subscriberOf(DEFLATED_15, 'x')];
    const texts = [text(1), text(2, 300_000), text(3)];
    topics.relay('x', textFrames(...texts), texts.length, true);
    topics.flush();
    expect([plain.got, deflated.got]).toEqual([[], []]);
    topics.flushAll();
    expect([plain.got, deflated.got]).toEqual([texts, texts]);
  });
});

test('a publication that must not be compressed is known as such, also by other threads', () => {
  outlet.dialects = 1 << DEFLATED_15;
  publishText(topics, 'x', 'a', undefined, true);
  publishText(topics, 'x', 'b', undefined, false);
  publishText(topics, 'x', 'c', undefined, false);
  topics.flush();
  expect(outlet.posted.map(({ messages, mayCompress }) => [messages, mayCompress])).toEqual([
    [1, true],
    [2, false],
  ]);
  const { runs } = decodeBatch(encodeBatch(outlet.posted, 3));
  expect(runs.map(({ messages, mayCompress }) => [messages, mayCompress])).toEqual([
    [1, true],
    [2, false],
  ]);
});
