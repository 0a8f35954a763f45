import { describe, expect, it } from 'vitest';
import { simulateTopic, type TopicOptions, topicBounds } from '../../../bench/ten-million/topic.js';

/** One node with one thread, a network without end, and no pauses: 1000 subscribers take a second. */
const SIMPLE: TopicOptions = {
  subscribers: 1000,
  nodes: 1,
  threads: 1,
  deliveryMicros: 1000,
  crossingMicros: 0,
  inMicros: 0,
  engineMs: 0,
  wireBytes: 125,
  gigabitsPerSecond: 1e9,
  busyShare: 0,
  pauseEverySeconds: 0,
  pauseMs: 0,
  messagesPerSecond: 0.5,
  seconds: 20,
  seed: 1,
};

const topic = (more: Partial<TopicOptions> = {}) => simulateTopic({ ...SIMPLE, ...more });

describe('a message to very many subscribers', () => {
  it('comes to the last when it has been written to all, one after another', () => {
    const { messages, lastMedianMs, lastMaxMs, meanMs, fullestThread } = topic();
    expect(messages).toBe(10);
    expect(lastMedianMs).toBeCloseTo(1000);
    expect(lastMaxMs).toBeCloseTo(1000);
    expect(meanMs).toBeCloseTo(500);
    expect(fullestThread).toBe(1);
  });

  it('takes the time of the thread that has most subscribers', () => {
    const { lastMedianMs, fullestThread } = topic({ threads: 4, nodes: 5 });
    expect(fullestThread).toBeGreaterThan(1);
    expect(lastMedianMs).toBeCloseTo((1000 / 20) * fullestThread);
  });

  it('takes the way through engine, primary and thread as well', () => {
    expect(topic({ engineMs: 7, inMicros: 2000, crossingMicros: 1000 }).lastMedianMs).toBeCloseTo(1000 + 7 + 2 + 1);
  });

  it('takes longer by what other traffic takes', () => {
    expect(topic({ busyShare: 0.5 }).lastMedianMs).toBeCloseTo(2000);
  });

  it('takes the time of the network where that is the slower one', () => {
    // 1000 times 1000 bits, at 200 000 bits per second.
    const { lastMedianMs, meanMs } = topic({ gigabitsPerSecond: 0.0002, messagesPerSecond: 0.1 });
    expect(lastMedianMs).toBeCloseTo(5000);
    expect(meanMs).toBeCloseTo(2500);
  });

  it('takes longer where a thread stops meanwhile, and never less', () => {
    const some = topic({ pauseEverySeconds: 3, pauseMs: 200, seconds: 200 });
    expect(some.lastMedianMs).toBeGreaterThanOrEqual(1000);
    expect(some.lastMaxMs).toBeGreaterThanOrEqual(1200);
    // Of each second, 1/16 is a pause: the mean wait grows, but not by more than a few of them.
    expect(some.lastMaxMs).toBeLessThan(3000);
  });

  it('keeps its time as long as the rate is below what the arithmetic allows, and is late more and more above', () => {
    const { threads } = topicBounds(SIMPLE);
    expect(threads).toBeCloseTo(1);
    expect(topic({ messagesPerSecond: threads * 0.99, seconds: 200 }).lastMaxMs).toBeCloseTo(1000);
    const late = topic({ messagesPerSecond: threads * 1.1, seconds: 200 });
    expect(late.lastMaxMs).toBeGreaterThan(15_000);
  });

  it('goes the same way for the same seed, and another way for another', () => {
    const options = { threads: 4, nodes: 3, pauseEverySeconds: 3, pauseMs: 20 };
    expect(topic(options)).toEqual(topic(options));
    expect(topic({ ...options, seed: 2 })).not.toEqual(topic(options));
  });

  it('goes to nobody without subscribers', () => {
    expect(topic({ subscribers: 1, nodes: 3, threads: 2 }).lastMaxMs).toBeCloseTo(1);
  });
});

describe('the bounds of a topic', () => {
  it('are what threads, network and primary can carry, less what other traffic takes', () => {
    const options = { ...SIMPLE, threads: 4, inMicros: 1000, crossingMicros: 250_000, gigabitsPerSecond: 0.002 };
    expect(topicBounds(options)).toEqual({ threads: 2, network: 2, primary: 1000 });
    const halves = topicBounds({ ...options, busyShare: 0.5 });
    expect(halves).toEqual({ threads: 1, network: 1, primary: 500 });
  });

  it('are higher with more nodes', () => {
    const network = (nodes: number) => topicBounds({ ...SIMPLE, gigabitsPerSecond: 1, nodes }).network;
    expect(network(8)).toBeCloseTo(8 * network(1));
  });
});
