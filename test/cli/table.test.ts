import { describe, expect, it } from 'vitest';
import { figure, table } from '../../dist/cli/table.js';

describe('table', () => {
  it('makes each column as wide as its widest cell, the first one flush left', () => {
    const text = table(
      ['case', 'n'],
      [
        ['a', '1 000'],
        ['a long one', '–'],
      ],
    );
    expect(text.split('\n')).toEqual([
      'case            n',
      '----------  -----',
      'a           1 000',
      'a long one      –',
    ]);
  });

  it('takes rows with cells missing', () => {
    expect(table(['case', 'n'], [['a']]).split('\n')[2]).toBe('a');
  });

  it('has a head without rows', () => {
    expect(table(['case', 'n'], [])).toBe('case  n\n----  -');
  });
});

describe('figure', () => {
  it.each([
    [0, '0.00'],
    [0.0456, '0.046'],
    [0.5, '0.500'],
    [1.234, '1.23'],
    [12.34, '12.3'],
    [123.4, '123'],
    [1234, '1 234'],
    [1_234_567.8, '1 234 568'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('%d is %s', (value, text) => {
    expect(figure(value)).toBe(text);
  });
});
