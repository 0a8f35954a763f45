import type { Driver, DriverEnvironment } from './driver.js';
import type { LoadConnection } from './load-connection.js';

/** Connections are opened, and held. What is measured of them is how long they took to open. */
export class IdleDriver implements Driver {
  readonly isSettled = true;
  readonly #env: DriverEnvironment;

  constructor(env: DriverEnvironment) {
    this.#env = env;
  }

  get connectionsBefore(): number {
    return this.#env.options.connections;
  }

  get isDone(): boolean {
    return this.#env.connections.size === 0;
  }

  start(): void {}

  stop(): void {}

  onOpen(connection: LoadConnection, now: number): void {
    this.#env.tally.latency.note(now - connection.startedAt, 1);
  }

  onReplies(): void {}

  onDrain(): void {}

  onClosed(): void {
    this.#env.wake();
  }

  onTick(): void {}

  abandon(): number {
    return 0;
  }
}
