import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { sharedClockMs } from '../system/shared-clock.js';
import { Counter, type Counters, Distribution } from '../telemetry/counters.js';

/** How often the figures are brought up to date, in ms. */
const SAMPLING_MS = 1000;
/** How often the delay of the event loop is measured, in ms. Node does that without JavaScript. */
const RESOLUTION_MS = 20;

/** How a thread is: its heap, and how busy and how late its event loop is. It is known to others as of the last second. */
export class ThreadVitals {
  readonly #counters: Counters;
  readonly #timer: NodeJS.Timeout;
  readonly #delays: IntervalHistogram;
  /** When the next sample is due. */
  #dueMs: number;

  /** Begins at once, in the thread that calls. Neither timer keeps a process alive. */
  constructor(counters: Counters) {
    this.#counters = counters;
    this.#delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delays.enable();
    this.#timer = setInterval(() => this.#sample(), SAMPLING_MS).unref();
    this.#dueMs = performance.now() + SAMPLING_MS;
    this.#note();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delays.disable();
  }

  #sample(): void {
    const delays = this.#delays;
    // Each value is the time between two measurements.
    const [longestMs, meanMs] = delays.count === 0 ? [0, 0] : [late(delays.max), late(delays.mean)];
    delays.reset();
    const now = performance.now();
    // What begins right behind a reset is seen by this timer only.
    const ownDelayMs = Math.max(0, now - this.#dueMs);
    this.#dueMs = now + SAMPLING_MS;
    this.#counters.observe(Distribution.LOOP_DELAY_SECONDS, Math.max(longestMs, ownDelayMs) / 1000);
    this.#counters.set(Counter.LOOP_DELAY_SECONDS, meanMs / 1000);
    this.#note();
  }

  #note(): void {
    const counters = this.#counters;
    const { active, idle } = performance.eventLoopUtilization();
    counters.set(Counter.LOOP_ACTIVE_SECONDS, active / 1000);
    counters.set(Counter.LOOP_IDLE_SECONDS, idle / 1000);
    const { used_heap_size, heap_size_limit } = getHeapStatistics();
    counters.set(Counter.HEAP_USED_BYTES, used_heap_size);
    counters.set(Counter.HEAP_LIMIT_BYTES, heap_size_limit);
    counters.set(Counter.SAMPLED_AT_MS, sharedClockMs());
  }
}

/** How late a measurement was, in ms. @param nanoseconds since the one before. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1_000_000 - RESOLUTION_MS);
}
