import { describe, expect, it } from 'vitest';
import { METRICS } from '../../dist/monitor/metrics.js';
import { renderMetrics } from '../../dist/monitor/render-metrics.js';
import { sharedClockMs } from '../../dist/system/shared-clock.js';
import { Counter, Counters, Distribution } from '../../dist/telemetry/counters.js';
import { FIGURE_NAMES } from '../../dist/telemetry/figures.js';
import { Exposition } from './exposition.js';
import { sourcesOf } from './sources.js';

/** Units that Prometheus has no base unit for, and parts of names that promtool objects to. */
const UNWANTED =
  /_(ms|us|ns|millis\w*|minutes?|hours?|days?|kb|mb|kib|mib|percent|counter|gauge|histogram|count|sum|bucket)(_|$)/;

describe('the table of metrics', () => {
  it('shows every figure of a thread, each in one metric', () => {
    expect(METRICS.flatMap(({ figures }) => figures).sort()).toEqual([...FIGURE_NAMES].sort());
  });

  it('has names as Prometheus wants them', () => {
    const names = METRICS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type } of METRICS) {
      expect(name).toMatch(/^(wsloom|process)_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name).not.toMatch(UNWANTED);
    }
  });

  it('says in full sentences what each is', () => {
    for (const { name, help } of METRICS) expect(help, name).toMatch(/^[A-Z01`].*\.$/);
  });

  it('names the labels that its samples have', () => {
    const exposition = new Exposition(renderMetrics(sourcesOf(), 'text'));
    for (const { name, labels } of METRICS) {
      const { samples = [] } = exposition.families.get(name) ?? {};
      expect(samples.length, name).toBeGreaterThan(0);
      for (const sample of samples) {
        const { le: _, ...own } = sample.labels;
        expect(Object.keys(own).sort(), name).toEqual([...labels].sort());
      }
    }
  });
});

describe.each(['text', 'openmetrics'] as const)('the format %s', (format) => {
  it('can be read, with all metrics, and with nothing counted', () => {
    const { families } = new Exposition(renderMetrics(sourcesOf(), format), format);
    expect(families.size).toBe(METRICS.length);
  });

  it('leaves out what there is none of', () => {
    const sources = sourcesOf();
    const { backplane: _, ...health } = sources.health;
    const text = renderMetrics({ ...sources, health, stats: { ...sources.stats, certificates: [] } }, format);
    const { families } = new Exposition(text, format);
    expect(families.size).toBe(METRICS.length - 2);
    expect(text).not.toContain('wsloom_backplane_connected');
  });

  it('quotes whatever a label holds', () => {
    const name = 'a"b\\c\nd';
    const sources = sourcesOf();
    const certificates = [{ name, daysLeft: 3, validFrom: 0, validTo: 5000 }];
    const text = renderMetrics({ ...sources, stats: { ...sources.stats, certificates } }, format);
    expect(text).toContain('{name="a\\"b\\\\c\\nd"} 5\n');
    expect(new Exposition(text, format).sum('wsloom_certificate_expiry_timestamp_seconds', { name })).toBe(5);
  });

  it('has the same samples as the other', () => {
    const lines = (text: string) => text.split('\n').filter((line) => /^wsloom/.test(line) && !/seconds/.test(line));
    expect(lines(renderMetrics(sourcesOf(), format))).toEqual(lines(renderMetrics(sourcesOf(), 'text')));
  });
});

describe('values', () => {
  it('of threads of one name are added up, and gauges shown of threads that live', () => {
    const [primary, worker, former, gone] = [new Counters(), new Counters(), new Counters(), new Counters()];
    for (const counters of [primary, worker]) counters.set(Counter.SAMPLED_AT_MS, 1);
    primary.add(Counter.MESSAGES_IN, 1);
    worker.add(Counter.MESSAGES_IN, 20);
    worker.add(Counter.CONNECTIONS, 5);
    former.add(Counter.MESSAGES_IN, 300);
    gone.add(Counter.MESSAGES_IN, 4000);
    const threads = [
      { thread: 'primary', counters: primary },
      { thread: 'worker 1', counters: worker },
      { thread: 'worker 1', counters: former },
      { thread: 'worker 2', counters: gone },
    ];
    const metrics = new Exposition(renderMetrics(sourcesOf({ threads }), 'text'));
    const received = (thread: string) => metrics.sum('wsloom_messages_total', { thread, direction: 'received' });
    expect(['primary', 'worker 1', 'worker 2'].map(received)).toEqual([1, 320, 4000]);
    expect(metrics.labelsOf('wsloom_connections', 'thread')).toEqual(['primary', 'worker 1']);
    expect(metrics.sum('wsloom_connections')).toBe(5);
    expect(metrics.labelsOf('wsloom_thread_silent_seconds', 'thread')).toEqual(['primary', 'worker 1']);
  });

  it('of sizes are in the bucket of the next power of two, small ones and large ones together', () => {
    const counters = new Counters();
    const sizes = [0, 1, 16, 17, 32, 33, 2 ** 24, 2 ** 24 + 1, 2 ** 32 - 1];
    for (const size of sizes) counters.observeSize(Distribution.RECEIVED_TEXT_BYTES, size);
    const threads = [{ thread: 'primary', counters }];
    const metrics = new Exposition(renderMetrics(sourcesOf({ threads }), 'text'));
    const labels = { direction: 'received', type: 'text' };
    const upTo = (le: string) => metrics.sum('wsloom_message_bytes_bucket', { ...labels, le });
    expect(['16.0', '32.0', '64.0', '16777216.0', '+Inf'].map(upTo)).toEqual([3, 5, 6, 7, 9]);
    expect(['8.0', '33554432.0'].map(upTo)).toEqual([undefined, undefined]);
    expect(metrics.sum('wsloom_message_bytes_sum', labels)).toBe(sizes.reduce((sum, size) => sum + size, 0));
    expect(metrics.sum('wsloom_message_bytes_count')).toBe(sizes.length);
  });

  it('of times are in seconds, in the bucket that ends with them', () => {
    const counters = new Counters();
    for (const seconds of [0.001, 0.0011, 60]) counters.observe(Distribution.HANDSHAKE_SECONDS, seconds);
    counters.observe(Distribution.HAND_OFF_SECONDS, 0.002, 3);
    counters.set(Counter.BACKPLANE_LAG_MS, 1500);
    const threads = [{ thread: 'primary', counters }];
    const metrics = new Exposition(renderMetrics(sourcesOf({ threads }), 'text'));
    const upTo = (le: string) => metrics.sum('wsloom_handshake_seconds_bucket', { le });
    expect(['0.0005', '0.001', '0.0025', '10.0', '+Inf'].map(upTo)).toEqual([0, 1, 2, 2, 3]);
    expect(metrics.sum('wsloom_hand_off_seconds_count')).toBe(3);
    expect(metrics.sum('wsloom_hand_off_seconds_sum')).toBeCloseTo(0.006);
    expect(metrics.sum('wsloom_backplane_lag_seconds_total')).toBe(1.5);
  });

  it('of how long a thread has been silent are in seconds', () => {
    const counters = new Counters();
    counters.set(Counter.SAMPLED_AT_MS, sharedClockMs() - 5000);
    const threads = [{ thread: 'primary', counters }];
    const metrics = new Exposition(renderMetrics(sourcesOf({ threads }), 'text'));
    const seconds = metrics.sum('wsloom_thread_silent_seconds', { thread: 'primary' });
    expect(seconds).toBeGreaterThanOrEqual(5);
    expect(seconds).toBeLessThan(5000);
  });

  it('of close codes have a label each, and ranges one', () => {
    const counters = new Counters();
    for (const code of [1000, 1000, 1006, 3000, 4999, 4000, 1015, 2000]) counters.addClosed(code);
    const threads = [{ thread: 'primary', counters }];
    const metrics = new Exposition(renderMetrics(sourcesOf({ threads }), 'text'));
    const closed = (code: string) => metrics.sum('wsloom_connections_closed_total', { code });
    expect(['1000', '1006', '3xxx', '4xxx', 'other', '1001'].map(closed)).toEqual([2, 1, 1, 2, 2, 0]);
  });

  it('that the primary knows are there too', () => {
    const metrics = new Exposition(renderMetrics(sourcesOf(), 'text'));
    expect(metrics.sum('wsloom_status', { status: 'degraded' })).toBe(1);
    expect(metrics.sum('wsloom_status')).toBe(1);
    expect(metrics.sum('wsloom_workers', { takes: 'yes' })).toBe(1);
    expect(metrics.sum('wsloom_uptime_seconds')).toBe(1.5);
    expect(metrics.sum('wsloom_http_connections')).toBe(3);
    expect(metrics.sum('wsloom_owed_bytes', { thread: 'primary' })).toBe(7);
    expect(metrics.sum('wsloom_backplane_connected', { engine: 'nats' })).toBe(0);
    expect(metrics.sum('wsloom_certificate_expiry_timestamp_seconds', { name: '' })).toBe(1_800_000_000);
    expect(metrics.sum('process_resident_memory_bytes')).toBeGreaterThan(0);
  });
});
