import { afterEach, expect, it, vi } from 'vitest';
import { ThreadVitals } from '../../dist/host/thread-vitals.js';
import { sharedClockMs } from '../../dist/system/shared-clock.js';
import { Counter, Counters, Distribution } from '../../dist/telemetry/counters.js';
import { until } from '../e2e/serving.js';

const { LOOP_DELAY_SECONDS } = Distribution;

let vitals: ThreadVitals | undefined;

afterEach(() => {
  vitals?.stop();
  vi.useRealTimers();
});

const seconds = (counters: Counters) => counters.ranges(LOOP_DELAY_SECONDS).reduce((sum, count) => sum + count, 0);

it('a thread says at once how it is', () => {
  const counters = new Counters();
  const before = sharedClockMs();
  vitals = new ThreadVitals(counters);
  const at = counters.get(Counter.SAMPLED_AT_MS);
  expect(at).toBeGreaterThanOrEqual(before);
  expect(at).toBeLessThanOrEqual(sharedClockMs());
  const used = counters.get(Counter.HEAP_USED_BYTES);
  expect(used).toBeGreaterThan(0);
  expect(used).toBeLessThan(counters.get(Counter.HEAP_LIMIT_BYTES));
  expect(counters.get(Counter.LOOP_ACTIVE_SECONDS)).toBeGreaterThan(0);
  expect(seconds(counters)).toBe(0);
});

it('a thread that was blocked says for how long', async () => {
  const counters = new Counters();
  vitals = new ThreadVitals(counters);
  await new Promise((resolve) => setImmediate(resolve));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
  await until(() => seconds(counters) > 0);
  expect(counters.sum(LOOP_DELAY_SECONDS)).toBeGreaterThanOrEqual(0.4); // the sample was due after a second
  expect(counters.sum(LOOP_DELAY_SECONDS)).toBeLessThan(400); // no ms
});

it('nothing is measured any more when it is stopped', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const counters = new Counters();
  vitals = new ThreadVitals(counters);
  vi.advanceTimersByTime(2000);
  expect(seconds(counters)).toBe(2);
  vitals.stop();
  vi.advanceTimersByTime(5000);
  expect(seconds(counters)).toBe(2);
});
