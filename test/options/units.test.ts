import { expect, it } from 'vitest';
import { countInWords, readSize, sizeInWords, timeInWords } from '../../dist/options/units.js';

it.each([
  ['65536', 65_536],
  ['64KiB', 65_536],
  ['64k', 65_536],
  ['64kb', 65_536],
  ['1.5MiB', 1_572_864],
  ['1TiB', 2 ** 40],
  ['12b', 12],
  ['0.3KiB', undefined],
  ['-1', undefined],
  ['99999999TiB', 99_999_999 * 2 ** 40],
  ['KiB', undefined],
  ['1 KiB', undefined],
])('the size %s is %s bytes', (text, bytes) => {
  expect(readSize(text)).toBe(bytes);
});

it('sizes, counts and times are described in words', () => {
  expect([1, 512, 1024, 1_048_577, 2 ** 24, 2 ** 32 - 1, 2 ** 32 - 65_536, 2 ** 40].map(sizeInWords)).toEqual([
    '1 byte',
    '512 bytes',
    '1 KiB',
    '1048577 bytes',
    '16 MiB',
    '4 GiB less 1 byte',
    '4 GiB less 64 KiB',
    '1 TiB',
  ]);
  expect([0, 100, 10_000, 1_000_000, 2 ** 31 - 1].map(countInWords)).toEqual([
    '0',
    '100',
    '10 000',
    '1 000 000',
    '2^31 less 1',
  ]);
  expect([1, 999, 1000, 30_000, 90_000, 120_000, 300_000, 3_600_000].map(timeInWords)).toEqual([
    '1 ms',
    '999 ms',
    '1 s',
    '30 s',
    '90 s',
    '2 min',
    '5 min',
    '60 min',
  ]);
});
