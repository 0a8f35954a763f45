import { describe, expect, it } from 'vitest';
import { CLOSE_LABELS, closeLabelOf } from '../../dist/telemetry/close-codes.js';
import { Counter, Counters, Distribution } from '../../dist/telemetry/counters.js';
import { DISTRIBUTION_NAMES, DISTRIBUTIONS, sizeRange } from '../../dist/telemetry/distributions.js';
import { EndedCounters } from '../../dist/telemetry/ended-counters.js';
import { FIGURE_NAMES } from '../../dist/telemetry/figures.js';

describe('distributions', () => {
  it('have places of their own, behind those of the figures and in front of those of close codes', () => {
    const counters = new Counters();
    for (const name of FIGURE_NAMES) counters.add(Counter[name], 1);
    for (const name of DISTRIBUTION_NAMES) {
      const { sum, first, bounds } = Distribution[name];
      for (const place of [sum, ...Array.from({ length: bounds.length + 1 }, (_, i) => first + i)]) {
        counters.values[place] = (counters.values[place] as number) + 1;
      }
    }
    for (let i = 0; i < CLOSE_LABELS.length; i++) counters.closed[i] = (counters.closed[i] as number) + 1;
    expect(counters.values.every((value) => value === 1)).toBe(true);
  });

  it('have bounds that ascend', () => {
    for (const name of DISTRIBUTION_NAMES) {
      const { bounds } = DISTRIBUTIONS[name];
      expect([...bounds].sort((a, b) => a - b)).toEqual(bounds);
    }
  });

  it('find the range of a size as a search would', () => {
    const { bounds } = DISTRIBUTIONS.RECEIVED_TEXT_BYTES;
    const around = bounds.flatMap((bound) => [bound - 1, bound, bound + 1]);
    for (const size of around.filter((one) => one < 2 ** 32)) {
      expect(sizeRange(size), String(size)).toBe(bounds.findIndex((bound) => size <= bound));
    }
  });

  it('count a size and any other value alike', () => {
    const [one, other] = [new Counters(), new Counters()];
    for (const size of [0, 1, 2, 125, 126, 65_536, 2 ** 32 - 1]) {
      one.observeSize(Distribution.SENT_TEXT_BYTES, size);
      other.observe(Distribution.SENT_TEXT_BYTES, size);
    }
    expect(one.values).toEqual(other.values);
    expect(one.sum(Distribution.SENT_TEXT_BYTES)).toBe(2 ** 32 - 1 + 65_536 + 126 + 125 + 2 + 1);
  });

  it('put what is above all bounds into a range of its own', () => {
    const counters = new Counters();
    counters.observe(Distribution.HOOK_SECONDS, 1e9, 2);
    expect(counters.ranges(Distribution.HOOK_SECONDS).at(-1)).toBe(2);
    expect(counters.sum(Distribution.HOOK_SECONDS)).toBe(2e9);
  });
});

describe('close codes', () => {
  it.each([
    [1000, '1000'],
    [1006, '1006'],
    [1014, '1014'],
    [1015, 'other'],
    [1004, 'other'],
    [2999, 'other'],
    [3000, '3xxx'],
    [3999, '3xxx'],
    [4000, '4xxx'],
    [4999, '4xxx'],
    [5000, 'other'],
  ])('are counted by themselves or by their range: %i as %s', (code, label) => {
    expect(CLOSE_LABELS[closeLabelOf(code)]).toBe(label);
  });
});

describe('the counts of threads that have ended', () => {
  it('are kept by the names of the threads, with all that they have', () => {
    const ended = new EndedCounters();
    const worker = new Counters();
    worker.add(Counter.MESSAGES_IN, 3);
    worker.addClosed(1000);
    worker.observe(Distribution.HOOK_SECONDS, 0.5);
    ended.addAll('worker 1', worker);
    ended.addAll('worker 1', worker);
    ended.add(Counter.WORKERS_LOST, 1);
    expect(ended.threads.map(({ thread }) => thread)).toEqual(['worker 1', 'primary']);
    expect(ended.get(Counter.MESSAGES_IN)).toBe(6);
    expect(ended.get(Counter.WORKERS_LOST)).toBe(1);
    const [first] = ended.threads;
    expect(first?.counters.closed[0]).toBe(2);
    expect(first?.counters.sum(Distribution.HOOK_SECONDS)).toBe(1);
  });
});
