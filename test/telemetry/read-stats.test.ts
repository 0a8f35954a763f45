import { describe, expect, it } from 'vitest';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { readStats, readThreads } from '../../dist/telemetry/read-stats.js';

const uncounted = { httpConnections: 2, pendingUpgrades: 1, threads: [], certificates: [], uptimeMs: 5 };

function thread(name: string, messagesIn: number, stalls = 0) {
  const counters = new Counters();
  counters.add(Counter.MESSAGES_IN, messagesIn);
  counters.add(Counter.STALLS, stalls);
  return { thread: name, counters };
}

describe('the figures of a server', () => {
  const threads = [thread('primary', 1), thread('worker 1', 20, 3), thread('worker 2', 300), thread('primary', 4000)];

  it('keep their thread, and figures of the same name are added up', () => {
    const each = readThreads(threads).map(({ thread, figures }) => [thread, figures.MESSAGES_IN, figures.STALLS]);
    expect(each).toEqual([
      ['primary', 4001, 0],
      ['worker 1', 20, 3],
      ['worker 2', 300, 0],
    ]);
  });

  it('are the sums of all threads in its stats, beside the figures that no thread counts', () => {
    const stats = readStats(threads, uncounted);
    expect(stats).toMatchObject({ messagesIn: 4321, messagesOut: 0, ...uncounted });
    expect(stats.limits).toMatchObject({ stalls: 3, shed: 0 });
    expect(Object.values(stats.limits).every((value) => Number.isInteger(value))).toBe(true);
  });
});
