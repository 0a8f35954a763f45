import { beforeEach, describe, expect, test } from 'vitest';
import type { Outlet } from '../../dist/pubsub/outlet.js';
import type { PublicationRun } from '../../dist/pubsub/publication-run.js';
import { Topics } from '../../dist/pubsub/topics.js';
import { FakeSender, FakeSubscriber, publishText } from './fake-subscriber.js';

/** Stands for the other threads. */
class FakeOutlet implements Outlet {
  hasPeers = false;
  readonly posted: (readonly PublicationRun[])[] = [];
  readonly joined: string[] = [];
  isCongested = false;

  wants(): boolean {
    return this.hasPeers;
  }

  deflatedDialectsOf(): number {
    return 0;
  }

  post(runs: readonly PublicationRun[]): void {
    if (this.hasPeers) this.posted.push(runs);
  }

  join(topic: string): void {
    this.joined.push(topic);
  }

  leave(topic: string): void {
    this.joined.splice(this.joined.indexOf(topic), 1);
  }

  owes(topic: string): boolean {
    return topic === 'owed';
  }
}

let outlet: FakeOutlet;
let scheduled: number;
let topics: Topics;

beforeEach(() => {
  outlet = new FakeOutlet();
  scheduled = 0;
  topics = new Topics(outlet, () => scheduled++);
});

/** New subscribers of these topics. */
function subscriberOf(...names: string[]): FakeSubscriber {
  const subscriber = new FakeSubscriber();
  for (const name of names) topics.subscribe(subscriber, name);
  return subscriber;
}

const publish = (topic: string, text: string, except?: FakeSubscriber) => publishText(topics, topic, text, except);

describe('a publication', () => {
  test('goes to all subscribers of its topic when the turn ends, and to nobody else', () => {
    const [a, b, other] = [subscriberOf('x'), subscriberOf('x'), subscriberOf('y')];
    publish('x', 'hello');
    expect(topics.hasPending).toBe(true);
    expect(scheduled).toBe(1);
    expect(a.got).toEqual([]);
    topics.flush();
    expect(topics.hasPending).toBe(false);
    expect([a.got, b.got, other.got]).toEqual([['hello'], ['hello'], []]);
    topics.flush();
    expect(a.got).toEqual(['hello']);
  });

  test('is framed once: all subscribers are given the same memory', () => {
    const subscribers = [subscriberOf('x'), subscriberOf('x'), subscriberOf('x', 'y')];
    publish('x', 'hello');
    topics.flush();
    const [first, ...others] = subscribers.flatMap(({ deliveries }) => deliveries);
    expect(others).toHaveLength(2);
    for (const delivery of others) {
      expect(delivery.memory).toBe(first?.memory);
      expect([delivery.start, delivery.end]).toEqual([first?.start, first?.end]);
    }
  });

  test.each([0, 1, 125, 126, 0xffff, 0x1_0000, 300_000])('of %d bytes is framed with the shortest header', (length) => {
    const subscriber = subscriberOf('x');
    publish('x', 'x'.repeat(length));
    topics.flush();
    expect(subscriber.got).toEqual(['x'.repeat(length)]);
    const [{ start, end } = { start: 0, end: 0 }] = subscriber.deliveries;
    expect(end - start - length).toBe(length <= 125 ? 2 : length <= 0xffff ? 4 : 10);
  });

  test('without subscribers takes no memory', () => {
    const gone = subscriberOf('x');
    topics.unsubscribe(gone, 'x');
    publish('x', 'to nobody');
    publish('never heard of', 'to nobody');
    expect(topics.hasPending).toBe(false);
    expect(scheduled).toBe(0);
  });

  test('goes to other threads also without subscribers in this thread', () => {
    outlet.hasPeers = true;
    publish('x', 'hello');
    topics.flush();
    expect(outlet.posted).toHaveLength(1);
    expect(outlet.posted[0]?.map(({ topic, messages }) => [topic, messages])).toEqual([['x', 1]]);
  });

  test('does not go to the subscriber that it excludes', () => {
    const [publisher, other] = [subscriberOf('x'), subscriberOf('x')];
    publish('x', '1', publisher);
    publish('x', '2', publisher);
    publish('x', '3');
    publish('x', '4', other);
    topics.flush();
    expect(publisher.got).toEqual(['3', '4']);
    expect(other.got).toEqual(['1', '2', '3']);
  });
});

