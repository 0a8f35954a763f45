import { describe, expect, it } from 'vitest';
import { median, percentile, ratio } from '../../bench/statistics.js';

describe('median', () => {
  it('is the figure in the middle, in whatever order the figures come', () => {
    expect(median([30, 1, 2])).toBe(2);
  });

  it('is the mean of the two figures in the middle', () => {
    expect(median([4, 1, 3, 100])).toBe(3.5);
  });

  it('leaves the figures in their order', () => {
    const figures = [3, 1, 2];
    median(figures);
    expect(figures).toEqual([3, 1, 2]);
  });

  it('of nothing is not a number', () => {
    expect(median([])).toBeNaN();
  });
});

describe('percentile', () => {
  const figures = Array.from({ length: 200 }, (_, i) => 200 - i);

  it.each([
    [0, 1],
    [0.5, 100],
    [0.99, 198],
    [1, 200],
  ])('%d of 1 to 200 do not exceed %d', (part, value) => {
    expect(percentile(figures, part)).toBe(value);
  });

  it('of nothing is not a number', () => {
    expect(percentile([], 0.99)).toBeNaN();
  });
});

describe('ratio', () => {
  const fast = { perSecond: 300, microsPerMessage: 2, isClientBound: false };
  const slow = { perSecond: 100, microsPerMessage: 8, isClientBound: false };

  it('compares messages per second of servers that were busy', () => {
    expect(ratio(fast, slow)).toEqual({ value: 3, isOfCpuTime: false });
  });

  it.each([
    ['the server', { ...fast, isClientBound: true }, slow],
    ['the reference', fast, { ...slow, isClientBound: true }],
  ])('compares CPU time per message if %s waited for the client', (_, server, reference) => {
    expect(ratio(server, reference)).toEqual({ value: 4, isOfCpuTime: true });
  });
});
