import type { PayloadDeflater } from '../compression/payload-deflater.js';
import { frameHeaderBytes, writeFrameHeader } from '../protocol/frame-header.js';
import { endOfMessageFrame, payloadOfMessageFrame } from '../protocol/message-frames.js';
import { Delivery } from './delivery.js';
import { DEFLATED_SET } from './dialect.js';
import type { Outlet } from './outlet.js';
import type { LargePublication } from './large-publication.js';
import { PendingRuns } from './pending-runs.js';
import { PublicationDeflater } from './publication-deflater.js';
import type { AboutRun, DeflatedRuns, PublicationRun } from './publication-run.js';
import { ChunkPool, type SharedChunk } from './shared-chunk.js';
import type { Publisher, Subscriber } from './subscriber.js';
import { type DescriptorSender, SubscriberTable } from './subscriber-table.js';
import type { Subscription } from './subscription.js';
import { TopicMembers } from './topic-members.js';
import type { TopicWatcher } from './topic-watcher.js';

/**
 * The publications of a turn go out when it ends, or as soon as they come to this many bytes: what is not posted yet is
 * not counted, and no publisher would be held back for it.
 */
const MAX_PENDING_BYTES = 1024 * 1024;

/**
 * While large publications are compressed, they and what is published behind them come to this many bytes at most. Beyond it all goes as it
 * is.
 */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/**
 * And they wait for so long at most, in ms. Without this bound, a client whose handler publishes 200 KiB ten times a second kept back all
 * other publications of the thread for up to 3 s at the level `small`, and for up to 5 s with zlib.
 */
const MAX_WAITING_MS = 500;

/**
 * The topics of one thread: its subscribers, and what was published here in this turn. A publication is framed once.
 * When the turn ends, each subscriber gets all publications to its topics in one write, in the order of publishing, and
 * each other thread gets them in one message.
 *
 * A publication that takes too long to be compressed at once is compressed in the next iterations of the event loop. Until then it waits,
 * with all that is published behind it, as if the turn had not ended. A subscriber that has to be sent something else meanwhile gets it
 * plain before that, see {@link catchUp}.
 */
export class Topics {
  readonly #membersByTopic = new Map<string, TopicMembers>();
  readonly #table = new SubscriberTable();
  readonly #delivery = new Delivery(this.#membersByTopic, this.#table);
  readonly #outlet: Outlet;
  /** Undefined if nobody has to know which topics have subscribers. */
  #watcher: TopicWatcher | undefined;
  readonly #schedule: () => void;
  readonly #onPublished: (firstByte: number, bytes: number) => void;
  readonly #pool = new ChunkPool();
  /** The chunks of compressed frames. */
  readonly #deflatedPool = new ChunkPool();
  /** Undefined if nothing is compressed. */
  #deflater: PublicationDeflater | undefined;
  readonly #pending = new PendingRuns();
  /** Those of the pending publications that are being compressed. */
  readonly #compressing = new Set<LargePublication>();
  /** Runs while something waits for one of these. */
  #waiting: NodeJS.Timeout | undefined;
  /** The connection whose hook runs now; undefined if none does. */
  publisher: Publisher | undefined;

  /**
   * @param schedule is called when there is something to flush.
   * @param onPublished is called for each message that is published in this thread, also if nobody has subscribed to its topic.
   */
  constructor(
    outlet: Outlet,
    schedule: () => void,
    onPublished: (firstByte: number, bytes: number) => void = () => {},
  ) {
    this.#outlet = outlet;
    this.#schedule = schedule;
    this.#onPublished = onPublished;
  }

  /** From now on, publications go directly to the descriptors of clear subscribers. */
  sendBy(sender: DescriptorSender): void {
    this.#delivery.sender = sender;
    this.#pool.discard = (bytes) => sender.discard(bytes);
    this.#deflatedPool.discard = this.#pool.discard;
  }

  /** From now on, the watcher is told which topics have subscribers. To be called before there are any. */
  watchBy(watcher: TopicWatcher): void {
    this.#watcher = watcher;
  }

