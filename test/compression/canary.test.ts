import { expect, test } from 'vitest';
import { CANARY_BYTES, checkCanary, putCanary } from '../../dist/compression/canary.js';

test('a byte that was overwritten is noticed, wherever it is, and those beside do not count', () => {
  const bytes = new Uint8Array(300);
  const check = () => checkCanary(bytes, 100, 'a kernel');
  putCanary(bytes, 100);
  bytes.fill(1, 0, 100).fill(1, 100 + CANARY_BYTES);
  expect(check).not.toThrow();
  for (let at = 100; at < 100 + CANARY_BYTES; at++) {
    putCanary(bytes, 100);
    bytes[at] = 0;
    expect(check).toThrow('a kernel has written beyond its bounds');
  }
});
