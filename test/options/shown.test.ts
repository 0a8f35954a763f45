import { describe, expect, it } from 'vitest';
import { shown } from '../../dist/options/shown.js';

describe('a wrong value', () => {
  const circular: unknown[] = [];
  circular.push(circular);
  const shownAs: [value: unknown, text: string][] = [
    ['10mb', '"10mb"'],
    ['a\u001b[2J', '"a\\u001b[2J"'],
    ['x'.repeat(61), `"${'x'.repeat(60)}"... (61 characters)`],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [-0.5, '-0.5'],
    [5n, '5n'],
    [undefined, 'undefined'],
    [null, 'null'],
    [true, 'true'],
    [['a', 1], '["a",1]'],
    [{ a: 1 }, '{"a":1}'],
    [{ a: 5n }, 'an object'],
    [circular, 'an object'],
    [() => {}, 'a function'],
    [Symbol('s'), 'a symbol'],
    ['x'.repeat(400).split(''), `${JSON.stringify('x'.repeat(400).split('')).slice(0, 200)}…`],
  ];

  it('is shown as it is, whatever it is', () => {
    for (const [value, text] of shownAs) expect(shown(value)).toBe(text);
  });
});
