import { expect, it } from 'vitest';
import { Utf8 } from '../../dist/kernels/utf8.js';
import { verify } from '../../dist/study/verify.js';
import { bytes, FREE, KERNELS } from '../kernels/all-kernels.js';

const [, right] = KERNELS[0] as (typeof KERNELS)[number];

it.each(KERNELS)('finds no error in %s', (name, kernel) => {
  for (const size of [1, 5, 64, 1000]) verify(name, kernel, bytes, FREE + 6, size);
});

it.each([
  ['unmask', { ...methods(), unmask: () => {} }],
  ['validate', { ...methods(), validate: () => Utf8.ACCEPT }],
  ['validate', { ...methods(), validate: () => Utf8.REJECT }],
  ['unmaskText', { ...methods(), unmaskText: () => Utf8.ACCEPT }],
])('names the operation of a kernel that is wrong: %s', (operation, kernel) => {
  expect(() => verify('broken', kernel, bytes, FREE + 6, 64)).toThrow(`broken: ${operation} of 64 bytes of `);
});

function methods() {
  return {
    name: 'broken',
    unmask: right.unmask.bind(right),
    validate: right.validate.bind(right),
    unmaskText: right.unmaskText.bind(right),
  };
}
