import { PatientTimeout } from './patient-timeout.js';

/** While publishers wait, so much still goes to the engine, in bytes: of those that cannot be paused, or have not noticed yet. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/**
 * Whether publishers have to wait for an engine that is connected, but takes publications too slowly. It is
 *
 * - `open`: the engine takes what it is given;
 * - `waiting`: it has said that it is full. Publishers wait, for some time, and what comes from them nevertheless still goes to the engine, up to
 *   8 MiB;
 * - `dropping`: it has been full for too long. Nobody waits, and what is published is dropped until it takes publications again.
 */
export class EnginePressure {
  readonly #stallMs: number;
  readonly #onHold: (holdsPublishers: boolean) => void;
  #state: 'open' | 'waiting' | 'dropping' = 'open';
  #stall: PatientTimeout | undefined;
  /** How much the engine was given since publishers wait, in bytes. */
  #bytes = 0;

  /**
   * @param stallMs how long publishers wait, in ms; 0 if they never do.
   * @param onHold called with true when publishers have to wait, and with false when they may go on.
   */
  constructor(stallMs: number, onHold: (holdsPublishers: boolean) => void) {
    this.#stallMs = stallMs;
    this.#onHold = onHold;
  }

  /** Whether the engine has said that it takes no more, and not yet that it does again. */
  get isFull(): boolean {
    return this.#state !== 'open';
  }

  /**
   * Whether a publication may go to the engine. If not, it is to be dropped.
   * @param cost its bytes, and what else it takes while it waits there.
   */
  admits(cost: number): boolean {
    if (this.#state === 'open') return true;
    if (this.#state === 'dropping') return false;
    if (this.#bytes > 0 && this.#bytes + cost > MAX_WAITING_BYTES) return false;
    this.#bytes += cost;
    return true;
  }

  /** The engine has said that enough waits to be sent. */
  fill(): void {
    if (this.#state !== 'open') return;
    if (this.#stallMs === 0) {
      this.#state = 'dropping';
      return;
    }
    this.#stall = new PatientTimeout(this.#stallMs, () => this.#leaveWaiting('dropping'));
    this.#state = 'waiting';
    this.#bytes = 0;
    this.#onHold(true);
  }

  /** The engine takes publications again, or the connection is over. */
  drain(): void {
    if (this.#state === 'waiting') this.#leaveWaiting('open');
    this.#state = 'open';
  }

  #leaveWaiting(state: 'open' | 'dropping'): void {
    this.#stall?.cancel();
    this.#state = state;
    this.#onHold(false);
  }
}
