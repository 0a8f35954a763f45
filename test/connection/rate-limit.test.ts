import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RateLimit } from '../../dist/connection/rate-limit.js';

describe('a rate of messages', () => {
  test('lets exactly so many be taken at once', () => {
    const rate = new RateLimit({ messagesPerSecond: 3, bytesPerSecond: 0 }, 0);
    for (let i = 0; i < 3; i++) {
      expect(rate.isExhausted).toBe(false);
      rate.take(0, 1);
    }
    expect(rate.isExhausted).toBe(true);
    expect(rate.isExceeded).toBe(false);
    rate.take(0, 1);
    expect(rate.isExceeded).toBe(true);
  });

  test('is refilled in proportion to the time', () => {
    const rate = new RateLimit({ messagesPerSecond: 10, bytesPerSecond: 0 }, 0);
    for (let i = 0; i < 12; i++) rate.take(0, 1);
    rate.refill(200);
    expect(rate.isExhausted).toBe(true);
    expect(rate.isExceeded).toBe(false);
    rate.refill(201);
    expect(rate.isExhausted).toBe(false);
  });

  test('never holds more than a second brings', () => {
    const rate = new RateLimit({ messagesPerSecond: 2, bytesPerSecond: 0 }, 0);
    rate.refill(1_000_000);
    rate.take(0, 1);
    rate.take(0, 1);
    expect(rate.isExhausted).toBe(true);
  });
});

describe('a rate of bytes', () => {
  test('lets more be taken than it holds, which is owed', () => {
    const rate = new RateLimit({ messagesPerSecond: 0, bytesPerSecond: 1000 }, 0);
    rate.take(65_536, 0);
    rate.refill(64_000);
    expect(rate.isExceeded).toBe(true);
    rate.refill(64_536);
    expect(rate.isExceeded).toBe(false);
    expect(rate.isExhausted).toBe(true);
    rate.refill(64_537);
    expect(rate.isExhausted).toBe(false);
  });

  test('never holds more than a second brings', () => {
    const rate = new RateLimit({ messagesPerSecond: 0, bytesPerSecond: 1000 }, 0);
    rate.refill(1_000_000);
    rate.take(1000, 0);
    expect(rate.isExhausted).toBe(true);
  });

  test('is independent of that of messages: either of them exhausts', () => {
    for (const take of [(rate: RateLimit) => rate.take(0, 1), (rate: RateLimit) => rate.take(1, 0)]) {
      const rate = new RateLimit({ messagesPerSecond: 1, bytesPerSecond: 1 }, 0);
      expect(rate.isExhausted).toBe(false);
      take(rate);
      expect(rate.isExhausted).toBe(true);
    }
  });
});

test('0 is no limit', () => {
  const rate = new RateLimit({ messagesPerSecond: 0, bytesPerSecond: 0 }, 0);
  for (let i = 0; i < 1000; i++) rate.take(0, 1);
  rate.take(2 ** 40, 0);
  expect(rate.isExhausted).toBe(false);
  expect(rate.isExceeded).toBe(false);
});

test('who is stopped when it is exhausted never takes more than a second’s worth and the rate since', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.record({ messages: fc.nat({ max: 50 }), ms: fc.nat({ max: 500 }) })),
      (perSecond, steps) => {
        const rate = new RateLimit({ messagesPerSecond: perSecond, bytesPerSecond: 0 }, 0);
        let taken = 0;
        let elapsedMs = 0;
        for (const { messages, ms } of steps) {
          for (let i = 0; i < messages && !rate.isExhausted; i++) {
            rate.take(0, 1);
            taken++;
          }
          // The last one may be taken when there is only a part of it, be it what rounding leaves: here or in the sum of the refills.
          expect(taken).toBeLessThan(perSecond * (1 + elapsedMs / 1000) + 1 + 1e-9);
          elapsedMs += ms;
          rate.refill(elapsedMs);
        }
      },
    ),
  );
});
