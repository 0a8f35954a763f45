import { frameHeaderBytes, writeFrameHeader } from '../protocol/frame-header.js';
import { Room } from './room.js';
import { type DescriptorSender, Roster } from './roster.js';
import { ChunkPool, type SharedChunk } from './shared-chunk.js';

/** Who can subscribe: a connection, as far as topics know it. */
export interface Subscriber {
  /** The topics it is subscribed to; undefined for none. Kept by {@link Topics}. */
  topics: Set<string> | undefined;
  /** Which batch it was last given runs of out of turn, and how many of them. Kept by {@link Topics}. */
  batch: number;
  runsTaken: number;
  /** Its place in the {@link Roster}; negative while it has no topics. Kept by {@link Topics}. */
  slot: number;
  /** Its descriptor, if it has one and nothing waits to be sent to it before; else a negative number. */
  readonly clearDescriptor: number;
  /** Sends it `messages` frames, encoded at `[start, end)` of the chunk. */
  deliver(chunk: SharedChunk, start: number, end: number, messages: number): void;
}

/** Publications to one topic that follow each other, encoded in one place. */
export interface Run {
  readonly topic: string;
  readonly chunk: SharedChunk;
  readonly start: number;
  end: number;
  messages: number;
  /** Its publisher, if that is not to get it. */
  readonly except: Subscriber | undefined;
}

/** Carries the publications of this thread to the others: see {@link Bus}. */
export interface Outlet {
  readonly hasPeers: boolean;
  post(runs: readonly Run[]): void;
}

/**
 * The topics of one thread: who is subscribed here, and what was published here in this turn. A publication is framed once;
 * when the turn ends, all publications of a topic go to each of its subscribers in one write, in the order of publishing,
 * and to the other threads.
 */
export class Topics {
  readonly #rooms = new Map<string, Room>();
  readonly #roster = new Roster();
  #sender: DescriptorSender | undefined;
  readonly #outlet: Outlet;
  readonly #schedule: () => void;
  readonly #pool = new ChunkPool();
  /** What was published in this turn. */
  #runs: Run[] = [];
  /** The last of them may grow: nobody has been given it yet. */
  #lastIsOpen = false;
  /** Counts the batches that were delivered, so that a subscriber's `runsTaken` is void in the next. */
  #batch = 1;

  /** @param schedule called when there is something to flush. */
  constructor(outlet: Outlet, schedule: () => void) {
    this.#outlet = outlet;
    this.#schedule = schedule;
  }

  /** From now on, publications go straight to the descriptors of those for whom nothing else waits. */
  sendBy(sender: DescriptorSender): void {
    this.#sender = sender;
  }

  /** Something is going to wait to be sent to a subscriber, or its descriptor is going to be closed. */
  block(subscriber: Subscriber): void {
    this.#roster.block(subscriber);
  }

  /** Whether a subscriber was sent something, without being asked, since the last call. */
  takeSent(subscriber: Subscriber): boolean {
    return this.#roster.takeSent(subscriber);
  }

  /** Whether something was published in this turn. */
  get hasPending(): boolean {
    return this.#runs.length > 0;
  }

  subscribe(subscriber: Subscriber, topic: string): void {
    if (subscriber.topics?.has(topic)) return;
    // Also without topics yet: it is not to get what was published before.
    if (this.#runs.length > 0) this.#takePending(subscriber);
    if (subscriber.topics === undefined) {
      subscriber.topics = new Set();
      this.#roster.enter(subscriber);
    }
    subscriber.topics.add(topic);
    let room = this.#rooms.get(topic);
    if (room === undefined) {
      room = new Room();
      this.#rooms.set(topic, room);
    }
    room.add(subscriber);
  }

  unsubscribe(subscriber: Subscriber, topic: string): void {
    if (!subscriber.topics?.has(topic)) return;
    this.catchUp(subscriber);
    if (subscriber.topics === undefined) return; // what was pending was its end
    subscriber.topics.delete(topic);
    this.#remove(subscriber, topic);
    if (subscriber.topics.size === 0) this.#leave(subscriber);
  }

  /** Ends all subscriptions of a subscriber that can be sent nothing any more. */
  forget(subscriber: Subscriber): void {
    if (subscriber.topics === undefined) return;
    for (const topic of subscriber.topics) this.#remove(subscriber, topic);
    this.#leave(subscriber);
  }

  /**
   * Publishes a message, whose payload lies at `[start, start + length)` of `payload` and is copied.
   * @param except who is not to get it.
   */
  publish(
    topic: string,
    except: Subscriber | undefined,
    firstByte: number,
    payload: Uint8Array,
    start: number,
    length: number,
  ): void {
    if (!this.#rooms.has(topic) && !this.#outlet.hasPeers) return;
    const frameBytes = frameHeaderBytes(length) + length;
    const chunk = this.#pool.withRoom(frameBytes);
    const at = chunk.position;
    const payloadAt = writeFrameHeader(chunk.bytes, at, firstByte, length);
    chunk.bytes.set(payload.subarray(start, start + length), payloadAt);
    chunk.position = payloadAt + length;

    const last = this.#runs.at(-1);
    if (this.#lastIsOpen && last?.topic === topic && last.except === except && last.chunk === chunk) {
      last.end = chunk.position;
      last.messages++;
      return;
    }
    this.#runs.push({ topic, chunk, start: at, end: chunk.position, messages: 1, except });
    this.#lastIsOpen = true;
    this.#schedule();
  }

  /**
   * Gives a subscriber now what was published in this turn, so that what it is sent next comes after it. To be called
   * before it is sent anything else.
   */
  catchUp(subscriber: Subscriber): void {
    if (this.#runs.length > 0 && subscriber.topics !== undefined) this.#takePending(subscriber);
  }

  /** Ends the turn: gives everybody what was published in it. */
  flush(): void {
    const runs = this.#runs;
    if (runs.length === 0) return;
    try {
      this.#outlet.post(runs);
      this.#deliver(runs);
    } finally {
      this.#runs = [];
      this.#lastIsOpen = false;
    }
  }

  /** Delivers what another thread has published. */
  receive(runs: readonly Run[]): void {
    this.flush();
    this.#deliver(runs);
  }

  #takePending(subscriber: Subscriber): void {
    this.#lastIsOpen = false;
    this.#roster.block(subscriber);
    this.#deliverInOrder(subscriber, this.#runs);
  }

  #deliver(runs: readonly Run[]): void {
    try {
      this.#deliverByTopic(runs);
    } finally {
      this.#batch++;
      this.#pool.endTurn();
    }
  }

  #deliverByTopic(runs: readonly Run[]): void {
    const byTopic = groupByTopic(runs);
    for (const [topic, itsRuns] of byTopic) {
      const room = this.#rooms.get(topic);
      if (room === undefined) continue;
      const joined = this.#join(itsRuns);
      // Who is not to have all of it has to be looked at.
      for (const subscriber of joined.exceptions) this.#roster.block(subscriber);
      const slots =
        this.#sender === undefined || byTopic.size > 1 ? room.slots : this.#sendClear(room, joined, this.#sender);
      for (const slot of slots) {
        const subscriber = this.#roster.at(slot);
        // What was delivered to others may have been its end.
        if (subscriber === undefined || !room.has(subscriber)) continue;
        const isOrdinary =
          subscriber.batch !== this.#batch &&
          !joined.exceptions.has(subscriber) &&
          (byTopic.size === 1 || subscriber.topics?.size === 1);
        if (isOrdinary) subscriber.deliver(joined.chunk, joined.start, joined.end, joined.messages);
        else this.#deliverInOrder(subscriber, runs);
        this.#roster.update(subscriber);
      }
    }
  }

