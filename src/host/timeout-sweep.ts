import { Clock } from '../connection/clock.js';
import type { TimeLimits } from '../connection/peer-timeouts.js';

/** Something that is checked in each tick, such as a connection. */
export interface Swept {
  onTick(): void;
}

const MIN_TICK_MS = 10;
const MAX_TICK_MS = 1000;
/** How old {@link Clock.recentMs} may be, in ms. */
const RECENT_MS = 50;

/** Checks the time limits of all connections of a thread, by one timer that runs only while there are connections. */
export class TimeoutSweep {
  readonly clock: Clock;
  readonly #swept: ReadonlySet<Swept>;
  readonly #hasRates: boolean;
  #timer: NodeJS.Timeout | undefined;
  #recentTimer: NodeJS.Timeout | undefined;
  #lastMs = 0;

  /**
   * @param swept the connections to check; the set may change at any time.
   * @param hasRates whether the rates of connections are limited, so that {@link Clock.recentMs} is needed.
   */
  constructor(swept: ReadonlySet<Swept>, tickMs: number, hasRates = false) {
    this.#swept = swept;
    this.#hasRates = hasRates;
    this.clock = new Clock(tickMs);
  }

  /** Call this when a connection was added. */
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

/** The interval of the checks, in ms: an eighth of the shortest limit, so that no limit is exceeded by more than a quarter. */
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