describe('the publications of a turn', () => {
  test('to one topic come in one delivery', () => {
    const subscribers = [subscriberOf('x'), subscriberOf('x')];
    for (let i = 0; i < 100; i++) publish('x', `message ${i}`);
    topics.flush();
    for (const { got, deliveries } of subscribers) {
      expect(deliveries).toHaveLength(1);
      expect(got).toEqual(Array.from({ length: 100 }, (_, i) => `message ${i}`));
    }
  });

  test('to one topic come in one delivery also with publications to other topics between them', () => {
    const [x, y] = [subscriberOf('x'), subscriberOf('y')];
    for (const text of ['1', '2', '3']) {
      publish('x', `x${text}`);
      publish('y', `y${text}`);
    }
    topics.flush();
    expect([x.got, y.got]).toEqual([
      ['x1', 'x2', 'x3'],
      ['y1', 'y2', 'y3'],
    ]);
    expect([x.deliveries.length, y.deliveries.length]).toEqual([1, 1]);
  });

  test('to one topic come in one delivery also if some exclude a subscriber', () => {
    const [a, b, c] = [subscriberOf('x'), subscriberOf('x'), subscriberOf('x')];
    publish('x', 'from a', a);
    publish('x', 'from b', b);
    publish('x', 'from a again', a);
    topics.flush();
    expect(a.got).toEqual(['from b']);
    expect(b.got).toEqual(['from a', 'from a again']);
    expect(c.got).toEqual(['from a', 'from b', 'from a again']);
    expect(c.deliveries).toHaveLength(1);
  });

  test('to one topic come in one delivery also if they take more than a chunk', () => {
    const subscriber = subscriberOf('x');
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(30_000));
    for (const text of texts) publish('x', text);
    topics.flush();
    expect(subscriber.deliveries).toHaveLength(1);
    expect(subscriber.got).toEqual(texts);
  });

  test('to one topic are not mixed up with publications to another topic that lie directly behind them', () => {
    const [x, y] = [subscriberOf('x'), subscriberOf('y')];
    // The first fills more than half of a chunk. The second is as long and goes to the next chunk. The third comes behind it.
    const texts = ['1', '2'].map((text) => text.repeat(150_000)) as [string, string];
    publish('x', texts[0]);
    publish('y', texts[1]);
    publish('x', '3');
    topics.flush();
    expect(x.got).toEqual([texts[0], '3']);
    expect(y.got).toEqual([texts[1]]);
  });

  test('to several topics of a subscriber come in the order of publishing', () => {
    const [both, all] = [subscriberOf('x', 'y'), subscriberOf('y', 'x', 'z')];
    const only = subscriberOf('x');
    for (const [topic, text] of ['x1', 'y2', 'z3', 'x4', 'x5', 'y6', 'z7', 'x8'].map((text) => [
      text.slice(0, 1),
      text,
    ])) {
      publish(topic as string, text as string);
    }
    topics.flush();
    expect(both.got).toEqual(['x1', 'y2', 'x4', 'x5', 'y6', 'x8']);
    expect(all.got).toEqual(['x1', 'y2', 'z3', 'x4', 'x5', 'y6', 'z7', 'x8']);
    expect(only.got).toEqual(['x1', 'x4', 'x5', 'x8']);
    expect(only.deliveries).toHaveLength(1);
  });

  test('come before the publications of the next turn', () => {
    const subscriber = subscriberOf('x', 'y');
    publish('x', '1');
    topics.flush();
    publish('y', '2');
    publish('x', '3');
    topics.flush();
    expect(subscriber.got).toEqual(['1', '2', '3']);
  });
});

