import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ROOT, textOf } from './documents.js';

/** The tests that the section *What it withstands* names: the file, and a part of the test's name. */
const CLAIMS = textOf('docs/security.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('`test/'))
  .flatMap((row) => [...row.matchAll(/`(test\/[^`]+)`((?:[^`*]*\*[^*]+\*)*)/g)])
  .flatMap(([, file = '', names = '']) => [...names.matchAll(/\*([^*]+)\*/g)].map(([, name = '']) => ({ file, name })));

/** Finds a test by a part of its name. */
function titled(name: string): RegExp {
  return new RegExp(`\\(\\s*'[^']*${name.replace(/[()*+.?]/g, '\\$&')}`);
}

describe('docs/security.md', () => {
  it('names tests', () => expect(CLAIMS.length).toBeGreaterThan(15));

  it.each(CLAIMS)('names a test that exists: $file, $name', ({ file, name }) => {
    expect(readFileSync(`${ROOT}${file}`, 'utf8')).toMatch(titled(name));
  });
});
