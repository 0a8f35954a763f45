import { describe, expect, it } from 'vitest';
import { parseSeconds, parseSize } from '../../dist/cli/values.js';
import { showSeconds, showSize } from '../../dist/options/units.js';

describe('a value is shown as it may be written', () => {
  it.each([
    [0, '0'],
    [1, '1'],
    [1023, '1023'],
    [1024, '1KiB'],
    [1025, '1025'],
    [1536, '1536'],
    [256 * 1024 ** 2, '256MiB'],
    [1024 ** 3, '1GiB'],
    [3 * 1024 ** 4, '3TiB'],
  ])('%i bytes as %s', (bytes, text) => {
    expect(showSize(bytes)).toBe(text);
    expect(parseSize(text)).toBe(bytes);
  });

  it.each([
    [0, '0'],
    [1, '0.001'],
    [1500, '1.5'],
    [30_000, '30'],
  ])('%i ms as %s seconds', (ms, text) => {
    expect(showSeconds(ms)).toBe(text);
    expect(parseSeconds(text)).toBe(ms);
  });
});