test('publications of over 1 MiB are posted within their turn, and less at its end', () => {
  outlet.hasPeers = true;
  for (let turn = 0; turn < 3; turn++) {
    publish('x', 'x'.repeat(600_000));
    publish('x', 'y');
    topics.flush();
  }
  expect(outlet.posted).toHaveLength(3);
  for (let i = 0; i < 4; i++) publish('x', 'x'.repeat(400_000));
  expect(outlet.posted).toHaveLength(4);
  topics.flush();
  expect(outlet.posted).toHaveLength(5);
});

describe('catching up', () => {
  test('gives a subscriber the publications of the turn, once, and other subscribers get them later', () => {
    const [early, late] = [subscriberOf('x'), subscriberOf('x')];
    publish('x', '1');
    publish('x', '2');
    topics.catchUp(early);
    expect(early.got).toEqual(['1', '2']);
    expect(late.got).toEqual([]);
    topics.catchUp(early);
    expect(early.deliveries).toHaveLength(1);
    publish('x', '3');
    topics.flush();
    expect(early.got).toEqual(['1', '2', '3']);
    expect(late.got).toEqual(['1', '2', '3']);
    expect(late.deliveries).toHaveLength(1);
  });

  test('many times in a turn gives each message once', () => {
    const [subscriber, other] = [subscriberOf('x', 'y'), subscriberOf('x')];
    for (const text of ['1', '2', '3', '4']) {
      publish('x', `x${text}`);
      topics.catchUp(subscriber);
      publish('y', `y${text}`, other);
      publish('x', `X${text}`, subscriber);
    }
    topics.flush();
    expect(subscriber.got).toEqual(['x1', 'y1', 'x2', 'y2', 'x3', 'y3', 'x4', 'y4']);
    expect(other.got).toEqual(['x1', 'X1', 'x2', 'X2', 'x3', 'X3', 'x4', 'X4']);
  });

  test('in one turn does not count in the next', () => {
    const subscriber = subscriberOf('x');
    for (const text of ['1', '2', '3']) {
      publish('x', `${text}a`);
      topics.catchUp(subscriber);
      publish('x', `${text}b`);
      topics.flush();
    }
    expect(subscriber.got).toEqual(['1a', '1b', '2a', '2b', '3a', '3b']);
  });

  test('without anything published does nothing', () => {
    const subscriber = subscriberOf('x');
    topics.catchUp(subscriber);
    topics.catchUp(new FakeSubscriber());
    expect(subscriber.deliveries).toEqual([]);
  });
});

