import { expect, it } from 'vitest';
import { MaskingKeys } from '../../dist/client/masking-keys.js';

it('masking keys have 32 bits, and do not repeat soon', () => {
  const keys = new MaskingKeys();
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    const key = keys.next();
    expect(key | 0).toBe(key);
    seen.add(key);
  }
  // Among 1000 random keys, two are equal in one of 8600 cases; three pairs never are.
  expect(seen.size).toBeGreaterThan(997);
});
