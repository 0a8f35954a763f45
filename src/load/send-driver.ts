import type { Driver, DriverEnvironment } from './driver.js';
import type { LoadConnection } from './load-connection.js';
import { SendSchedule } from './send-schedule.js';

/** Connections send to a server that does not answer: as much as the system takes. What counts is what the system has taken. */
export class SendDriver implements Driver {
  readonly #env: DriverEnvironment;
  readonly #schedule: SendSchedule;
  #isRunning = false;
  /** Connections that the system takes bytes from, and that have not sent in this turn of the event loop. */
  readonly #ready = new Set<LoadConnection>();
  /** How many messages of the others the system has not taken, or only a part of them. */
  readonly #queued = new Map<LoadConnection, number>();
  #isScheduled = false;

  constructor(env: DriverEnvironment) {
    this.#env = env;
    this.#schedule = new SendSchedule(env.options);
  }

  get connectionsBefore(): number {
    return this.#env.options.connections;
  }

  get isSettled(): boolean {
    for (const connection of this.#env.connections) if (connection.isQueued) return false;
    return true;
  }

  get isDone(): boolean {
    return (this.#schedule.isExhausted && this.isSettled) || this.#env.connections.size === 0;
  }

  start(amount: number, now: number): void {
    this.#isRunning = true;
    this.#schedule.start(amount, now);
    for (const connection of this.#env.connections) if (!connection.isQueued) this.#ready.add(connection);
    this.#sendSoon();
  }

  stop(): void {
    this.#isRunning = false;
  }

  onOpen(): void {}

  onReplies(): void {}

  onDrain(connection: LoadConnection): void {
    if (this.#isRunning) this.#env.tally.messages += this.#queued.get(connection) ?? 0;
    this.#queued.delete(connection);
    this.#ready.add(connection);
    this.#sendSoon();
    this.#env.wake();
  }

  onClosed(connection: LoadConnection): void {
    this.#ready.delete(connection);
    this.#queued.delete(connection);
    this.#env.wake();
  }

  onTick(now: number): void {
    if (!this.#isRunning || !this.#schedule.isRated) return;
    this.#schedule.advance(now);
    this.#sendSoon();
  }

  abandon(): number {
    return 0;
  }

  #sendSoon(): void {
    if (this.#isScheduled || !this.#isRunning || this.#ready.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#isRunning) this.#sendAll();
    });
  }

  #sendAll(): void {
    const { options, tally } = this.#env;
    const now = performance.now();
    for (const connection of [...this.#ready]) {
      if (!connection.isOpen) {
        this.#ready.delete(connection);
        continue;
      }
      const count = this.#schedule.take(options.inFlight, now);
      if (count === 0) break;
      connection.send(count);
      // Behind the others, so that all have their turn when there is a rate.
      this.#ready.delete(connection);
      if (connection.isQueued) {
        this.#queued.set(connection, count);
      } else {
        tally.messages += count;
        this.#ready.add(connection);
      }
    }
    if (this.#schedule.isExhausted) this.#env.wake();
    else if (!this.#schedule.isRated || this.#schedule.waiting > 0) this.#sendSoon();
  }
}
