import { expect, it } from 'vitest';
import { newerFirst, numbersOf } from '../../../bench/study/versions.js';

it('versions are sorted by their numbers, and not by their digits', () => {
  const versions = ['v9.11.2', 'v26.2.10', 'v20.20.2', 'v26.12.1', 'v26.2.9'];
  expect(versions.toSorted(newerFirst)).toEqual(['v26.12.1', 'v26.2.10', 'v26.2.9', 'v20.20.2', 'v9.11.2']);
  expect(newerFirst('v1.2.3', 'v1.2.3')).toBe(0);
  expect(numbersOf('v26.12.1')).toEqual([26, 12, 1]);
});