describe('subscribing', () => {
  test('twice has the same effect as once', () => {
    const subscriber = subscriberOf('x', 'x');
    publish('x', '1');
    topics.flush();
    expect(subscriber.got).toEqual(['1']);
    topics.unsubscribe(subscriber, 'x');
    publish('x', '2');
    topics.flush();
    expect(subscriber.got).toEqual(['1']);
  });

  test('after a publication of the same turn does not bring it', () => {
    const early = subscriberOf('x');
    publish('x', '1');
    const late = subscriberOf('x');
    publish('x', '2');
    topics.flush();
    expect(early.got).toEqual(['1', '2']);
    expect(late.got).toEqual(['2']);
  });

  test('after a publication of the same turn does not bring it to a subscriber of other topics either', () => {
    const early = subscriberOf('x');
    const late = subscriberOf('y');
    publish('x', '1');
    publish('y', '2');
    topics.subscribe(late, 'x');
    publish('x', '3');
    topics.flush();
    expect(early.got).toEqual(['1', '3']);
    expect(late.got).toEqual(['2', '3']);
  });

  test('again after unsubscribing does not bring the publications in between', () => {
    const other = subscriberOf('x');
    const subscriber = subscriberOf('x');
    publish('x', '1');
    topics.unsubscribe(subscriber, 'x');
    publish('x', '2');
    topics.subscribe(subscriber, 'x');
    publish('x', '3');
    topics.flush();
    expect(other.got).toEqual(['1', '2', '3']);
    expect(subscriber.got).toEqual(['1', '3']);
  });

  test('after a publication that only other threads have subscribers of does not bring it', () => {
    outlet.hasPeers = true;
    publish('x', '1');
    const late = subscriberOf('x');
    topics.flush();
    expect(late.got).toEqual([]);
  });

  test('does nothing if the delivery of an older publication has ended the subscriber', () => {
    const subscriber = subscriberOf('x');
    subscriber.deliver = () => topics.forget(subscriber);
    publish('x', '1');
    topics.subscribe(subscriber, 'y');
    expect(subscriber.subscription).toBeUndefined();
    publish('y', 'to nobody');
    topics.flush();
    expect(topics.hasPending).toBe(false);
  });

  test('does not split the deliveries of other subscribers', () => {
    const early = subscriberOf('x');
    publish('x', '1');
    subscriberOf('x');
    publish('x', '2');
    topics.flush();
    expect(early.deliveries).toHaveLength(1);
  });
});

describe('publishing while publications are delivered', () => {
  /** A subscriber that calls back at each delivery. */
  class Chatty extends FakeSubscriber {
    onDelivery: () => void = () => {};

    override deliver(...delivery: Parameters<FakeSubscriber['deliver']>): void {
      super.deliver(...delivery);
      this.onDelivery();
    }
  }

  test.each([10, 100_000])('is a turn of its own, and nothing is lost: %i bytes', async (length) => {
    const [chatty, admin, both] = [new Chatty(), subscriberOf('admin'), subscriberOf('x', 'admin')];
    topics.subscribe(chatty, 'x');
    let number = 0;
    chatty.onDelivery = () => {
      // This can be more than may be pending in a turn.
      for (let i = 0; number < 20 && i < 15; i++) publish('admin', `${number++} `.padEnd(length, '.'));
    };
    outlet.hasPeers = true;
    publish('x', 'first');
    publish('x', 'second');
    topics.flush();
    expect([admin.got, both.got]).toEqual([[], ['first', 'second']]);
    expect(topics.hasPending).toBe(true);
    const before = scheduled;
    await Promise.resolve();
    expect(scheduled).toBe(before + 1);
    topics.flush();
    publish('x', 'third');
    topics.flush();
    topics.flush();
    expect(topics.hasPending).toBe(false);
    expect(chatty.got).toEqual(['first', 'second', 'third']);
    expect(admin.got.map((text) => Number(text.split(' ')[0]))).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(both.got.length).toBe(23);
    const posted = outlet.posted.flat();
    expect(posted.reduce((sum, { messages }) => sum + messages, 0)).toBe(23);
    for (const { chunk } of posted) expect(chunk.isFree).toBe(true);
  });

  test('of another thread goes out at the end of the turn', () => {
    const [chatty, admin] = [new Chatty(), subscriberOf('admin')];
    topics.subscribe(chatty, 'x');
    const otherOutlet = new FakeOutlet();
    otherOutlet.hasPeers = true;
    otherOutlet.post = (runs) => topics.receive(runs);
    const elsewhere = new Topics(otherOutlet, () => {});
    chatty.onDelivery = () => void publish('admin', 'noticed');
    publishText(elsewhere, 'x', 'from elsewhere');
    elsewhere.flush();
    expect(admin.got).toEqual([]);
    chatty.onDelivery = () => {};
    publish('x', 'more');
    topics.flush();
    expect([chatty.got, admin.got]).toEqual([['from elsewhere', 'more'], ['noticed']]);
  });
});

