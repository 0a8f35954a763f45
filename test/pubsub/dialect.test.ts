import { expect, test } from 'vitest';
import { Dialect, dialectFor, WINDOW_BITS } from '../../dist/pubsub/dialect.js';

test('a subscriber without compression has the plain dialect', () => {
  expect(dialectFor(undefined)).toBe(Dialect.PLAIN);
});

test.each([
  [15, Dialect.DEFLATED_15],
  [14, Dialect.DEFLATED_12],
  [13, Dialect.DEFLATED_12],
  [12, Dialect.DEFLATED_12],
  [11, Dialect.DEFLATED_8],
  [10, Dialect.DEFLATED_8],
  [9, Dialect.DEFLATED_8],
  [8, Dialect.DEFLATED_8],
])('a window of 2^%d bytes has the dialect with the largest window that is not larger', (windowBits, dialect) => {
  for (const contextTakeover of [false, true]) expect(dialectFor({ windowBits, contextTakeover })).toBe(dialect);
  expect(WINDOW_BITS[dialect]).toBeLessThanOrEqual(windowBits);
});

test('a small window of the server that the client was not told of does not count', () => {
  for (const windowBits of [9, 12]) {
    const own = { windowBits, contextTakeover: true, standaloneBits: 15 };
    expect(dialectFor(own)).toBe(Dialect.DEFLATED_15);
  }
});
