import { describe, expect, it } from 'vitest';
import { estimate } from '../../../bench/study/estimate.js';

describe('the figure of a case', () => {
  it('is the lower quartile of its attempts, beside the median, the least and the upper quartile', () => {
    expect(estimate([17, 11, 16, 12, 15, 10, 14, 13])).toMatchObject({ value: 11, median: 13.5, least: 10, upper: 15 });
    expect(estimate([5])).toMatchObject({ value: 5, median: 5, least: 5, upper: 5, isSteady: true });
  });

  it('is right while fewer than three quarters of the attempts were disturbed', () => {
    expect(estimate([173, 69, 173, 70, 173, 173, 173]).value).toBe(70);
  });

  it('is not that of one lucky attempt', () => {
    expect(estimate([100, 100, 100, 40, 100, 100, 100]).value).toBe(100);
  });

  it('does not depend on the order of the attempts: the first steady one does not win', () => {
    const attempts = [173, 69, 70, 71, 69, 70, 69];
    expect(estimate(attempts)).toEqual(estimate(attempts.toReversed()));
    expect(estimate(attempts).value).toBe(69);
  });

  it('is steady while the median is no more than a tenth above the least', () => {
    expect(estimate([100, 110, 110]).isSteady).toBe(true);
    expect(estimate([100, 111, 111]).isSteady).toBe(false);
    expect(estimate([100, 100, 900]).isSteady).toBe(true);
  });

  it('is no number and not steady without an attempt', () => {
    expect(estimate([])).toMatchObject({ value: Number.NaN, least: Number.NaN, isSteady: false });
  });
});