describe('unsubscribing', () => {
  test('after a publication of the same turn still brings it', () => {
    const subscriber = subscriberOf('x', 'y');
    publish('x', '1');
    publish('y', '2');
    topics.unsubscribe(subscriber, 'x');
    publish('x', '3');
    publish('y', '4');
    topics.flush();
    expect(subscriber.got).toEqual(['1', '2', '4']);
  });

  test('from a topic that was not subscribed to does nothing', () => {
    const subscriber = subscriberOf('x');
    topics.unsubscribe(subscriber, 'y');
    topics.unsubscribe(new FakeSubscriber(), 'x');
    publish('x', '1');
    topics.flush();
    expect(subscriber.got).toEqual(['1']);
    expect([...(subscriber.subscription?.topics ?? [])]).toEqual(['x']);
  });

  test('from the last topic leaves nothing behind', () => {
    const subscriber = subscriberOf('x');
    topics.unsubscribe(subscriber, 'x');
    expect(subscriber.subscription).toBeUndefined();
    publish('x', 'to nobody');
    expect(topics.hasPending).toBe(false);
  });

  test('from all but the last topic keeps the subscription, and a later one is new', () => {
    const subscriber = new FakeSubscriber();
    expect(subscriber.subscription).toBeUndefined();
    topics.subscribe(subscriber, 'x');
    const { subscription } = subscriber;
    expect(subscription).toBeDefined();
    topics.subscribe(subscriber, 'y');
    topics.unsubscribe(subscriber, 'x');
    expect(subscriber.subscription).toBe(subscription);
    topics.unsubscribe(subscriber, 'y');
    topics.subscribe(subscriber, 'y');
    expect(subscriber.subscription).not.toBe(subscription);
  });

  test('from all topics at once drops pending publications', () => {
    const [gone, stays] = [subscriberOf('x', 'y'), subscriberOf('x')];
    publish('x', '1');
    publish('y', '2');
    topics.forget(gone);
    topics.forget(gone);
    publish('x', '3');
    topics.flush();
    expect(gone.got).toEqual([]);
    expect(gone.subscription).toBeUndefined();
    expect(stays.got).toEqual(['1', '3']);
  });
});

describe('a publication of another thread', () => {
  /** Runs as the topics of another thread post them. */
  function fromElsewhere(...published: [topic: string, text: string][]): readonly PublicationRun[] {
    const elsewhere = new FakeOutlet();
    elsewhere.hasPeers = true;
    const theirs = new Topics(elsewhere, () => {});
    for (const [topic, text] of published) publishText(theirs, topic, text);
    theirs.flush();
    return elsewhere.posted.flat();
  }

  test('comes behind older publications of this thread, in the order of publishing', () => {
    const [x, both] = [subscriberOf('x'), subscriberOf('x', 'y')];
    publish('x', 'mine');
    topics.receive(fromElsewhere(['x', '1'], ['y', '2'], ['x', '3']));
    expect(x.got).toEqual(['mine', '1', '3']);
    expect(both.got).toEqual(['mine', '1', '2', '3']);
    expect(topics.hasPending).toBe(false);
  });

  test('is written from where it lies if it is in one piece', () => {
    const subscriber = subscriberOf('x');
    const runs = fromElsewhere(['x', '1'], ['x', '2']);
    topics.receive(runs);
    expect(subscriber.deliveries.map(({ memory }) => memory)).toEqual([runs[0]?.chunk]);
    expect(subscriber.got).toEqual(['1', '2']);
  });

  test('is not posted on', () => {
    outlet.hasPeers = true;
    subscriberOf('x');
    topics.receive(fromElsewhere(['x', '1']));
    expect(outlet.posted).toEqual([]);
  });

  test('comes also to subscribers that have caught up with the publications of this thread', () => {
    const subscriber = subscriberOf('x');
    publish('x', 'mine');
    topics.catchUp(subscriber);
    topics.receive(fromElsewhere(['x', '1']));
    topics.receive(fromElsewhere(['x', '2']));
    expect(subscriber.got).toEqual(['mine', '1', '2']);
  });
});

