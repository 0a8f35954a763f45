import type { Driver, DriverEnvironment } from './driver.js';
import type { LoadConnection } from './load-connection.js';
import { SendSchedule } from './send-schedule.js';

/** Connections are opened and closed; for each that is over, the next is opened. */
export class ConnectDriver implements Driver {
  readonly connectionsBefore = 0;
  readonly #env: DriverEnvironment;
  readonly #schedule: SendSchedule;
  #isRunning = false;
  /** Connections that are being opened, are open, or are being closed. */
  #underWay = 0;

  constructor(env: DriverEnvironment) {
    this.#env = env;
    this.#schedule = new SendSchedule(env.options);
  }

  get isSettled(): boolean {
    return this.#underWay === 0;
  }

  get isDone(): boolean {
    return this.#schedule.isExhausted && this.isSettled;
  }

  start(amount: number, now: number): void {
    this.#isRunning = true;
    this.#schedule.start(amount, now);
    while (this.#underWay < this.#env.options.connections && this.#connect(now));
  }

  stop(): void {
    this.#isRunning = false;
  }

  onOpen(connection: LoadConnection, now: number): void {
    if (this.#isRunning) {
      this.#env.tally.messages++;
      this.#env.tally.latency.note(now - connection.startedAt, 1);
    }
    connection.close();
  }

  onReplies(): void {}

  onDrain(): void {}

  onClosed(): void {
    this.#underWay--;
    if (this.#isRunning) this.#connect(performance.now());
    if (this.isSettled) this.#env.wake();
  }

  onTick(): void {}

  /** Connections that are being closed have a time limit of their own, and count when it is over. */
  abandon(): number {
    return this.#underWay - this.#env.connections.size;
  }

  #connect(now: number): boolean {
    if (this.#schedule.take(1, now) === 0) return false;
    this.#underWay++;
    this.#env.connect();
    return true;
  }
}
