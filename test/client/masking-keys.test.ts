import { expect, it } from 'vitest';
import { MaskingKeys } from '../../dist/client/masking-keys.js';

it('masking keys are 32 bits each, and none comes again soon', () => {
  const keys = new MaskingKeys();
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    const key = keys.next();
    expect(key | 0).toBe(key);
    seen.add(key);
  }
  // Of 1000 random ones two are alike once in 8600 times; three pairs never.
  expect(seen.size).toBeGreaterThan(997);
});
