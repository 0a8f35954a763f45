import { Audiences } from './audiences.js';
import { DEFLATED_DIALECTS, Dialect } from './dialect.js';
import { FrameJoiner, type JoinedFrames } from './frame-joiner.js';
import { inDialect, type PublicationRun } from './publication-run.js';
import type { Subscriber } from './subscriber.js';
import type { DescriptorSender, SubscriberTable } from './subscriber-table.js';
import type { TopicMembers } from './topic-members.js';

/** In place of the number of a batch: no subscription names it. */
const NO_BATCH = -1;

/**
 * Delivers publications to the subscribers of a thread: one write for each subscriber, however many topics and messages
 * there are. Subscribers that get the same publications in the same dialect form an audience, for which the frames are put together once.
 */
export class Delivery {
  /** Sends to the descriptors of clear subscribers; undefined where there are no descriptors. */
  sender: DescriptorSender | undefined;
  readonly #membersByTopic: ReadonlyMap<string, TopicMembers>;
  readonly #table: SubscriberTable;
  readonly #joiner = new FrameJoiner();
  readonly #audiences = new Audiences();
  /**
   * The number of the current batch. `runsTaken` of a subscription means something only in the batch that the
   * subscription names.
   */
  #batch = 1;

  constructor(membersByTopic: ReadonlyMap<string, TopicMembers>, table: SubscriberTable) {
    this.#membersByTopic = membersByTopic;
    this.#table = table;
  }

  /** Delivers a batch to all subscribers, without the runs that {@link toOne} has delivered already. */
  toAll(runs: readonly PublicationRun[]): void {
    try {
      this.#toAll(runs, this.#batch);
    } finally {
      this.#batch++;
    }
  }

  /** Delivers runs to all subscribers which are no part of the batch, and have no exceptions: another thread has published them. */
  receivedToAll(runs: readonly PublicationRun[]): void {
    this.#toAll(runs, NO_BATCH);
  }

  #toAll(runs: readonly PublicationRun[], batch: number): void {
    const exceptions = exceptionsOf(runs);
    // A publisher that must not get its own message cannot take the fast path: block its slot.
    for (const subscriber of exceptions) this.#table.block(subscriber);
    const topics = new TopicsOfRuns(runs);
    if (this.#table.has(Dialect.PLAIN)) this.#toDialect(Dialect.PLAIN, topics, runs, exceptions, batch);
    if (!this.#table.hasDeflated) return;
    for (const dialect of DEFLATED_DIALECTS) {
      if (this.#table.has(dialect)) this.#toDialect(dialect, topics, inDialect(runs, dialect), exceptions, batch);
    }
  }

  /**
   * Delivers a batch, as far as it has come, to one subscriber before the others. What is added to it later follows
   * with {@link toAll}.
   */
  toOne(subscriber: Subscriber, runs: readonly PublicationRun[]): void {
    this.#table.block(subscriber);
    this.#deliverOwn(subscriber, runs, this.#batch);
  }

  #toDialect(
    dialect: Dialect,
    topics: TopicsOfRuns,
    runs: readonly PublicationRun[],
    exceptions: ReadonlySet<Subscriber>,
    batch: number,
  ): void {
    const { names } = topics;
    if (names.length === 1) {
      const slots = this.#membersByTopic.get(names[0] as string)?.slots(dialect);
      if (slots !== undefined) this.#toAudience(dialect, slots, runs, runs, exceptions, batch);
      return;
    }
    const slotLists = names.map((name) => this.#membersByTopic.get(name)?.slots(dialect));
    for (const audience of this.#audiences.divide(slotLists)) {
      this.#toAudience(dialect, audience.slots, topics.select(runs, audience.topics), runs, exceptions, batch);
    }
  }

  /**
   * @param dialect of the audience, and of the runs.
   * @param slots of the audience.
   * @param itsRuns the runs that the audience gets.
   * @param runs all runs of the batch.
   * @param exceptions subscribers that do not get all runs of their topics.
   * @param batch the number of the batch that the runs are.
   */
  #toAudience(
    dialect: Dialect,
    slots: readonly number[],
    itsRuns: readonly PublicationRun[],
    runs: readonly PublicationRun[],
    exceptions: ReadonlySet<Subscriber>,
    batch: number,
  ): void {
    if (slots.length === 0) return;
    const { topic } = itsRuns[0] as PublicationRun; // there is one
    const joined = this.#joiner.join(itsRuns);
    const others = this.sender === undefined ? slots : this.#sendClear(slots, joined, this.sender);
    const special: Subscriber[] = [];
    for (const slot of others) {
      const subscriber = this.#table.at(slot);
      // A delivery to others may have ended it, and its slot may belong to another subscriber now.
      if (subscriber?.dialect !== dialect || !subscriber.subscription?.topics.has(topic)) continue;
      if (subscriber.subscription.batch === batch || exceptions.has(subscriber)) {
        special.push(subscriber); // later: its frames may be put together in the same memory
        continue;
      }
      subscriber.deliver(joined.memory, joined.start, joined.end, joined.messages, joined.areDeflated);
      this.#table.update(subscriber);
    }
    for (const subscriber of special) {
      this.#deliverOwn(subscriber, runs, batch);
      this.#table.update(subscriber);
    }
  }

  /** Sends to the descriptors of clear subscribers. Hot. @returns the slots of the other subscribers. */
  #sendClear(
    slots: readonly number[],
    { memory, start, end, messages, areDeflated }: JoinedFrames,
    sender: DescriptorSender,
  ): readonly number[] {
    const { fds } = this.#table;
    const { bytes } = memory;
    const others: number[] = [];
    let sent = 0;
    let bytesOfOthers = 0;
    for (const slot of slots) {
      const fd = fds[slot] as number; // members have slots
      if (fd < 0) {
        others.push(slot);
        continue;
      }
      const taken = sender.send(fd, bytes, start, end);
      if (taken === end - start) {
        this.#table.noteSent(slot, areDeflated);
        sent++;
        continue;
      }
      const subscriber = this.#table.at(slot) as Subscriber; // it is clear, and so in the table
      this.#table.block(subscriber);
      if (taken > 0) bytesOfOthers += taken;
      subscriber.deliver(memory, start + Math.max(0, taken), end, messages, areDeflated);
    }
    sender.count(sent * messages, sent * (end - start) + bytesOfOthers);
    return others;
  }

