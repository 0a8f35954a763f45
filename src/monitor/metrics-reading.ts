import { sharedClockMs } from '../system/shared-clock.js';
import { Counter, Counters } from '../telemetry/counters.js';
import type { ThreadCounters } from '../telemetry/read-stats.js';
import type { ServerStats } from '../telemetry/server-stats.js';
import type { Health } from './routes.js';

/** What a thread was posted of publications, and has not taken yet. */
export interface OwedBytes {
  readonly thread: string;
  readonly bytes: number;
}

/** What the metrics of a server are made from: what its threads have counted, and what the primary knows beside that. */
export interface MetricsSources {
  /** The counters of all threads, also of those that have ended. Those with the same name are added up. */
  readonly threads: readonly ThreadCounters[];
  /** Of the threads that live. */
  readonly owed: readonly OwedBytes[];
  readonly stats: ServerStats;
  readonly health: Health;
  /** The name of the kernel. */
  readonly kernel: string;
  /** Limits that gauges are compared with. */
  readonly limits: {
    readonly connections: number;
    readonly bufferedBytes: number;
    /** 0 if no window is kept. */
    readonly windowBytes: number;
  };
}

/** All threads of one name. */
export interface NamedThread {
  readonly thread: string;
  readonly counters: Counters;
  /** Whether one of them lives, so that its gauges mean something. */
  readonly isAlive: boolean;
}

/** The state of a server at one moment, from which all of its metrics are read. */
export class MetricsReading {
  readonly sources: MetricsSources;
  readonly threads: readonly NamedThread[];
  /** The sum of all threads. */
  readonly total = new Counters();
  /** When it was made, by the clock that all threads share. */
  readonly nowMs = sharedClockMs();

  constructor(sources: MetricsSources) {
    this.sources = sources;
    const byName = new Map<string, Counters>();
    for (const { thread, counters } of sources.threads) {
      const sum = byName.get(thread) ?? new Counters();
      byName.set(thread, sum);
      sum.addAll(counters);
    }
    for (const sum of byName.values()) this.total.addAll(sum);
    this.threads = [...byName].map(([thread, counters]) => ({
      thread,
      counters,
      isAlive: counters.get(Counter.SAMPLED_AT_MS) > 0,
    }));
  }
}