  /** Sends to the descriptors of those members of a room that are clear. Hot. @returns the slots of the others */
  #sendClear(room: Room, { chunk, start, end, messages }: JoinedRuns, sender: DescriptorSender): readonly number[] {
    const { fds } = this.#roster;
    const { bytes } = chunk;
    const others: number[] = [];
    let sent = 0;
    for (const slot of room.slots) {
      const fd = fds[slot] as number; // members have slots
      if (fd < 0) {
        others.push(slot);
        continue;
      }
      const taken = sender.send(fd, bytes, start, end);
      if (taken === end - start) {
        this.#roster.noteSent(slot);
        sent++;
        continue;
      }
      const subscriber = this.#roster.at(slot) as Subscriber; // it is clear, and so there
      this.#roster.block(subscriber);
      subscriber.deliver(chunk, start + Math.max(0, taken), end, messages);
    }
    sender.count(sent * messages);
    return others;
  }

  /** The slow way, run by run: for a subscriber that is not to have all runs of a topic, or has several of the topics. */
  #deliverInOrder(subscriber: Subscriber, runs: readonly Run[]): void {
    const from = subscriber.batch === this.#batch ? subscriber.runsTaken : 0;
    subscriber.batch = this.#batch;
    subscriber.runsTaken = runs.length;
    for (let i = from; i < runs.length; i++) {
      const run = runs[i] as Run;
      if (run.except === subscriber || !subscriber.topics?.has(run.topic)) continue;
      subscriber.deliver(run.chunk, run.start, run.end, run.messages);
    }
  }

  /** Runs of one topic as one range: the one that they make up already, or a copy. */
  #join(runs: readonly Run[]): JoinedRuns {
    const first = runs[0] as Run; // a topic is only in the map because of a run
    const exceptions = new Set<Subscriber>();
    let end = first.start;
    let bytes = 0;
    let messages = 0;
    let isOneRange = true;
    for (const run of runs) {
      if (run.except !== undefined) exceptions.add(run.except);
      if (run.chunk !== first.chunk || run.start !== end) isOneRange = false;
      end = run.end;
      bytes += run.end - run.start;
      messages += run.messages;
    }
    if (isOneRange) return { chunk: first.chunk, start: first.start, end, messages, exceptions };
    const chunk = this.#pool.withRoom(bytes);
    const start = chunk.position;
    for (const run of runs) {
      chunk.bytes.set(run.chunk.bytes.subarray(run.start, run.end), chunk.position);
      chunk.position += run.end - run.start;
    }
    return { chunk, start, end: chunk.position, messages, exceptions };
  }

  #remove(subscriber: Subscriber, topic: string): void {
    const room = this.#rooms.get(topic) as Room; // it is a member
    room.delete(subscriber);
    if (room.isEmpty) this.#rooms.delete(topic);
  }

  #leave(subscriber: Subscriber): void {
    subscriber.topics = undefined;
    this.#roster.leave(subscriber);
  }
}

interface JoinedRuns {
  readonly chunk: SharedChunk;
  readonly start: number;
  readonly end: number;
  readonly messages: number;
  readonly exceptions: ReadonlySet<Subscriber>;
}

function groupByTopic(runs: readonly Run[]): Map<string, Run[]> {
  const byTopic = new Map<string, Run[]>();
  for (const run of runs) {
    const others = byTopic.get(run.topic);
    if (others === undefined) byTopic.set(run.topic, [run]);
    else others.push(run);
  }
  return byTopic;
}
