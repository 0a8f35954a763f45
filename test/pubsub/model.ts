import fc from 'fast-check';
import { expect } from 'vitest';
import { type Batch, chunksOf, decodeBatch, encodeBatch } from '../../dist/pubsub/batch.js';
import { Dialect } from '../../dist/pubsub/dialect.js';
import { Topics } from '../../dist/pubsub/topics.js';
import type { SharedChunk } from '../../dist/pubsub/shared-chunk.js';
import { FakeSender, FakeSubscriber, publishText } from './fake-subscriber.js';
import { ManualDeflater } from './manual-rounds.js';
import { Counters } from '../../dist/telemetry/counters.js';

/**
 * The topics of two threads, compared with a model. An outlet connects the threads, and keeps batches until the test lets them
 * arrive. The model appends each message at once to the list of each receiver: in the thread of the publisher when it is
 * published, in the other thread when its batch arrives. Subscribers have different dialects, and understand no other.
 */

const NAMES = ['a', 'b', 'c'] as const;
const DIALECTS = [Dialect.PLAIN, Dialect.DEFLATED_15, Dialect.PLAIN, Dialect.DEFLATED_12, Dialect.DEFLATED_8] as const;
const SUBSCRIBERS = DIALECTS.length;
/** One for all threads and runs: it keeps nothing from message to message. */
const DEFLATER = new ManualDeflater({ kernel: 'wasm', level: 'fast', thresholdBytes: 20 }, new Counters());

type Step =
  | { readonly step: 'subscribe' | 'unsubscribe'; readonly who: number; readonly topic: number }
  | {
      readonly step: 'publish';
      readonly thread: number;
      readonly topic: number;
      readonly size: number;
      readonly except: number | undefined;
      readonly mayCompress: boolean;
    }
  /** A message that is no publication is sent to a subscriber. */
  | { readonly step: 'send' | 'forget' | 'slow' | 'read'; readonly who: number }
  /** The end of a turn; the next batch of the other thread. */
  | { readonly step: 'flush'; readonly thread: number }
  | { readonly step: 'arrive'; readonly thread: number }
  /** What takes long to compress goes on. */
  | { readonly step: 'compress' };

/** Subscriber `who` belongs to thread `who mod 2`. */
export function steps(maxSteps: number, maxBytes: number): fc.Arbitrary<readonly Step[]> {
  const who = fc.nat({ max: SUBSCRIBERS - 1 });
  const topic = fc.nat({ max: NAMES.length - 1 });
  const thread = fc.nat({ max: 1 });
  const size = fc.oneof(
    { weight: 9, arbitrary: fc.nat({ max: 300 }) },
    { weight: 1, arbitrary: fc.nat({ max: maxBytes }) },
  );
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ step: fc.constant('subscribe' as const), who, topic }) },
    { weight: 2, arbitrary: fc.record({ step: fc.constant('unsubscribe' as const), who, topic }) },
    {
      weight: 12,
      arbitrary: fc.record({
        step: fc.constant('publish' as const),
        thread,
        topic,
        size,
        except: fc.option(who, { nil: undefined, freq: 2 }),
        mayCompress: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ step: fc.constant('send' as const), who }) },
    {
      weight: 1,
      arbitrary: fc.record({ step: fc.constantFrom('forget' as const, 'slow' as const, 'read' as const), who }),
    },
    { weight: 3, arbitrary: fc.record({ step: fc.constant('compress' as const) }) },
    { weight: 4, arbitrary: fc.record({ step: fc.constantFrom('flush' as const, 'arrive' as const), thread }) },
  );
  return fc.array(step, { maxLength: maxSteps, size: 'max' });
}

interface Published {
  readonly topic: string;
  readonly text: string;
}

interface Posted {
  readonly batch: Batch;
  readonly chunks: readonly SharedChunk[];
  readonly published: readonly Published[];
}

class Thread {
  /** The batches that the other thread has posted, and the same messages in the model. */
  readonly arriving: Posted[] = [];
  /** The messages that were published in this turn. */
  published: Published[] = [];
  readonly topics: Topics;
  readonly sender = new FakeSender();

  constructor(post: (posted: Posted) => void) {
    this.topics = new Topics(
      {
        wants: () => true,
        deflatedDialectsOf: () => 2 * this.published.length, // all sets in turn
        join: () => {},
        leave: () => {},
        isCongested: false,
        owes: () => false,
        post: (runs) => {
          const chunks = [...chunksOf(runs)];
          for (const chunk of chunks) chunk.acquire();
          post({ batch: encodeBatch(runs, -1), chunks, published: this.published });
          this.published = [];
        },
      },
      () => {},
    );
    this.topics.sendBy(this.sender);
    this.topics.compressBy(DEFLATER);
  }
}

