/**
 * A topic with very many subscribers on several nodes, and messages at a steady rate: how long a message takes to the last of them. A
 * discrete-event simulation, which repeats itself for the same seed.
 *
 * A message goes from the engine to the primary of every node, one after another; from there to each thread; each thread writes it to its
 * subscribers, one after another. The node's network sends what the threads have written. Subscribers are on threads by chance, so that
 * some have more than others. Threads stop now and then (garbage collection, hooks that take long): for the same time, at random moments.
 */
import { FifoServers } from './fifo-servers.js';
import { exponential, seededRandom } from './random.js';

export interface TopicOptions {
  readonly subscribers: number;
  readonly nodes: number;
  /** Threads of a node that run at the same time. */
  readonly threads: number;
  /** CPU time for a message to one subscriber. */
  readonly deliveryMicros: number;
  /** CPU time for a message to come to a thread. */
  readonly crossingMicros: number;
  /** CPU time of the primary for a message that comes from the engine. */
  readonly inMicros: number;
  /** From the publisher through the engine to a node. */
  readonly engineMs: number;
  /** What a message to one subscriber is on the network, with all headers. */
  readonly wireBytes: number;
  readonly gigabitsPerSecond: number;
  /** The part (0 to 1, excluded) of CPU and network that other traffic takes. */
  readonly busyShare: number;
  /** Each thread stops so often on average, and for so long. 0 seconds: never. */
  readonly pauseEverySeconds: number;
  readonly pauseMs: number;
  readonly messagesPerSecond: number;
  /** How long messages are published. */
  readonly seconds: number;
  readonly seed: number;
}

export interface TopicResult {
  readonly messages: number;
  /** From the publication of a message until the last subscriber has it: median, 99th percentile and longest of all messages. */
  readonly lastMedianMs: number;
  readonly lastP99Ms: number;
  readonly lastMaxMs: number;
  /** From the publication until a subscriber has it, on average of all subscribers and messages. */
  readonly meanMs: number;
  /** Subscribers of the thread that has most of them, in proportion to the average. */
  readonly fullestThread: number;
}

/** What bounds the rate of a topic, and at how many messages per second each would be used up. */
export interface TopicBounds {
  /** Of the thread with the average number of subscribers. */
  readonly threads: number;
  readonly network: number;
  readonly primary: number;
}

const MICROS = 1e-6;

/** The rates that the arithmetic allows, without pauses. */
export function topicBounds(options: TopicOptions): TopicBounds {
  const { subscribers, nodes, threads, deliveryMicros, crossingMicros, inMicros, busyShare } = options;
  const free = 1 - busyShare;
  const own = subscribers / nodes;
  return {
    threads: free / (((own / threads) * deliveryMicros + crossingMicros) * MICROS),
    network: free / (own * secondsOnWire(options)),
    primary: inMicros === 0 ? Number.POSITIVE_INFINITY : free / (inMicros * MICROS),
  };
}

export function simulateTopic(options: TopicOptions): TopicResult {
  const { messagesPerSecond, seconds, seed, engineMs } = options;
  const random = seededRandom(seed);
  const nodes = makeNodes(options, random);
  const messages = Math.round(messagesPerSecond * seconds);
  const lasts = new Float64Array(messages);
  let sum = 0;
  for (let message = 0; message < messages; message++) {
    const published = message / messagesPerSecond;
    let last = 0;
    for (const node of nodes) {
      const delivery = node.deliver(published + engineMs / 1000);
      last = Math.max(last, delivery.last - published);
      sum += delivery.sum - node.subscribers * published;
    }
    lasts[message] = last * 1000;
  }
  lasts.sort();
  const at = (part: number) => lasts[Math.max(0, Math.ceil(messages * part) - 1)] ?? 0;
  const { subscribers, threads } = options;
  const most = nodes.reduce((fullest, node) => Math.max(fullest, node.fullestThread), 0);
  return {
    messages,
    lastMedianMs: at(0.5),
    lastP99Ms: at(0.99),
    lastMaxMs: at(1),
    meanMs: (sum / (messages * subscribers)) * 1000,
    fullestThread: most / (subscribers / (options.nodes * threads)),
  };
}

