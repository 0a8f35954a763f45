import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DOCUMENTS, proseOf, ROOT, textOf } from './documents.js';

const LINK = /\]\(([^)\s]+)\)/g;

/** A file or folder of the repository that is named in backquotes. */
const NAMED_PATH = /`((?:src|test|bench|docs|examples|assembly|\.ci)\/[\w./-]*)`/g;

/** Files that commands make, and that are not committed. */
const MADE = /^bench\/results\/latest/;

/** The anchors of a document's headings, made in the same way as hosts of repositories do. */
function anchorsOf(text: string): Set<string> {
  const headings = [...proseOf(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading as string);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

/** The links and paths whose target does not exist. */
function lost(document: string, text: string): string[] {
  const prose = proseOf(text);
  const found: string[] = [];
  for (const [, target = ''] of prose.matchAll(LINK)) {
    if (/^https?:/.test(target)) continue;
    const [path = '', anchor] = target.split('#');
    const file = posix.join(posix.dirname(document), path);
    if (path !== '' && !existsSync(`${ROOT}${file}`)) found.push(target);
    else if (anchor !== undefined && !anchorsOf(path === '' ? text : textOf(file)).has(anchor)) found.push(target);
  }
  for (const [, path = ''] of prose.matchAll(NAMED_PATH))
    if (!MADE.test(path) && !existsSync(`${ROOT}${path}`)) found.push(path);
  return found;
}

describe('the documents', () => {
  it.each(DOCUMENTS)('have only links that work: %s', (document) => {
    expect(lost(document, textOf(document))).toEqual([]);
  });

  it('name each example', () => {
    const table = textOf('examples/README.md');
    const files = readdirSync(`${ROOT}examples`).filter((file) => file !== 'README.md');
    expect(files.filter((file) => !table.includes(`[${file}](${file})`))).toEqual([]);
  });

  it('that README.md links to are in the package, too', () => {
    const { files } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { readonly files: readonly string[] };
    const linked = [...textOf('README.md').matchAll(LINK)].map(([, target = '']) => target.split('#')[0] as string);
    const own = linked.filter((path) => path !== '' && !/^https?:/.test(path));
    expect(own.length).toBeGreaterThan(5);
    expect(own.filter((path) => !files.some((one) => path === one || path.startsWith(`${one}/`)))).toEqual([]);
  });

  it('can be reached from README.md', () => {
    const reached = new Set(['README.md']);
    for (const document of reached) {
      for (const [, target = ''] of textOf(document).matchAll(LINK)) {
        const file = posix.join(posix.dirname(document), target.split('#')[0] as string);
        if (DOCUMENTS.includes(file)) reached.add(file);
      }
    }
    expect([...DOCUMENTS].filter((document) => !reached.has(document))).toEqual([]);
  });
});

describe('the check of links', () => {
  it('finds a file, an anchor and a path that do not exist', () => {
    const text =
      '# A `b` heading\n[1](nope.md) [2](#a-b-heading) [3](#nope) [4](README.md#nope) `src/nope.ts` `src/index.ts`';
    expect(lost('x.md', text)).toEqual(['nope.md', '#nope', 'README.md#nope', 'src/nope.ts']);
  });

  it('ignores code', () => {
    expect(lost('x.md', '```js\n[1](nope.md)\n```')).toEqual([]);
  });
});
