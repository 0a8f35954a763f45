import { beforeEach, describe, expect, test } from 'vitest';
import { Bus } from '../../dist/pubsub/bus.js';
import { FleetOutlet, type Uplink } from '../../dist/pubsub/fleet-outlet.js';
import type { PublicationRun } from '../../dist/pubsub/publication-run.js';
import { Topics } from '../../dist/pubsub/topics.js';
import { FakeSubscriber, publishText } from './fake-subscriber.js';
import { textFrames } from './text-frames.js';

/** Stands for the other threads. */
class FakeBus extends Bus {
  readonly posted: PublicationRun[] = [];
  hasPeers = false;
  owed: string | undefined;

  constructor() {
    super(undefined as never, { maxOwedBytes: 1024 * 1024, slowThreadTimeoutMs: 1000 });
  }

  override wants(): boolean {
    return this.hasPeers;
  }

  override post(runs: readonly PublicationRun[]): void {
    this.posted.push(...runs);
  }

  override owes(topic: string): boolean {
    return topic === this.owed;
  }
}

class FakeUplink implements Uplink {
  isOpen = true;
  isSlow = false;
  /** The topic and the frames of each run. */
  readonly published: [topic: string, frames: string, messages: number][] = [];

  publish({ topic, chunk, start, end, messages }: PublicationRun): void {
    this.published.push([topic, chunk.bytes.toString('latin1', start, end), messages]);
  }

  room(): Promise<void> {
    return Promise.resolve();
  }
}

let bus: FakeBus;
let uplink: FakeUplink;
let topics: Topics;

beforeEach(() => {
  bus = new FakeBus();
  uplink = new FakeUplink();
  topics = new Topics(new FleetOutlet(bus, uplink), () => {});
});

describe('a publication of the primary', () => {
  test('goes to other threads and to other processes, also if nobody has subscribed here', () => {
    publishText(topics, 'x', 'one');
    publishText(topics, 'x', 'two');
    topics.flush();
    expect(bus.posted.map(({ messages }) => messages)).toEqual([2]);
    expect(uplink.published).toEqual([['x', '\x81\x03one\x81\x03two', 2]]);
  });

  test('goes to other processes without the subscriber that is not to get it', () => {
    const publisher = new FakeSubscriber();
    topics.subscribe(publisher, 'x');
    publishText(topics, 'x', 'one', publisher);
    topics.flush();
    expect([publisher.got, uplink.published]).toEqual([[], [['x', '\x81\x03one', 1]]]);
  });

  test('takes no memory while there is no fleet and nobody wants it', () => {
    uplink.isOpen = false;
    publishText(topics, 'x', 'one');
    expect(topics.hasPending).toBe(false);
    bus.hasPeers = true;
    publishText(topics, 'x', 'one');
    topics.flush();
    expect([bus.posted.length, uplink.published.length]).toEqual([1, 0]);
  });

  test('is to be followed by no other while the fleet is slow, or a thread is owed too much', () => {
    expect(publishText(topics, 'x', 'one')).toBe(true);
    uplink.isSlow = true;
    expect(publishText(topics, 'x', 'one')).toBe(false);
    expect(topics.isCongested('x')).toBe(true);
    uplink.isSlow = false;
    expect(topics.isCongested('x')).toBe(false);
    bus.isCongested = true;
    bus.owed = 'x';
    expect([publishText(topics, 'x', 'one'), publishText(topics, 'y', 'one')]).toEqual([false, true]);
  });
});

describe('what has come from another process', () => {
  test('goes to subscribers here and to other threads, and never out again', () => {
    const subscriber = new FakeSubscriber();
    topics.subscribe(subscriber, 'x');
    topics.relay('x', textFrames('one', 'two'), 2, true);
    publishText(topics, 'x', 'ours');
    topics.relay('x', textFrames('three'), 1, true);
    topics.flush();
    expect(subscriber.got).toEqual(['one', 'two', 'ours', 'three']);
    expect(bus.posted.map(({ messages, isFromFleet }) => [messages, isFromFleet])).toEqual([
      [2, true],
      [1, false],
      [1, true],
    ]);
    expect(uplink.published).toEqual([['x', '\x81\x04ours', 1]]);
  });

  test('is one run if it came for one topic, however often', () => {
    topics.relay('x', textFrames('one', 'two'), 2, true);
    topics.relay('x', textFrames('three'), 1, true);
    topics.flush();
    expect(bus.posted.map(({ messages }) => messages)).toEqual([3]);
  });

  test('holds back no connection whose hook happens to run', () => {
    const held: string[] = [];
    topics.publisher = { holdBack: (topic) => held.push(topic) };
    uplink.isSlow = true;
    topics.relay('x', textFrames('one'), 1, true);
    topics.flush();
    expect([held, bus.posted.map(({ isHeldBack }) => isHeldBack)]).toEqual([[], [false]]);
  });
});

test('a watcher is told of the first and the last subscriber of each topic', () => {
  const told: string[] = [];
  topics.watchBy({ join: (topic) => told.push(`+ ${topic}`), leave: (topic) => told.push(`- ${topic}`) });
  const [one, other] = [new FakeSubscriber(), new FakeSubscriber(-1, 1)];
  topics.subscribe(one, 'x');
  topics.subscribe(other, 'x');
  topics.subscribe(other, 'y');
  topics.unsubscribe(one, 'x');
  expect(told).toEqual(['+ x', '+ y']);
  topics.forget(other);
  expect(told).toEqual(['+ x', '+ y', '- x', '- y']);
  topics.subscribe(one, 'x');
  expect(told.slice(4)).toEqual(['+ x']);
});
