import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { colouredLine, jsonLine, textLine } from '../../dist/cli/log-line.js';

/** Any code unit: also halves of pairs, and what ends a line or moves a cursor. */
const CODE_UNIT = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit));

/** Each character that turns the direction of text. */
const TURNING = '\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069';

const TIME = new Date('2026-03-04T05:06:07.089Z');

describe('a report as JSON', () => {
  it('has time, level and msg, in this order', () => {
    expect(jsonLine({ level: 'warn', text: 'disk "a" is full' }, TIME)).toBe(
      '{"time":"2026-03-04T05:06:07.089Z","level":"warn","msg":"disk \\"a\\" is full"}\n',
    );
  });

  it('has the fields that are known', () => {
    const line = jsonLine(
      { level: 'info', text: 'SIGTERM: draining', fields: { signal: 'SIGTERM' }, isOwn: true },
      TIME,
    );
    expect(JSON.parse(line)).toEqual({
      time: '2026-03-04T05:06:07.089Z',
      level: 'info',
      msg: 'SIGTERM: draining',
      signal: 'SIGTERM',
    });
  });

  it('has the stack of an error in a member of its own', () => {
    const text = 'open() failed: Error: a\nb\n    at open (file:///chat.js:1:2)\n    at run (file:///chat.js:3:4)';
    expect(JSON.parse(jsonLine({ level: 'error', text }, TIME))).toMatchObject({
      msg: 'open() failed: Error: a\nb',
      stack: '    at open (file:///chat.js:1:2)\n    at run (file:///chat.js:3:4)',
    });
  });

  it('is one line of printable characters, whatever it says, and says it', () => {
    fc.assert(
      fc.property(fc.string({ unit: CODE_UNIT }), (said) => {
        const text = `${said}\r\n\u0085\u2028\u2029\u009b\u001b${TURNING}`;
        const line = jsonLine({ level: 'info', text }, TIME);
        expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
        expect(line.endsWith('\n')).toBe(true);
        const { msg, stack } = JSON.parse(line);
        expect(stack === undefined ? msg : `${msg}\n${stack}`).toBe(text);
      }),
    );
  });
});

describe('a report as text', () => {
  it('of the server has its level in front', () => {
    const lines = (['info', 'warn', 'error'] as const).map((level) => textLine({ level, text: 'a' }));
    expect(lines).toEqual(['wsloom: info: a\n', 'wsloom: warning: a\n', 'wsloom: error: a\n']);
  });

  it('of the command itself has none', () => {
    expect(textLine({ level: 'info', text: 'SIGHUP', isOwn: true })).toBe('wsloom: SIGHUP\n');
  });

  it('has no escape sequence, and no line that looks like another report, whatever it says', () => {
    expect(textLine({ level: 'error', text: 'a\x1b[31m\rb\u202e\nwsloom: info: c\n    at d' })).toBe(
      'wsloom: error: a\\u001b[31m\\u000db\\u202e\n  wsloom: info: c\n    at d\n',
    );
    fc.assert(
      fc.property(fc.string({ unit: CODE_UNIT }), (said) => {
        const text = textLine({ level: 'info', text: `${said}\nwsloom: ${said}${TURNING}` });
        expect(text.slice(0, -1)).not.toMatch(/[^\P{Cc}\t\n]|[\p{Bidi_Control}\u2028\u2029]|\nw/u);
      }),
    );
  });

  it('in colours is the same text', () => {
    for (const level of ['info', 'warn', 'error'] as const) {
      for (const isOwn of [true, false]) {
        const report = { level, text: 'a\x1b[31m', isOwn };
        const coloured = colouredLine(report);
        expect(coloured).toContain('\x1b[');
        expect(stripVTControlCharacters(coloured)).toBe(textLine(report));
      }
    }
  });
});
