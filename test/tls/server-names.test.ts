import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalName, ServerNames } from '../../dist/tls/server-names.js';

const NAMES = [
  'example.com',
  '*.example.com',
  'a.example.com',
  '*.b.example.com',
  'xn--bcher-kva.example',
  'localhost',
];
const names = new ServerNames('default', new Map(NAMES.map((name) => [name, name])));

describe('the names that clients ask for', () => {
  it.each([
    ['example.com', 'example.com'],
    ['a.example.com', 'a.example.com'],
    ['c.example.com', '*.example.com'],
    ['x.b.example.com', '*.b.example.com'],
    ['xn--bcher-kva.example.com', '*.example.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['EXAMPLE.com', 'example.com'],
    ['C.Example.COM', '*.example.com'],
    ['example.com.', 'example.com'],
    ['c.example.com.', '*.example.com'],
    ['b.example.com', '*.example.com'],
    ['x.a.example.com', 'default'],
    ['x.y.b.example.com', 'default'],
    ['.example.com', 'default'],
    ['..example.com', 'default'],
    ['*.example.com', '*.example.com'],
    ['example.org', 'default'],
    ['com', 'default'],
    ['', 'default'],
    ['.', 'default'],
    ['__proto__', 'default'],
    ['constructor', 'default'],
    [false, 'default'],
    [null, 'default'],
    [undefined, 'default'],
  ] as const)('%s gets %s', (asked, expected) => {
    expect(names.of(asked)).toBe(expected);
  });

  it('are the default for whatever is none of the names', () => {
    fc.assert(
      fc.property(fc.string(), (asked) => {
        const known = [...NAMES, 'default'];
        expect(known).toContain(names.of(asked));
        if (!/example|localhost/i.test(asked)) expect(names.of(asked)).toBe('default');
      }),
    );
  });

  it('match a wildcard for one label and no other number of them', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,10}$/);
    fc.assert(
      fc.property(fc.array(label, { maxLength: 4 }), (labels) => {
        const of = new ServerNames('default', new Map([['*.w.test', 'wildcard']])).of(
          [...labels, 'w', 'test'].join('.'),
        );
        expect(of).toBe(labels.length === 1 ? 'wildcard' : 'default');
      }),
    );
  });
});

describe('a name of the option sni', () => {
  it.each([
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['*.Example.com', '*.example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['*.BÜCHER.example', '*.xn--bcher-kva.example'],
    ['_live.example', '_live.example'],
    ['localhost', 'localhost'],
  ])('%s is compared as %s', (name, canonical) => {
    expect(canonicalName(name)).toBe(canonical);
  });

  it.each([
    '',
    '*',
    '*.',
    '.',
    'a*.example.com',
    'a.*.example.com',
    '*.*.example.com',
    '*example.com',
    '.example.com',
    'a..example.com',
    '127.0.0.1',
    '0x7f.1',
    '::1',
    '[::1]',
    '-a.example',
    'a-.example',
    'a b.example',
    'a/b',
    'a.example\\b',
    'a.ex%61mple',
    'a.example\n',
    'example.com:443',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}a`,
  ])('"%s" is refused', (name) => {
    expect(canonicalName(name)).toBeUndefined();
  });
});
