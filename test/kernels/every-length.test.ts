import { describe, expect, it } from 'vitest';
import { KERNELS } from './all-kernels.js';
import { faultInOdds, faultInScripts } from './every-length.js';

/** Every length to 80, and around those at which kernels change from one way to another. */
const LENGTHS = [
  ...Array.from({ length: 81 }, (_, length) => length),
  ...[96, 112, 128, 192, 256, 320].flatMap((around) => [around - 1, around, around + 1]),
];

describe.each(KERNELS)('texts of every length, by %s', (_, kernel) => {
  it('are judged and unmasked at every alignment, in every script', () => {
    for (const length of LENGTHS) expect(faultInScripts(kernel, length)).toBe(undefined);
  });

  it('are judged and unmasked if anything at any place is not ASCII, or wrong', () => {
    for (const length of LENGTHS) expect(faultInOdds(kernel, length)).toBe(undefined);
  });
});