  /** From now on, publications are compressed for subscribers that have agreed on it. */
  compressBy(deflater: PayloadDeflater): void {
    this.#deflater = new PublicationDeflater(deflater, this.#deflatedPool);
  }

  /** To be called before something waits to be sent to a subscriber, and before its descriptor is closed. */
  block(subscriber: Subscriber): void {
    this.#table.block(subscriber);
  }

  /** Whether a subscriber was sent something directly, without its `deliver`, since the last call. */
  takeSent(subscriber: Subscriber): boolean {
    return this.#table.takeSent(subscriber);
  }

  /**
   * Whether a subscriber was sent a compressed message directly, without its `deliver`, since the last call. Such a message refers to no
   * earlier one, but its receiver has it in its window from then on.
   */
  takeDeflated(subscriber: Subscriber): boolean {
    return this.#table.takeDeflated(subscriber);
  }

  /** Whether something was published in this turn. */
  get hasPending(): boolean {
    return !this.#pending.isEmpty;
  }

  /** Whether this thread has subscribers of a topic. */
  has(topic: string): boolean {
    return this.#membersByTopic.has(topic);
  }

  /** The subscriber gets what is published to the topic from now on. */
  subscribe(subscriber: Subscriber, topic: string): void {
    if (subscriber.subscription?.topics.has(topic)) return;
    if (subscriber.subscription === undefined) this.#table.enter(subscriber);
    // Also for a new subscriber: what was published before it subscribed is pending, and it must not get that.
    if (!this.#pending.isEmpty) this.#takePending(subscriber);
    const { subscription } = subscriber;
    if (subscription === undefined) return; // the delivery has ended it
    subscription.topics.add(topic);
    let members = this.#membersByTopic.get(topic);
    if (members === undefined) {
      members = new TopicMembers();
      this.#membersByTopic.set(topic, members);
      this.#watcher?.join(topic);
    }
    const { dialect } = subscriber;
    if (!members.has(dialect)) this.#outlet.join(topic, dialect);
    members.add(subscription.slot, dialect);
  }

  /** The subscriber gets what was published to the topic until now, and nothing more. */
  unsubscribe(subscriber: Subscriber, topic: string): void {
    if (!subscriber.subscription?.topics.has(topic)) return;
    this.catchUp(subscriber);
    const { subscription } = subscriber;
    if (subscription === undefined) return; // the delivery has ended it
    subscription.topics.delete(topic);
    this.#remove(subscriber, subscription, topic);
    if (subscription.topics.size === 0) this.#table.leave(subscriber, subscription);
  }

  /** Ends all subscriptions of a subscriber that can be sent nothing any more. */
  forget(subscriber: Subscriber): void {
    const { subscription } = subscriber;
    if (subscription === undefined) return;
    for (const topic of subscription.topics) this.#remove(subscriber, subscription, topic);
    this.#table.leave(subscriber, subscription);
  }

  /**
   * Publishes a message. Its payload at `[start, start + length)` of `payload` is copied.
   * @param except a subscriber that does not get it.
   * @param mayCompress whether it may be compressed.
   * @returns false if a thread with subscribers of the topic is owed too much: the caller should wait before it
   * publishes again.
   */
  publish(
    topic: string,
    except: Subscriber | undefined,
    firstByte: number,
    payload: Uint8Array,
    start: number,
    length: number,
    mayCompress = true,
  ): boolean {
    this.#onPublished(firstByte, length);
    const members = this.#membersByTopic.get(topic);
    if (members === undefined && !this.#outlet.wants(topic)) return true;
    const frameBytes = frameHeaderBytes(length) + length;
    const chunk = this.#pool.withRoom(frameBytes);
    const at = chunk.position;
    const payloadAt = writeFrameHeader(chunk.bytes, at, firstByte, length);
    chunk.bytes.set(payload.subarray(start, start + length), payloadAt);
    chunk.position = payloadAt + length;
    this.#pending.addFrameBytes(frameBytes);
    const dialects = mayCompress ? this.#deflatedDialects(topic, members, length) : 0;
    const isHeldBack = this.publisher !== undefined;
    this.#add({ topic, except, isHeldBack, isFromFleet: false, mayCompress }, chunk, at, payloadAt, dialects);
    this.#limitPending();
    return !this.#outlet.isCongested || !this.#holdsBack(topic);
  }

  /**
   * Publishes in this process what another process of the fleet has published. Its frames are copied as they are, and compressed for
   * those who have agreed on it.
   * @param frames right frames of whole messages, at least one, uncompressed.
   * @param messages how many frames they are.
   * @param mayCompress whether they may be compressed.
   */
  relay(topic: string, frames: Uint8Array, messages: number, mayCompress: boolean): void {
    const members = this.#membersByTopic.get(topic);
    const about: AboutRun = { topic, except: undefined, isHeldBack: false, isFromFleet: true, mayCompress };
    const chunk = this.#pool.withRoom(frames.length);
    const start = chunk.position;
    chunk.bytes.set(frames, start);
    this.#pending.addFrameBytes(frames.length);
    // If all frames together are too short to be compressed, each of them is.
    if (!mayCompress || this.#deflatedDialects(topic, members, frames.length) === 0) {
      chunk.position = start + frames.length;
      this.#append(about, chunk, start, undefined, messages);
    } else {
      for (let at = 0; at < frames.length; ) {
        const payloadAt = payloadOfMessageFrame(frames, at);
        const end = endOfMessageFrame(frames, at);
        chunk.position = start + end;
        const dialects = this.#deflatedDialects(topic, members, end - payloadAt);
        this.#add(about, chunk, start + at, start + payloadAt, dialects);
        at = end;
      }
    }
    this.#limitPending();
  }

  /**
   * Adds a publication whose frame is the last in its chunk.
   * @param dialects the set of those that it is compressed for.
   */
  #add(about: AboutRun, chunk: SharedChunk, at: number, payloadAt: number, dialects: number): void {
    if (dialects === 0) {
      this.#append(about, chunk, at, undefined, 1);
      return;
    }
    const firstByte = chunk.bytes[at] as number; // of its header
    // The copy is compressed: shared memory of the application may have changed meanwhile.
    const copy = chunk.bytes.subarray(payloadAt, chunk.position);
    if (this.#deflater?.isLarge(copy.length, dialects)) {
      this.#pending.endRun();
      this.#append(about, chunk, at, undefined, 1);
      this.#deflateLarge(about, firstByte, copy, dialects);
    } else {
      this.#append(about, chunk, at, this.#deflate(about, firstByte, copy, dialects), 1);
    }
  }

  /** Publications go out before the end of the turn if there are too many. */
  #limitPending(): void {
    if (this.#pending.bytes > MAX_WAITING_BYTES) this.flushAll();
    else if (this.#pending.frameBytes > MAX_PENDING_BYTES) this.flush();
  }

  /** The set of the dialects that a publication is compressed for. */
  #deflatedDialects(topic: string, members: TopicMembers | undefined, length: number): number {
    if (this.#deflater?.accepts(length) !== true) return 0;
    return ((members?.dialects ?? 0) | this.#outlet.deflatedDialectsOf(topic)) & DEFLATED_SET;
  }

  #deflate(about: AboutRun, firstByte: number, payload: Uint8Array, dialects: number): DeflatedRuns | undefined {
    const deflated = this.#deflater?.deflate(about, firstByte, payload, dialects);
    this.#pending.addFrameBytes(deflated?.frameBytes ?? 0);
    return deflated?.runs;
  }

  /** The last run is a large publication: compresses it in the background. */
  #deflateLarge(about: AboutRun, firstByte: number, payload: Uint8Array, dialects: number): void {
    const run = this.#pending.last as PublicationRun; // it was just appended
    this.#pending.endRun(); // what is added to it would stay plain
    const large = this.#deflater?.deflateLarge(about, firstByte, payload, dialects, (deflated, frameBytes) => {
      run.deflated = deflated;
      this.#pending.addFrameBytes(frameBytes);
      this.#compressing.delete(large as LargePublication); // it is one, or this would not be called
      if (this.#compressing.size === 0) this.#schedule();
    });
    if (large === undefined) return;
    this.#compressing.add(large);
    this.#waiting ??= setTimeout(() => {
      this.#waiting = undefined;
      this.#waitNoMore();
      this.#schedule();
    }, MAX_WAITING_MS).unref();
  }

  /** See {@link PendingRuns.append}. */
  #append(
    about: AboutRun,
    chunk: SharedChunk,
    start: number,
    deflated: DeflatedRuns | undefined,
    messages: number,
  ): void {
    if (this.#pending.append(about, chunk, start, deflated, messages)) this.#schedule();
  }

  #holdsBack(topic: string): boolean {
    if (!this.#outlet.owes(topic)) return false;
    this.publisher?.holdBack(topic);
    return true;
  }

  /** Whether publishers to a topic should wait. */
  isCongested(topic: string): boolean {
    return this.#outlet.isCongested && this.#outlet.owes(topic);
  }

  /** Tells subscribers that this thread has missed publications to these topics; undefined for all topics. */
  miss(topics: ReadonlySet<string> | undefined): void {
    const subscribers = new Set<Subscriber>();
    for (const topic of topics ?? this.#membersByTopic.keys()) {
      for (const slot of this.#membersByTopic.get(topic)?.all ?? []) {
        const subscriber = this.#table.at(slot);
        if (subscriber !== undefined) subscribers.add(subscriber);
      }
    }
    for (const subscriber of subscribers) subscriber.onMissed();
  }

  /**
   * Gives a subscriber now what was published in this turn, so that what it is sent next comes after it. To be called
   * before anything else is sent to it.
   */
  catchUp(subscriber: Subscriber): void {
    if (!this.#pending.isEmpty && subscriber.subscription !== undefined) this.#takePending(subscriber);
  }

  /** Does what {@link flush} does, without waiting for large publications that are being compressed: they go plain. */
  flushAll(): void {
    if (this.#pending.areGoingOut) return;
    this.#waitNoMore();
    this.flush();
  }

  #waitNoMore(): void {
    for (const large of this.#compressing) large.giveUp();
    this.#compressing.clear();
  }

  /**
   * Ends the turn: delivers what was published in it, and posts it to other threads. It does so later if a large publication is being
   * compressed.
   */
  flush(): void {
    const pending = this.#pending;
    if (pending.isEmpty || pending.areGoingOut || this.#compressing.size > 0) return;
    const runs = pending.all;
    pending.beginGoingOut();
    if (this.#waiting !== undefined) {
      clearTimeout(this.#waiting);
      this.#waiting = undefined;
    }
    this.#pool.beginDelivery();
    if (this.#deflater !== undefined) this.#deflatedPool.beginDelivery();
    try {
      this.#outlet.post(runs);
      this.#delivery.toAll(runs);
    } finally {
      this.#pool.endDelivery();
      if (this.#deflater !== undefined) this.#deflatedPool.endDelivery();
      pending.endGoingOut();
      if (!pending.isEmpty) queueMicrotask(this.#schedule); // in a turn of its own: this one is at its end
    }
  }

  /** Delivers what another thread has published. */
  receive(runs: readonly PublicationRun[]): void {
    this.flush();
    this.#delivery.receivedToAll(runs);
  }

  /**
   * Another thread is gone, with all that it held of the publications of this one. @param peer its number on the bus.
   */
  forgetThread(peer: number): void {
    this.#pool.forget(peer);
    this.#deflatedPool.forget(peer);
  }

  #takePending(subscriber: Subscriber): void {
    this.#pending.endRun();
    this.#delivery.toOne(subscriber, this.#pending.all);
  }

  #remove({ dialect }: Subscriber, { slot }: Subscription, topic: string): void {
    const members = this.#membersByTopic.get(topic) as TopicMembers; // it is a member
    members.delete(slot, dialect);
    if (members.has(dialect)) return;
    if (members.dialects === 0) {
      this.#membersByTopic.delete(topic);
      this.#watcher?.leave(topic);
    }
    this.#outlet.leave(topic, dialect);
  }
}