interface Modelled {
  readonly real: FakeSubscriber;
  readonly topics: Set<string>;
  readonly expected: string[];
}

/** Takes the steps with both. @throws if they differ. */
export function runModel(taken: readonly Step[]): void {
  DEFLATER.members = [];
  const threads: [Thread, Thread] = [
    new Thread((posted) => threads[1].arriving.push(posted)),
    new Thread((posted) => threads[0].arriving.push(posted)),
  ];
  const threadOf = (who: number) => threads[who % 2] as Thread;
  // All but one have descriptors, which do not always take everything.
  const subscribers = Array.from({ length: SUBSCRIBERS }, (_, who): Modelled => {
    const real = new FakeSubscriber(who === 0 ? -1 : who, DIALECTS[who]);
    threadOf(who).sender.subscribers.set(who, real);
    return { real, topics: new Set(), expected: [] };
  });
  let count = 0;
  for (const { sender } of threads) sender.takes = (offered) => (count % 4 === 0 ? (count * 7919) % offered : offered);

  const receive = (thread: number, { topic, text }: Published, except?: number) => {
    for (const [who, { topics, expected }] of subscribers.entries()) {
      if (who % 2 === thread && who !== except && topics.has(topic)) expected.push(text);
    }
  };
  const publish = ({ thread, topic, size, except, mayCompress }: Extract<Step, { step: 'publish' }>) => {
    const published = { topic: NAMES[topic] as string, text: `${++count} `.padEnd(size, '.') };
    const { topics } = threads[thread] as Thread;
    (threads[thread] as Thread).published.push(published); // first, because much is posted at once
    const excepted = except === undefined ? undefined : subscribers[except]?.real;
    publishText(topics, published.topic, published.text, excepted, mayCompress);
    receive(thread, published, except);
  };
  const arrive = (thread: number) => {
    const { arriving, topics } = threads[thread] as Thread;
    const posted = arriving.shift();
    if (posted === undefined) return;
    topics.flushAll(); // what waits would come behind it: here everything of this thread comes in front
    topics.receive(decodeBatch(posted.batch).runs);
    for (const chunk of posted.chunks) chunk.release();
    for (const published of posted.published) receive(thread, published);
  };
  const act = (step: Exclude<Step, { step: 'publish' | 'flush' | 'arrive' | 'compress' }>) => {
    const { topics } = threadOf(step.who);
    const subscriber = subscribers[step.who] as Modelled;
    const { real, expected } = subscriber;
    if (step.step === 'subscribe') {
      topics.subscribe(real, NAMES[step.topic] as string);
      subscriber.topics.add(NAMES[step.topic] as string);
    } else if (step.step === 'unsubscribe') {
      topics.unsubscribe(real, NAMES[step.topic] as string);
      subscriber.topics.delete(NAMES[step.topic] as string);
    } else if (step.step === 'send') {
      topics.catchUp(real);
      if (real.subscription !== undefined) topics.block(real);
      // A slow one has its own queue, which keeps the order.
      real.readHeld();
      real.got.push(`sent ${++count}`);
      expected.push(`sent ${count}`);
    } else if (step.step === 'forget') {
      // It would lose the publications of this turn. Here it reads them first, so that the model can be simple.
      topics.catchUp(real);
      topics.forget(real);
      subscriber.topics.clear();
    } else if (step.step === 'slow') {
      real.isSlow = true;
    } else {
      real.readHeld();
      real.isSlow = false;
    }
  };

  for (const step of taken) {
    if (step.step === 'publish') publish(step);
    else if (step.step === 'flush') threads[step.thread]?.topics.flush();
    else if (step.step === 'arrive') arrive(step.thread);
    else if (step.step === 'compress') DEFLATER.round();
    else act(step);
  }
  DEFLATER.finish();
  for (const { topics } of threads) topics.flush();
  for (const thread of threads.keys()) while (threads[thread]?.arriving.length !== 0) arrive(thread);
  for (const [who, { real, expected }] of subscribers.entries()) {
    real.readHeld();
    expect(real.got.map(abridged), `subscriber ${who}`).toEqual(expected.map(abridged));
    expect(real.got.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  }
  for (const { memory } of subscribers.flatMap(({ real }) => real.deliveries)) {
    expect(memory.isFree, 'memory is still held').toBe(true);
  }
}

/** A text without its padding. The length is compared separately. */
function abridged(text: string): string {
  return text.replace(/\.+$/, '');
}
