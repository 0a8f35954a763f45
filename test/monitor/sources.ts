import type { MetricsSources } from '../../dist/monitor/metrics-reading.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { readStats } from '../../dist/telemetry/read-stats.js';
import type { ServerStats } from '../../dist/telemetry/server-stats.js';

/** Sources with which every metric has a value: those of a server that has TLS and a backplane. @param more replaces some of them */
export function sourcesOf(more: Partial<MetricsSources> = {}): MetricsSources {
  const counters = new Counters();
  counters.set(Counter.SAMPLED_AT_MS, 1);
  const threads = more.threads ?? [{ thread: 'primary', counters }];
  const stats: ServerStats = readStats(threads, {
    httpConnections: 3,
    pendingUpgrades: 2,
    threads: [{ connections: 0, isTaking: true }],
    certificates: [{ name: undefined, daysLeft: 3, validFrom: 0, validTo: 1_800_000_000_000 }],
    uptimeMs: 1500,
  });
  return {
    threads,
    owed: [{ thread: 'primary', bytes: 7 }],
    stats,
    health: {
      status: 'degraded',
      threads: [],
      connections: 0,
      workersLost: 0,
      workersLostLastMinute: 0,
      uptimeSeconds: 1,
      backplane: [{ name: 'nats', state: 'lost', seconds: 1 }],
    },
    kernel: 'auto',
    limits: { connections: 100, bufferedBytes: 200, windowBytes: 300 },
    ...more,
  };
}