describe('the memory of publications', () => {
  test('is free when the turn is over and it is not held', () => {
    const subscriber = subscriberOf('x', 'y');
    publish('x', '1');
    publish('y', '2');
    publish('x', 'x'.repeat(300_000));
    topics.catchUp(subscriber);
    topics.flush();
    for (const { memory } of subscriber.deliveries) expect(memory.isFree).toBe(true);
  });

  test('is not used again while it is held, in many turns', () => {
    const slow = subscriberOf('x');
    const quick = subscriberOf('x');
    const texts: string[] = [];
    slow.isSlow = true;
    for (let turn = 0; turn < 40; turn++) {
      for (let i = 0; i < 5; i++) {
        const text = `${turn}.${i} `.repeat(1 + ((turn * 977 + i * 331) % 9000));
        texts.push(text);
        publish('x', text);
      }
      topics.flush();
    }
    expect(quick.got).toEqual(texts);
    slow.readHeld();
    expect(slow.got).toEqual(texts);
    for (const { memory } of slow.deliveries) expect(memory.isFree).toBe(true);
  });

  test('is used again when it is not held', () => {
    const subscriber = subscriberOf('x');
    for (let turn = 0; turn < 1000; turn++) {
      publish('x', 'x'.repeat(5000));
      topics.flush();
    }
    expect(new Set(subscriber.deliveries.map(({ memory }) => memory)).size).toBe(1);
  });
});

