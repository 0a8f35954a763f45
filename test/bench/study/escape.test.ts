import { describe, expect, it } from 'vitest';
import { escapeMarkdown } from '../../../bench/study/markdown.js';
import { LONGEST_NAME, mapTexts, plainText } from '../../../bench/plain-text.js';
import { svgText } from '../../../bench/study/svg-text.js';

describe('plain text', () => {
  it('is one line, without spaces at its ends', () => {
    expect(plainText(' a\r\n\tb  c\u2028d ')).toBe('a b c d');
  });

  it.each([
    ['a control character', '\u0000'],
    ['the escape of a terminal', '\u001b'],
    ['a control character of the second kind', '\u009b'],
    ['an override of the direction', '\u202e'],
    ['an isolate of a direction', '\u2066'],
    ['a space of no width', '\u200b'],
    ['half of a character', '\ud800'],
    ['a private character', '\ue000'],
  ])('has � in the place of %s', (_, character) => {
    expect(plainText(`a${character}b`)).toBe('a\ufffdb');
  });

  it('leaves letters of all scripts as they are', () => {
    expect(plainText('Größe 鞋 👟 @ 3.20GHz (R)')).toBe('Größe 鞋 👟 @ 3.20GHz (R)');
  });

  it('is cut where it is too long, and not within a character', () => {
    expect(plainText('x'.repeat(LONGEST_NAME))).toBe('x'.repeat(LONGEST_NAME));
    expect(plainText('👟'.repeat(LONGEST_NAME + 1))).toBe(`${'👟'.repeat(LONGEST_NAME - 1)}…`);
  });
});

describe('text in Markdown', () => {
  it.each([
    ['a | b', 'a &#124; b'],
    ['`a`', '&#96;a&#96;'],
    ['[a](b)', '&#91;a&#93;(b)'],
    ['<b>&amp;', '&#60;b&#62;&#38;amp;'],
    ['*a* _b_ ~c~', '&#42;a&#42; &#95;b&#95; &#126;c&#126;'],
    ['a\\', 'a&#92;'],
    ['$x$', '&#36;x&#36;'],
    ['# a', '&#35; a'],
    ['- a', '&#45; a'],
    ['+ a', '&#43; a'],
    ['=', '&#61;'],
    ['1. a', '1&#46; a'],
    ['12) a', '12&#41; a'],
    ['https://a.b', 'https&#58;//a.b'],
    ['www.a.b', '&#119;ww.a.b'],
    ['a@b.c', 'a @ b.c'],
    ['a\n\n# b', 'a &#35; b'],
    ['\u202ea', '\ufffda'],
  ])('has no meaning: %j', (text, escaped) => {
    expect(escapeMarkdown(text)).toBe(escaped);
  });

  it.each([
    'wasm, copy in and out',
    'js-words-8, closure',
    'bufferutil + isUtf8',
    'invalid at the start',
    'V8 13.6.233.17-node.53',
    'Firefox 140',
    '140.0.4',
    'Intel(R) Xeon(R) CPU E5-2650 @ 2.20GHz',
    'by 64 KiB, with a maximum',
    '2026-01-02T03:04:05.678Z',
  ])('that this project writes stays as it is: %s', (text) => {
    expect(escapeMarkdown(text)).toBe(text);
    expect(svgText(text)).toBe(text);
  });
});

describe('text in SVG', () => {
  it('has look-alikes in the place of what has a meaning in XML, and is one line', () => {
    expect(svgText(`</text><script>'&"\`\n\u202e`)).toBe('‹/text›‹script›′＆″‵ \ufffd');
  });
});

describe('all texts of a value', () => {
  it('are replaced, at every depth and in names of fields, and nothing else is', () => {
    const value = { a: 'b', c: [{ d: 'e', f: 1 }, null, true], g: undefined };
    expect(mapTexts(value, (text) => text.toUpperCase())).toEqual({
      A: 'B',
      C: [{ D: 'E', F: 1 }, null, true],
      G: undefined,
    });
  });

  it('give an object no other prototype', () => {
    const value = mapTexts(JSON.parse('{"__proto__":{"isQuick":true}}') as object, (text) => text);
    expect(Reflect.get(value, 'isQuick')).toBeUndefined();
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});