/** Each subscriber is on any thread of any node, with the same chance. */
function makeNodes(options: TopicOptions, random: () => number): readonly Node[] {
  const { subscribers, nodes, threads } = options;
  const counts = new Uint32Array(nodes * threads);
  for (let i = 0; i < subscribers; i++) {
    const thread = Math.floor(random() * counts.length);
    counts[thread] = (counts[thread] as number) + 1;
  }
  return Array.from({ length: nodes }, (_, i) => {
    const own = counts.subarray(i * threads, (i + 1) * threads);
    return new Node(options, [...own], random);
  });
}

function secondsOnWire({ wireBytes, gigabitsPerSecond }: TopicOptions): number {
  return (wireBytes * 8) / (gigabitsPerSecond * 1e9);
}

class Node {
  readonly subscribers: number;
  readonly fullestThread: number;
  readonly #options: TopicOptions;
  readonly #primary: FifoServers;
  readonly #threads: readonly Thread[];
  readonly #networkSeconds: number;
  #networkFreeAt = 0;

  constructor(options: TopicOptions, counts: readonly number[], random: () => number) {
    const free = 1 - options.busyShare;
    this.#options = options;
    this.subscribers = counts.reduce((sum, count) => sum + count, 0);
    this.fullestThread = Math.max(...counts);
    this.#primary = new FifoServers(1, (options.inMicros * MICROS) / free);
    this.#threads = counts.map((count) => new Thread(options, count, random));
    this.#networkSeconds = (this.subscribers * secondsOnWire(options)) / free;
  }

  /**
   * A message comes from the engine.
   * @returns when the last subscriber has it, and the sum of the times at which they have it
   */
  deliver(time: number): { readonly last: number; readonly sum: number } {
    if (this.subscribers === 0) return { last: time, sum: 0 };
    const ready = this.#primary.enter(time) + this.#primary.seconds;
    let written = ready;
    let sum = 0;
    for (const thread of this.#threads) {
      if (thread.subscribers === 0) continue;
      const { start, end } = thread.write(ready);
      written = Math.max(written, end);
      sum += (thread.subscribers * (start + end)) / 2;
    }
    // The network sends while the threads write, and cannot end before the last of them has.
    const sent = Math.max(ready, this.#networkFreeAt) + this.#networkSeconds;
    this.#networkFreeAt = sent;
    const onWire = secondsOnWire(this.#options);
    const last = Math.max(sent, written + onWire);
    // If the network is the slower one, it spreads the same messages over the time until its end.
    const slowest = (this.subscribers * (2 * sent - this.#networkSeconds)) / 2;
    return { last, sum: Math.max(sum, slowest) };
  }
}

class Thread {
  readonly subscribers: number;
  readonly #seconds: number;
  readonly #pauseSeconds: number;
  readonly #nextPause: () => number;
  #pauseAt: number;
  #freeAt = 0;

  constructor(options: TopicOptions, subscribers: number, random: () => number) {
    const { deliveryMicros, crossingMicros, busyShare, pauseEverySeconds, pauseMs } = options;
    this.subscribers = subscribers;
    this.#seconds = ((subscribers * deliveryMicros + crossingMicros) * MICROS) / (1 - busyShare);
    this.#pauseSeconds = pauseMs / 1000;
    this.#nextPause = () =>
      pauseEverySeconds === 0 ? Number.POSITIVE_INFINITY : exponential(random, pauseEverySeconds);
    this.#pauseAt = this.#nextPause();
  }

  /** @returns when the first subscriber is written to, and when all have been. */
  write(time: number): { readonly start: number; readonly end: number } {
    let start = Math.max(time, this.#freeAt);
    while (this.#pauseAt <= start) start = Math.max(start, this.#passPause());
    let end = start + this.#seconds;
    while (this.#pauseAt < end) {
      end += this.#pauseSeconds;
      this.#passPause();
    }
    this.#freeAt = end;
    return { start, end };
  }

  /** @returns when the pause that comes next ends */
  #passPause(): number {
    const end = this.#pauseAt + this.#pauseSeconds;
    this.#pauseAt = end + this.#nextPause();
    return end;
  }
}
