import { Clock } from '../connection/clock.js';
import type { TimeLimits } from '../connection/peer-timeouts.js';

/** Who is looked at in each tick. */
export interface Swept {
  onTick(): void;
}

const MIN_TICK_MS = 10;
const MAX_TICK_MS = 1000;
/** How old {@link Clock.recentMs} may be, in ms. */
const RECENT_MS = 50;

/** The time limits of all connections of a thread: one timer, however many they are, which runs only while there are any. */
export class TimeoutSweep {
  readonly clock: Clock;
  readonly #swept: ReadonlySet<Swept>;
  readonly #hasRates: boolean;
  #timer: NodeJS.Timeout | undefined;
  #recentTimer: NodeJS.Timeout | undefined;
  #lastMs = 0;

  /**
   * @param swept those to look at: may change at any time.
   * @param hasRates whether their rates are limited, so that the time has to be recent.
   */
  constructor(swept: ReadonlySet<Swept>, tickMs: number, hasRates = false) {
    this.#swept = swept;
    this.#hasRates = hasRates;
    this.clock = new Clock(tickMs);
  }

  /** To be called when there is somebody to look at. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#lastMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), this.clock.tickMs).unref();
    if (!this.#hasRates) return;
    this.#refresh();
    this.#recentTimer = setInterval(() => this.#refresh(), RECENT_MS).unref();
  }

  #refresh(): void {
    this.clock.recentMs = Math.floor(performance.now());
  }

  #tick(): void {
    if (this.#swept.size === 0) {
      clearInterval(this.#timer);
      clearInterval(this.#recentTimer);
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    this.clock.tick(now - this.#lastMs);
    this.#lastMs = now;
    for (const one of this.#swept) one.onTick();
  }
}

/** How often limits are looked at, in ms: an eighth of the shortest, so that none is exceeded by more than a quarter. */
export function tickFor(limits: TimeLimits): number {
  const times = [
    limits.heartbeatIntervalMs,
    limits.idleTimeoutMs,
    limits.messageTimeoutMs,
    limits.stallTimeoutMs,
    limits.closeTimeoutMs,
  ].filter((ms) => ms > 0);
  return Math.min(Math.max(Math.min(...times) / 8, MIN_TICK_MS), MAX_TICK_MS);
}
