import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { excerpt, HeaderSyntaxError } from '../../../dist/protocol/opening/handshake-error.js';
import {
  equalsIgnoringCase,
  formatExtensions,
  isFieldValue,
  isHost,
  isToken,
  listIncludes,
  parseExtensions,
  parseTokenList,
} from '../../../dist/protocol/opening/header-grammar.js';

const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

const token = fc.string({ unit: fc.constantFrom(...TOKEN_CHARACTERS), minLength: 1, maxLength: 10 });
const space = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 });

function syntaxError(action: () => unknown): HeaderSyntaxError {
  try {
    action();
  } catch (error) {
    if (error instanceof HeaderSyntaxError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a token (RFC 9110 section 5.6.2)', () => {
  test('is made of exactly the characters that the RFC lists', () => {
    for (let code = 0; code < 0x300; code++) {
      const character = String.fromCharCode(code);
      expect(isToken(`a${character}`), JSON.stringify(character)).toBe(TOKEN_CHARACTERS.includes(character));
    }
  });

  test('is not empty', () => {
    expect(isToken('')).toBe(false);
  });
});

describe('a field value to be sent (RFC 9110 section 5.5)', () => {
  test('is made of printable ASCII, spaces and tabs', () => {
    for (let code = 0; code < 0x300; code++) {
      expect(isFieldValue(String.fromCharCode(code)), `U+${code.toString(16)}`).toBe(
        code === 9 || (code >= 32 && code < 127),
      );
    }
    expect(isFieldValue('')).toBe(true);
  });
});

describe('comparison without case (section 2.1)', () => {
  test('folds the letters of ASCII and nothing else', () => {
    for (let a = 0; a < 128; a++) {
      const character = String.fromCharCode(a);
      for (const lowerCase of 'akz@[`{-_0') {
        expect(equalsIgnoringCase(character, lowerCase)).toBe(character.toLowerCase() === lowerCase);
      }
    }
    expect(equalsIgnoringCase('\u212A', 'k')).toBe(false);
  });

  test('compares a part of a text', () => {
    expect(equalsIgnoringCase('xABCx', 'abc', 1, 4)).toBe(true);
    expect(equalsIgnoringCase('xABCx', 'abc', 1, 5)).toBe(false);
    expect(equalsIgnoringCase('abc', 'abc', 0, -1)).toBe(false);
  });
});

describe('an element in a list', () => {
  test('is found whatever stands around it', () => {
    const element = fc.string({ unit: fc.constantFrom(...'abUPGRADEupgrade ;"='), maxLength: 9 });
    fc.assert(
      fc.property(fc.array(element, { maxLength: 5 }), (elements) => {
        const expected = elements.some((text) => text.trim().toLowerCase() === 'upgrade');
        expect(listIncludes(elements.join(','), 'upgrade')).toBe(expected);
      }),
    );
    fc.assert(
      fc.property(fc.array(token), space, space, fc.array(token), (before, left, right, after) => {
        expect(listIncludes([...before, `${left}UpGrade${right}`, ...after].join(','), 'upgrade')).toBe(true);
      }),
    );
  });

  test('is not in an empty list', () => {
    for (const list of ['', ' ', ',', ', ,']) expect(listIncludes(list, 'upgrade')).toBe(false);
  });
});

describe('a host (RFC 9110 section 7.2)', () => {
  test('may be a name or an address of either kind, with a port or without', () => {
    const host = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((address) => `[${address}]`),
    );
    const port = fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined });
    fc.assert(
      fc.property(host, port, (name, number) => {
        expect(isHost(number === undefined ? name : `${name}:${number}`)).toBe(true);
      }),
    );
  });
});

