import { describe, expect, it } from 'vitest';
import { KERNELS } from './all-kernels.js';
import { faultInOdds, faultInScripts } from './every-length.js';

describe.each(KERNELS)('texts of all lengths to 300, by %s', (_, kernel) => {
  it('are judged and unmasked at every alignment, in every script', () => {
    for (let length = 0; length <= 300; length++) expect(faultInScripts(kernel, length)).toBe(undefined);
  });

  it('are judged and unmasked if anything at any place is not ASCII, or wrong', () => {
    for (let length = 0; length <= 300; length++) expect(faultInOdds(kernel, length)).toBe(undefined);
    for (const length of [511, 512, 513, 700]) expect(faultInOdds(kernel, length)).toBe(undefined);
  });
});
