import { describe, expect, it } from 'vitest';
import { parseThresholds, showThresholds } from '../../dist/cli/thresholds.js';
import { NEVER_BYTES, THRESHOLDS } from '../../dist/kernels/thresholds.js';

describe('thresholds on the command line', () => {
  it('are read as they are printed', () => {
    const printed = { ...THRESHOLDS, validateNativeFromBytes: NEVER_BYTES };
    expect(showThresholds(printed)).toMatch(/^unmaskWasm=\d+,validateWasm=\d+,validateNative=never,/);
    expect(parseThresholds(showThresholds(printed))).toEqual(printed);
  });

  it('may be only some of all thresholds, and may have the suffixes of sizes', () => {
    expect(parseThresholds('validateNative=3KiB,unmaskWasm=0')).toEqual({
      validateNativeFromBytes: 3072,
      unmaskWasmFromBytes: 0,
    });
  });

  it.each([
    ['', /like unmaskWasm=3/],
    ['4,6', /the names are unmaskWasm, validateWasm, validateNative, unmaskTextWasm, unmaskTextNative/],
    ['unmaskWasm', /sizes by name/],
    ['unmaskWasm=4=5', /sizes by name/],
    ['unmaskWasmFromBytes=4', /sizes by name/],
    ['unmaskWasm=4,', /sizes by name/],
    ['unmaskWasm=4,unmaskWasm=5', /must have unmaskWasm once/],
    ['unmaskWasm=four', /must be a size/],
    ['unmaskWasm=-1', /must be a size/],
    ['unmaskWasm=', /must be a size/],
  ])('are refused if they are %j', (text, says) => {
    expect(() => parseThresholds(text)).toThrow(says);
  });
});
