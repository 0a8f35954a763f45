import type { Driver, DriverEnvironment } from './driver.js';
import { NO_ANSWER, UNEXPECTED } from './failures.js';
import type { LoadConnection } from './load-connection.js';
import { SendSchedule } from './send-schedule.js';

/** Each connection sends, and for each message that comes back it sends the next. */
export class EchoDriver implements Driver {
  readonly #env: DriverEnvironment;
  readonly #schedule: SendSchedule;
  #isRunning = false;
  #inFlight = 0;
  /** Connections take turns with the messages that are due. */
  #turns: LoadConnection[] = [];
  #turn = 0;

  constructor(env: DriverEnvironment) {
    this.#env = env;
    this.#schedule = new SendSchedule(env.options);
  }

  get connectionsBefore(): number {
    return this.#env.options.connections;
  }

  get isSettled(): boolean {
    return this.#inFlight === 0;
  }

  get isDone(): boolean {
    return (this.#schedule.isExhausted && this.isSettled) || this.#env.connections.size === 0;
  }

  start(amount: number, now: number): void {
    this.#isRunning = true;
    this.#schedule.start(amount, now);
    this.#turns = [...this.#env.connections];
    if (this.#schedule.isRated) return;
    const { inFlight } = this.#env.options;
    for (const connection of this.#turns) this.#send(connection, inFlight - connection.inFlight.count, now);
  }

  stop(now: number): void {
    this.#isRunning = false;
    this.#schedule.abandon(now, this.#env.tally.latency);
  }

  onOpen(): void {}

  onReplies(connection: LoadConnection, count: number): void {
    const now = performance.now();
    const { tally } = this.#env;
    const { inFlight } = connection;
    if (count > inFlight.count) {
      tally.error(UNEXPECTED, count - inFlight.count);
      count = inFlight.count;
    }
    this.#inFlight -= count;
    // A rate owes an answer to each message that was due: the last ones would be missing where a server is slow.
    inFlight.take(count, now, this.#isRunning || this.#schedule.isRated ? tally.latency : undefined);
    if (this.#isRunning) {
      tally.messages += count;
      this.#send(connection, count, now);
    }
    if (this.#inFlight === 0) this.#env.wake();
  }

  onDrain(): void {}

  onClosed(connection: LoadConnection): void {
    this.#inFlight -= connection.inFlight.clear();
    this.#turns = this.#turns.filter((other) => other !== connection);
    this.#env.wake();
  }

  onTick(now: number): void {
    const { timeoutMs } = this.#env.options;
    if (this.#isRunning && this.#schedule.isRated) this.#sendDue(now);
    for (const connection of this.#env.connections) {
      if (connection.inFlight.oldest > now - timeoutMs) continue;
      this.#env.tally.error(NO_ANSWER, this.#forget(connection));
      connection.fail(NO_ANSWER);
    }
  }

  abandon(): number {
    let abandoned = 0;
    for (const connection of this.#env.connections) {
      const forgotten = this.#forget(connection);
      if (forgotten > 0) connection.fail(NO_ANSWER);
      abandoned += forgotten;
    }
    return abandoned;
  }

  #forget(connection: LoadConnection): number {
    const forgotten = connection.inFlight.clear();
    this.#inFlight -= forgotten;
    return forgotten;
  }

  /** Shares the messages that are due out among the connections. A connection that has enough on its way leaves its share to others. */
  #sendDue(now: number): void {
    const schedule = this.#schedule;
    schedule.advance(now);
    const { inFlight } = this.#env.options;
    const share = Math.ceil(schedule.waiting / this.#turns.length);
    for (let tried = 0; schedule.waiting > 0 && tried < this.#turns.length; tried++) {
      this.#turn = (this.#turn + 1) % this.#turns.length;
      const connection = this.#turns[this.#turn] as LoadConnection;
      this.#send(connection, Math.min(share, inFlight - connection.inFlight.count), now);
    }
  }

  /** Sends up to `wanted` messages, in one write. */
  #send(connection: LoadConnection, wanted: number, now: number): void {
    const schedule = this.#schedule;
    let count = 0;
    for (let taken = schedule.take(wanted, now); taken > 0; taken = schedule.take(wanted - count, now)) {
      connection.inFlight.add(schedule.time, taken, now);
      count += taken;
    }
    if (count === 0) return;
    this.#inFlight += count;
    connection.send(count);
  }
}
