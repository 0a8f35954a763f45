import { expect, test } from 'vitest';
import { similarName } from '../../dist/options/similar-name.js';

test.each([
  ['stauts', 'status'],
  ['statuss', 'status'],
  ['STATUS', 'status'],
  ['sttus', 'status'],
  ['opne', 'open'],
  ['oepm', undefined],
  ['mesage', undefined],
  ['opened', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
])('a name like %j may mean %j', (name, meant) => {
  expect(similarName(name, ['open', 'status'])).toBe(meant);
});