describe('a list of tokens (section 4.3)', () => {
  test('is read back as it was written, whatever space and empty elements stand between', () => {
    const gap = fc
      .tuple(space, space, fc.nat(2))
      .map(([before, after, commas]) => `${before},${', '.repeat(commas)}${after}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(token, gap), { minLength: 1 }), gap, (parts, first) => {
        expect(parseTokenList(first + parts.map(([name, after]) => name + after).join(''))).toEqual(
          parts.map(([name]) => name),
        );
      }),
    );
  });

  test.each([
    ['', 0],
    [' ,', 2],
    ['a b', 2],
    ['a, "b"', 3],
    ['a;b', 1],
  ])('refuses %j and says where', (list, offset) => {
    const error = syntaxError(() => parseTokenList(list));
    expect(error.offset).toBe(offset);
    expect(error.message).toContain(`at offset ${offset}`);
  });
});

describe('a list of extensions (section 9.1)', () => {
  test("reads the RFC's examples", () => {
    expect(parseExtensions('deflate-stream')).toEqual([{ name: 'deflate-stream', parameters: [] }]);
    expect(parseExtensions('mux; max-channels=4; flow-control,\tdeflate-stream')).toEqual([
      {
        name: 'mux',
        parameters: [
          { name: 'max-channels', value: '4' },
          { name: 'flow-control', value: undefined },
        ],
      },
      { name: 'deflate-stream', parameters: [] },
    ]);
  });

  test.each([
    ['a;b=c', 'c'],
    ['a;b="c"', 'c'],
    ['a;b="\\c"', 'c'],
    ['a;b="\\c\\d"', 'cd'],
    ['a;b="c\\de"', 'cde'],
    ['a ; b = c', 'c'],
    ['a\t;\tb\t=\t"c"\t', 'c'],
    ['a;b', undefined],
    [',a;b=c,', 'c'],
  ])('reads the one parameter of %j', (list, value) => {
    expect(parseExtensions(list)).toEqual([{ name: 'a', parameters: [{ name: 'b', value }] }]);
  });

  test('keeps the order, and what is repeated', () => {
    expect(parseExtensions('b;x=1;x=2, a, b')).toEqual([
      {
        name: 'b',
        parameters: [
          { name: 'x', value: '1' },
          { name: 'x', value: '2' },
        ],
      },
      { name: 'a', parameters: [] },
      { name: 'b', parameters: [] },
    ]);
  });

  test.each([
    ['', 0],
    [' ', 1],
    [',,', 2],
    [';', 0],
    ['a;', 2],
    ['a; ;b', 3],
    ['a;b;', 4],
    ['a b', 2],
    ['a;b c', 4],
    ['a=b', 1],
    ['a;=b', 2],
    ['a;b=', 4],
    ['a;b=,c', 4],
    ['a;b=c=d', 5],
    ['a;"b"', 2],
    ['"a"', 0],
    ['a;b=c d', 6],
    ['a;b=c"d"', 5],
    ['a/b', 1],
    ['a;b="', 5],
    ['a;b="c', 6],
    ['a;b="c\\', 6],
    ['a;b="c\\"', 6],
    ['a;b="c\\""', 6],
    ['a;b="\\\\"', 5],
    ['a;b=""', 5],
    ['a;b="c d"', 6],
    ['a;b="c,d"', 6],
    ['a;b="c\\ d"', 6],
    ['a;b="é"', 5],
    ['a;b="c"d', 7],
    ['a;b="c""d"', 7],
    ['é', 0],
    ['a\n', 1],
    ['a,\0', 2],
  ])('refuses %j at the character that leaves the grammar', (list, offset) => {
    expect(syntaxError(() => parseExtensions(list)).offset).toBe(offset);
  });

  test('keeps names that mean something to objects as mere names', () => {
    const extensions = parseExtensions('__proto__; constructor=__proto__; toString, hasOwnProperty');
    expect(extensions).toEqual([
      {
        name: '__proto__',
        parameters: [
          { name: 'constructor', value: '__proto__' },
          { name: 'toString', value: undefined },
        ],
      },
      { name: 'hasOwnProperty', parameters: [] },
    ]);
    expect(Object.getPrototypeOf(extensions[0])).toBe(Object.prototype);
  });

  const extension = fc.record({
    name: token,
    parameters: fc.array(fc.record({ name: token, value: fc.option(token, { nil: undefined }) }), { maxLength: 4 }),
  });

  test('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.array(extension, { minLength: 1, maxLength: 5 }), (extensions) => {
        expect(parseExtensions(formatExtensions(extensions))).toEqual(extensions);
      }),
    );
  });

  test('is read back from every other way to write it: space anywhere, quotes, escapes, empty elements', () => {
    const style = fc.record({
      quoted: fc.boolean(),
      escapes: fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
      space,
    });
    fc.assert(
      fc.property(
        fc.array(extension, { minLength: 1, maxLength: 3 }),
        fc.array(style, { minLength: 1 }),
        (extensions, styles) => {
          let turn = 0;
          const next = () => styles[turn++ % styles.length] ?? { quoted: false, escapes: [], space: '' };
          const spaced = (text: string) => next().space + text + next().space;
          const value = (text: string) => {
            const { quoted, escapes } = next();
            return quoted
              ? `"${[...text].map((character, i) => (escapes[i] === true ? `\\${character}` : character)).join('')}"`
              : text;
          };
          const list = extensions.map(({ name, parameters }) =>
            [
              spaced(name),
              ...parameters.map((parameter) =>
                parameter.value === undefined
                  ? spaced(parameter.name)
                  : `${spaced(parameter.name)}=${spaced(value(parameter.value))}`,
              ),
            ].join(';'),
          );
          expect(parseExtensions(list.join(spaced(',,')))).toEqual(extensions);
        },
      ),
    );
  });

  test('what is read can be written, and is then read alike; what cannot be read throws HeaderSyntaxError', () => {
    const list = fc.oneof(fc.string({ unit: fc.constantFrom(...'ab1",;=\\ \t') }), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(list, (text) => {
        let extensions: ReturnType<typeof parseExtensions>;
        try {
          extensions = parseExtensions(text);
        } catch (error) {
          expect(error).toBeInstanceOf(HeaderSyntaxError);
          return;
        }
        expect(parseExtensions(formatExtensions(extensions))).toEqual(extensions);
      }),
      { numRuns: 600 },
    );
  });
});

describe('an excerpt in an error message', () => {
  test('is printable ASCII and short, whatever it is of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        expect(excerpt(text)).toMatch(/^"[ -~]{0,360}"( \(\d+ characters\))?/);
      }),
    );
    expect(excerpt('a"\n\u{1f600}')).toBe('"a\\"\\n\\ud83d\\ude00"');
    expect(excerpt('a'.repeat(61))).toBe(`"${'a'.repeat(60)}"... (61 characters)`);
  });
});
