import { expect, it } from 'vitest';
import { maskSteps } from '../../dist/learn/mask-steps.js';

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

it('masks the example of RFC 6455 section 5.7, and begins with the key anew behind four bytes', () => {
  const steps = maskSteps(Buffer.from('Hello'), KEY);
  expect(steps.map(({ masked }) => masked)).toEqual([0x7f, 0x9f, 0x4d, 0x51, 0x58]);
  expect(steps[4]).toEqual({ index: 4, keyIndex: 0, plain: 0x6f, key: 0x37, masked: 0x58 });
});

it('refuses a key that does not have four bytes', () => {
  expect(() => maskSteps(Buffer.from('Hello'), KEY.subarray(1))).toThrow('a masking key has 4 bytes, not 3');
});
