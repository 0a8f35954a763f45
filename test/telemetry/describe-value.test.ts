import { describe, expect, test } from 'vitest';
import { describeValue, oneLine } from '../../dist/telemetry/describe-value.js';
import { errorText } from '../../dist/telemetry/error-text.js';

const raise = () => {
  throw new Error('on purpose');
};

describe('a thrown value is described', () => {
  test('by its stack, its text, or its value', () => {
    const error = new Error('on purpose');
    expect(errorText(error)).toBe(error.stack);
    expect(errorText('as it is')).toBe('as it is');
    expect(errorText(undefined)).toBe('undefined');
    expect(errorText({ status: 401 })).toBe('{ status: 401 }');
    const bare = Object.assign(new Error('bare'), { stack: undefined });
    expect(errorText(bare)).toBe('bare');
  });

  test('so that nothing that it quotes moves a cursor, or looks like another report', () => {
    const quoting = new SyntaxError('Unexpected token "\x1b[2J\r\nwsloom: error: forged\x9b1m"');
    const [first, second, third] = errorText(quoting).split('\n');
    expect(first).toBe('SyntaxError: Unexpected token "\\u001b[2J\\u000d');
    expect(second).toBe('  wsloom: error: forged\\u009b1m"');
    expect(third).toMatch(/^ {4}at /);
  });

  test('also if reading it throws', () => {
    const trapped = new Proxy(new Error('x'), { get: raise, getPrototypeOf: raise, ownKeys: raise });
    const stackless = Object.defineProperty(new Error('x'), 'stack', { get: raise });
    const odd = Object.assign(new Error('x'), { stack: { toString: raise } });
    const values = [trapped, stackless, odd, Object.create(null), { toString: raise }, Symbol('x')];
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(describeValue(trapped)).toContain('Proxy');
    for (const value of [...values, proxy]) expect(errorText(value)).toMatch(/^[ -~\n]+$/);
    expect(describeValue(proxy)).toMatch(/^[ -~]+$/);
  });
});

test('a line is cut, and has no control characters for a terminal', () => {
  expect(oneLine('a\r\n\tb', 10)).toBe('a b');
  expect(oneLine('\x1bé', 10)).toBe('\\u001b\\u00e9');
  expect(oneLine('abc', 3)).toBe('abc');
  expect(oneLine('abcd', 3)).toBe('abc...');
});