describe('a subscriber with a descriptor', () => {
  let sender: FakeSender;

  beforeEach(() => {
    sender = new FakeSender();
    topics.sendBy(sender);
  });

  function withDescriptors(count: number, ...names: string[]): FakeSubscriber[] {
    return Array.from({ length: count }, () => {
      const fd = sender.subscribers.size + 3;
      const subscriber = new FakeSubscriber(fd);
      sender.subscribers.set(fd, subscriber);
      for (const name of names) topics.subscribe(subscriber, name);
      return subscriber;
    });
  }

  /** A turn in which these texts are published to 'x'. */
  const turn = (...texts: string[]) => {
    for (const text of texts) publish('x', text);
    topics.flush();
  };

  test.each([1, 2, 10, 100])(
    'gets the messages of a turn in one write, in their order, when they are published to %d topics in turn',
    (count) => {
      const names = Array.from({ length: count }, (_, i) => `topic ${i}`);
      // Each subscriber of the first half has a different selection of the topics. The second half has all topics.
      const subscribers = Array.from({ length: 60 }, (_, who) => {
        const selected = names.filter((_, i) => who >= 30 || (i * 7 + who) % 3 !== 0 || i === who % count);
        const [subscriber] = withDescriptors(1, ...selected) as [FakeSubscriber];
        return { subscriber, selected: new Set(selected) };
      });
      const withoutDescriptor = subscriberOf(...names.slice(0, Math.ceil(count / 2)));
      // The first delivery to a subscriber shows whether anything waits for it.
      for (const name of names) publish(name, 'first');
      topics.flush();
      sender.sent = 0;
      sender.counted = 0;

      const messages = Array.from({ length: 300 }, (_, i) => ({ name: names[i % count] as string, text: `${i}` }));
      for (const { name, text } of messages) publish(name, text);
      topics.flush();

      expect(sender.sent).toBe(subscribers.length);
      let sum = 0;
      for (const { subscriber, selected } of subscribers) {
        const expected = messages.filter(({ name }) => selected.has(name)).map(({ text }) => text);
        sum += expected.length;
        expect(subscriber.got.slice(-expected.length)).toEqual(expected);
        expect(subscriber.got).toHaveLength(expected.length + selected.size);
        expect(subscriber.deliveries).toHaveLength(1); // the first
      }
      expect(sender.counted).toBe(sum);
      expect(withoutDescriptor.deliveries).toHaveLength(2);
    },
  );

  test('gets one write also if it has published a part itself, or has got a part before', () => {
    const [publisher, early, other] = withDescriptors(3, 'x', 'y') as [FakeSubscriber, FakeSubscriber, FakeSubscriber];
    turn('0');
    sender.sent = 0;
    for (let i = 1; i <= 6; i++) {
      publish(i % 2 === 0 ? 'x' : 'y', String(i), i % 3 === 0 ? publisher : undefined);
      if (i === 2) topics.catchUp(early);
    }
    topics.flush();
    expect(publisher.got).toEqual(['0', '1', '2', '4', '5']);
    expect(early.got).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    expect(other.got).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    expect([publisher, early, other].map(({ deliveries }) => deliveries.length)).toEqual([2, 3, 1]);
    expect(sender.sent).toBe(1);
  });

  test('that is slow keeps its joined bytes unchanged while others are sent other bytes', () => {
    const subscribers = [
      ['x', 'z'],
      ['y', 'z'],
      ['x', 'y'],
    ].map(([...names]) => withDescriptors(1, ...names)[0]);
    for (const subscriber of subscribers) (subscriber as FakeSubscriber).isSlow = true;
    const text = (topic: string, i: number) => `${topic}${i}`.padEnd(20_000, '.');
    for (let i = 0; i < 5; i++) for (const topic of ['x', 'y', 'z']) publish(topic, text(topic, i));
    topics.flush();
    for (const [who, topicsOfIt] of [
      ['x', 'z'],
      ['y', 'z'],
      ['x', 'y'],
    ].entries()) {
      subscribers[who]?.readHeld();
      expect(subscribers[who]?.got).toEqual([0, 1, 2, 3, 4].flatMap((i) => topicsOfIt.map((topic) => text(topic, i))));
      expect(subscribers[who]?.deliveries).toHaveLength(1);
    }
  });

  test('gets its first delivery by a call, the next ones directly, and the direct ones are counted', () => {
    const subscribers = withDescriptors(100, 'x');
    const other = subscriberOf('x');
    turn('1');
    turn('2', '3');
    turn('4');
    for (const { got, deliveries } of subscribers) {
      expect(got).toEqual(['1', '2', '3', '4']);
      expect(deliveries).toHaveLength(1);
    }
    expect(other.deliveries).toHaveLength(3);
    expect(sender.sent).toBe(200);
    expect(sender.counted).toBe(300); // the other messages are counted by the subscribers that were called
    for (const subscriber of subscribers) {
      expect(topics.takeSent(subscriber)).toBe(true);
      expect(topics.takeSent(subscriber)).toBe(false);
    }
    expect(topics.takeSent(other)).toBe(false);
  });

  test('gets by a call the rest that its socket does not take, and further calls until nothing waits', () => {
    const [subscriber] = withDescriptors(1, 'x') as [FakeSubscriber];
    turn('1');
    for (const [text, taken] of [
      ['nothing is taken', -1],
      ['a part of a frame is taken', 7],
      ['nearly two of three frames are taken', 30],
    ] as const) {
      const { length } = subscriber.deliveries;
      sender.takes = () => taken;
      turn(text, 'b', 'c');
      sender.takes = (offered) => offered;
      expect(subscriber.deliveries).toHaveLength(length + 1);
      turn('more');
      turn('and more');
      expect(subscriber.got.splice(0)).toEqual([...(length === 1 ? ['1'] : []), text, 'b', 'c', 'more', 'and more']);
    }
    subscriber.isSlow = true;
    turn('2');
    turn('3');
    expect(subscriber.got).toEqual([]);
    subscriber.readHeld();
    subscriber.isSlow = false;
    turn('4');
    expect(subscriber.got).toEqual(['2', '3', '4']);
  });

  test('that is blocked gets one delivery by a call', () => {
    const [blocked, other] = withDescriptors(2, 'x') as [FakeSubscriber, FakeSubscriber];
    turn('1');
    topics.block(blocked);
    turn('2');
    turn('3');
    expect(blocked.deliveries).toHaveLength(2);
    expect(other.deliveries).toHaveLength(1);
    expect([blocked.got, other.got]).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
  });

  test('gets nothing twice after it has caught up, and nothing that excludes it', () => {
    const [early, except, all] = withDescriptors(3, 'x') as [FakeSubscriber, FakeSubscriber, FakeSubscriber];
    turn('1');
    publish('x', '2');
    topics.catchUp(early);
    publish('x', '3', except);
    topics.flush();
    turn('4');
    expect(early.got).toEqual(['1', '2', '3', '4']);
    expect(except.got).toEqual(['1', '2', '4']);
    expect(all.got).toEqual(['1', '2', '3', '4']);
  });

  test('gets publications to several of its topics in order', () => {
    const [both] = withDescriptors(1, 'x', 'y') as [FakeSubscriber];
    turn('1');
    publish('x', 'x2');
    publish('y', 'y3');
    publish('x', 'x4');
    topics.flush();
    turn('5');
    expect(both.got).toEqual(['1', 'x2', 'y3', 'x4', '5']);
  });

  test('that has left gets nothing, and neither does the next subscriber in its slot', () => {
    const [gone, stays] = withDescriptors(2, 'x') as [FakeSubscriber, FakeSubscriber];
    turn('1');
    topics.forget(gone);
    const late = subscriberOf('x');
    turn('2');
    topics.unsubscribe(stays, 'x');
    withDescriptors(1, 'z');
    turn('3');
    expect([gone.got, stays.got, late.got]).toEqual([['1'], ['1', '2'], ['2', '3']]);
    expect(gone.subscription).toBeUndefined();
    expect(stays.subscription).toBeUndefined();
  });

  test('may end other subscribers during its delivery', () => {
    const [first, second, third] = withDescriptors(3, 'x') as [FakeSubscriber, FakeSubscriber, FakeSubscriber];
    first.deliver = () => {
      topics.forget(first);
      topics.forget(third);
    };
    turn('1');
    expect(second.got).toEqual(['1']);
    expect(third.got).toEqual([]);
  });

  test('may make room for another subscriber during its delivery, which gets nothing of topics that it does not have', () => {
    const elsewhere = new FakeOutlet();
    elsewhere.hasPeers = true;
    const theirs = new Topics(elsewhere, () => {});
    publishText(theirs, 'x', '1');
    theirs.flush();
    const [first, second] = withDescriptors(2, 'x') as [FakeSubscriber, FakeSubscriber];
    const slot = second.subscription?.slot;
    const newcomer = new FakeSubscriber();
    first.deliver = () => {
      topics.forget(second);
      topics.subscribe(newcomer, 'z');
    };
    topics.receive(elsewhere.posted.flat());
    expect(newcomer.subscription?.slot).toBe(slot);
    expect([second.got, newcomer.got]).toEqual([[], []]);
  });

  test('that leaves takes its mark of a direct write along: the next subscriber in its slot has none', () => {
    const [gone] = withDescriptors(1, 'x') as [FakeSubscriber];
    turn('1');
    turn('2');
    const slot = gone.subscription?.slot;
    topics.forget(gone);
    const newcomer = subscriberOf('x');
    expect(newcomer.subscription?.slot).toBe(slot);
    expect(topics.takeSent(newcomer)).toBe(false);
  });

  test('keeps its mark of a direct write also when many other subscribers come', () => {
    const early = withDescriptors(10, 'x');
    turn('1');
    turn('2');
    withDescriptors(1000, 'y');
    expect(early.map((subscriber) => topics.takeSent(subscriber))).toEqual(Array(10).fill(true));
    turn('3');
    for (const { got } of early) expect(got).toEqual(['1', '2', '3']);
  });
});
