import type { Driver, DriverEnvironment } from './driver.js';
import { NO_ANSWER, UNEXPECTED } from './failures.js';
import type { LoadConnection } from './load-connection.js';
import { SendSchedule } from './send-schedule.js';

/**
 * The connection that is opened first publishes; each message is done when all others have it, and then the next is
 * published. What the publisher gets of its own is not counted: some servers send it, others do not.
 */
export class BroadcastDriver implements Driver {
  readonly #env: DriverEnvironment;
  readonly #schedule: SendSchedule;
  #isRunning = false;
  #publisher: LoadConnection | undefined;
  #published = 0;
  #done = 0;
  // Rings: the publication with the number n is at n modulo the most that can be on their way.

  readonly #dueTimes: Float64Array;
  readonly #sendTimes: Float64Array;
  /** How many subscribers have each publication, … */
  readonly #counts: Int32Array;
  /** … and how many are to get it. */
  readonly #targets: Int32Array;

  constructor(env: DriverEnvironment) {
    const { inFlight } = env.options;
    this.#env = env;
    this.#schedule = new SendSchedule(env.options);
    this.#dueTimes = new Float64Array(inFlight);
    this.#sendTimes = new Float64Array(inFlight);
    this.#counts = new Int32Array(inFlight);
    this.#targets = new Int32Array(inFlight);
  }

  get connectionsBefore(): number {
    return this.#env.options.connections + 1;
  }

  get isSettled(): boolean {
    return this.#done === this.#published;
  }

  get isDone(): boolean {
    const hasNobody = this.#publisher === undefined || this.#env.connections.size < 2;
    return (this.#schedule.isExhausted && this.isSettled) || hasNobody;
  }

  start(amount: number, now: number): void {
    this.#isRunning = true;
    this.#schedule.start(amount, now);
    if (!this.#schedule.isRated) this.#publish(now);
  }

  stop(now: number): void {
    this.#isRunning = false;
    this.#schedule.abandon(now, this.#env.tally.latency);
  }

  onOpen(connection: LoadConnection): void {
    this.#publisher ??= connection;
  }

  /** Hot: once for each read of each subscriber, with a few operations for each message. */
  onReplies(connection: LoadConnection, count: number): void {
    if (connection === this.#publisher || this.#publisher === undefined) return;
    const now = performance.now();
    const { tally, options } = this.#env;
    const expected = this.#published - connection.received;
    if (count > expected) {
      tally.error(UNEXPECTED, count - expected);
      count = expected;
    }
    if (this.#isRunning) tally.messages += count;
    const doneBefore = this.#done;
    let slot = connection.received % options.inFlight;
    for (let i = 0; i < count; i++) {
      const has = (this.#counts[slot] as number) + 1;
      this.#counts[slot] = has;
      if (has === this.#targets[slot]) this.#complete(slot, now);
      if (++slot === options.inFlight) slot = 0;
    }
    connection.received += count;
    if (this.#done > doneBefore) this.#goOn(now);
  }

  onDrain(): void {}

  onClosed(connection: LoadConnection): void {
    if (connection === this.#publisher) this.#losePublisher();
    else if (this.#publisher !== undefined) this.#loseSubscriber(connection);
    this.#env.wake();
  }

  /** The publisher is gone: its publications may not have left it, and are not waited for any more. */
  #losePublisher(): void {
    this.#publisher = undefined;
    this.#done = this.#published;
  }

  /** A subscriber is gone: publications that it has not got are not waited for any more. */
  #loseSubscriber(connection: LoadConnection): void {
    const now = performance.now();
    for (let number = connection.received; number < this.#published; number++) {
      const slot = number % this.#env.options.inFlight;
      const target = (this.#targets[slot] as number) - 1;
      this.#targets[slot] = target;
      if (this.#counts[slot] === target) this.#complete(slot, now);
    }
    this.#goOn(now);
  }

  onTick(now: number): void {
    const { options, tally, connections } = this.#env;
    if (this.#isRunning && this.#schedule.isRated) this.#publish(now);
    if (this.isSettled || (this.#sendTimes[this.#done % options.inFlight] as number) > now - options.timeoutMs) return;
    for (const connection of [...connections]) {
      if (connection === this.#publisher || connection.received > this.#done) continue;
      tally.error(NO_ANSWER);
      connection.fail(NO_ANSWER);
    }
  }

  abandon(): number {
    const abandoned = this.#published - this.#done;
    this.#done = this.#published;
    if (abandoned === 0) return 0;
    for (const connection of this.#env.connections) {
      if (connection === this.#publisher || connection.received === this.#published) continue;
      connection.received = this.#published;
      connection.fail(NO_ANSWER);
    }
    return abandoned;
  }

  /** Counts the publications that all subscribers have. They come to each subscriber in order, so the oldest is done first. */
  #complete(slot: number, now: number): void {
    this.#done++;
    if (!this.#isRunning && !this.#schedule.isRated) return;
    this.#env.tally.latency.note(now - (this.#dueTimes[slot] as number), 1);
  }

  #goOn(now: number): void {
    if (this.#isRunning) this.#publish(now);
    if (this.isSettled) this.#env.wake();
  }

  /** Publishes as much as may be on its way, in one write. */
  #publish(now: number): void {
    const publisher = this.#publisher;
    const subscribers = this.#env.connections.size - 1;
    if (publisher === undefined || subscribers === 0) return;
    const schedule = this.#schedule;
    if (schedule.isRated) schedule.advance(now);
    const { inFlight } = this.#env.options;
    const free = inFlight - (this.#published - this.#done);
    let count = 0;
    for (let taken = schedule.take(free, now); taken > 0; taken = schedule.take(free - count, now)) {
      for (let i = 0; i < taken; i++) {
        const slot = (this.#published + i) % inFlight;
        this.#dueTimes[slot] = schedule.time;
        this.#sendTimes[slot] = now;
        this.#counts[slot] = 0;
        this.#targets[slot] = subscribers;
      }
      this.#published += taken;
      count += taken;
    }
    if (count > 0) publisher.send(count);
  }
}
