import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CloseCode } from '../../dist/index.js';
import { ROOT, textOf } from './documents.js';

const SOURCE = readdirSync(`${ROOT}src`, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(`${ROOT}src/${path}`, 'utf8'))
  .join('\n');

/** Of the environment, and no codes. */
const VARIABLES: readonly string[] = ['WSLOOM_HOST', 'WSLOOM_BACKPLANE', 'WSLOOM_ADMIN_TOKEN'];

/** Whole codes only. The codes that a template such as `WSLOOM_HANDSHAKE_${rule}` makes are in its type. */
function codesIn(text: string): string[] {
  return [...new Set(text.match(/\bWSLOOM(?:_[A-Z]+)+\b/g))].filter((code) => !VARIABLES.includes(code)).sort();
}

function classesIn(text: string): string[] {
  return [...text.matchAll(/\bclass (\w+Error) extends \w*Error\b/g)].map(([, name]) => name as string).sort();
}

const document = textOf('docs/errors.md');

describe('docs/errors.md', () => {
  it('has each code that src/ has, and no other', () => {
    expect(codesIn(SOURCE).length).toBeGreaterThan(30);
    expect(codesIn(document)).toEqual(codesIn(SOURCE));
  });

  it('has each code in a row with a cause and a remedy', () => {
    const rows = document.split('\n').filter((line) => line.startsWith('| `WSLOOM_'));
    expect(rows.flatMap((row) => codesIn(row.split('|')[1] as string)).sort()).toEqual(codesIn(SOURCE));
    for (const row of rows) {
      const [, , cause = '', remedy = ''] = row.split('|').map((cell) => cell.trim());
      expect([row, cause.length > 10, remedy.length > 10]).toEqual([row, true, true]);
    }
  });

  it('has each rule of the protocol, with its section and close code', () => {
    const rules = SOURCE.matchAll(/^ {2}'?([\w-]+)'?: \{ section: '([\d.]+)', closeCode: CloseCode\.(\w+) \},$/gm);
    const rows = [...rules].map(([, rule, section, code]) => {
      return `| \`${rule}\` | ${section} | ${CloseCode[code as keyof typeof CloseCode]} |`;
    });
    expect(rows.filter((row) => !document.includes(row))).toEqual([]);
  });

  it('has each class of errors that src/ has', () => {
    const classes = classesIn(SOURCE);
    expect(classes).toContain('ConfigError');
    expect(classes.filter((name) => !document.includes(`\`${name}\``))).toEqual([]);
  });
});