  /**
   * Delivers to a subscriber that does not get all runs of its topics, or that was delivered some of them before. Those are not looked at:
   * there may be many, and each message to a subscriber calls this while a large publication is compressed.
   * @param runs in its dialect, or in all.
   * @param batch the number of the batch that they are.
   */
  #deliverOwn(subscriber: Subscriber, runs: readonly PublicationRun[], batch: number): void {
    const { subscription, dialect } = subscriber;
    if (subscription === undefined) return; // a delivery to others has ended it
    const from = subscription.batch === batch ? subscription.runsTaken : 0;
    subscription.batch = batch;
    subscription.runsTaken = runs.length;
    const its: PublicationRun[] = [];
    for (let i = from; i < runs.length; i++) {
      const run = runs[i] as PublicationRun; // below the length
      if (run.except === subscriber || !subscription.topics.has(run.topic)) continue;
      its.push(run.deflated?.[dialect] ?? run);
    }
    if (its.length === 0) return;
    const { memory, start, end, messages, areDeflated } = this.#joiner.join(its);
    subscriber.deliver(memory, start, end, messages, areDeflated);
  }
}

const NOBODY: ReadonlySet<Subscriber> = new Set();

/** The subscribers that must not get one of the runs. */
function exceptionsOf(runs: readonly PublicationRun[]): ReadonlySet<Subscriber> {
  let exceptions: Set<Subscriber> | undefined;
  for (const { except } of runs) {
    if (except === undefined) continue;
    exceptions ??= new Set();
    exceptions.add(except);
  }
  return exceptions ?? NOBODY;
}

/** The topics of a batch, each once, and the topic of each run. */
class TopicsOfRuns {
  readonly names: string[] = [];
  /** By run: the index of its topic among the names. Not used while there is only one name. */
  readonly #ofRun: number[] = [];

  constructor(runs: readonly PublicationRun[]) {
    const places = new Map<string, number>();
    let last = -1;
    for (const { topic } of runs) {
      if (last < 0 || this.names[last] !== topic) {
        const place = places.get(topic);
        last = place ?? this.names.push(topic) - 1;
        if (place === undefined) places.set(topic, last);
      }
      this.#ofRun.push(last);
    }
  }

  /** The runs of some of the topics, in their order. */
  select(runs: readonly PublicationRun[], topics: readonly number[]): readonly PublicationRun[] {
    if (topics.length === this.names.length) return runs;
    const isSelected = new Uint8Array(this.names.length);
    for (const topic of topics) isSelected[topic] = 1;
    return runs.filter((_, i) => isSelected[this.#ofRun[i] as number] === 1);
  }
}
