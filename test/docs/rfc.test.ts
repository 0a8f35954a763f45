import { describe, expect, it } from 'vitest';
import { declarationsOf, testsOf } from './declarations.js';
import { textOf } from './documents.js';
import { type KeywordCounts, RFC_6455, RFC_7692 } from './rfc-keywords.js';

const RFCS: readonly (readonly [document: string, keywords: KeywordCounts])[] = [
  ['docs/rfc6455.md', RFC_6455],
  ['docs/rfc7692.md', RFC_7692],
];

/** The marks of a row that nothing keeps, each followed by a reason. A row without one is kept. */
const MARKS = ['not used', 'not ours', 'not kept'] as const;

/** A row of such a document: a requirement, or several that go together. */
interface Row {
  readonly section: string;
  readonly id: string;
  /** The words of the RFC that the row covers, each as often as it covers it. */
  readonly words: readonly string[];
  /** The functions that keep it, as links, or a mark and a reason. */
  readonly kept: string;
  /** The tests that show it, as links. */
  readonly shown: string;
}

/** The cells of a line of a table. */
function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** `MUST ×2, MAY` is a list of three words. */
function wordsOf(cell: string): string[] {
  return cell.split(', ').flatMap((part) => {
    const [, word = part, times = '1'] = /^(.*?) ×(\d+)$/.exec(part) ?? [];
    return Array<string>(Number(times)).fill(word);
  });
}

/** The sections that have a heading, in their order, and all rows below them. */
function read(text: string): { readonly sections: readonly string[]; readonly rows: readonly Row[] } {
  const sections: string[] = [];
  const rows: Row[] = [];
  for (const line of text.split('\n')) {
    const heading = /^### ([\d.]+) /.exec(line);
    if (heading !== null) sections.push(heading[1] as string);
    const [id = '', words = '', , kept = '', shown = ''] = cellsOf(line);
    if (/^[\d.]+-\d+$/.test(id)) rows.push({ section: sections.at(-1) ?? '', id, words: wordsOf(words), kept, shown });
  }
  return { sections, rows };
}

function markOf({ kept }: Row): string {
  return MARKS.find((mark) => kept.startsWith(`*${mark}:* `)) ?? 'kept';
}

/** The functions that a row links to. */
function functionsOf({ kept }: Row): { readonly name: string; readonly path: string }[] {
  const links = kept.matchAll(/\[`([^`]+)`\]\(\.\.\/((?:src|assembly)\/[^)]+)\)/g);
  return [...links].map(([, name = '', path = '']) => ({ name, path }));
}

/** The tests that a row names: the title, if necessary behind that of its group. */
function namedTests({ shown }: Row): { readonly title: string; readonly path: string }[] {
  const links = shown.matchAll(/\[[^\]]+\]\(\.\.\/(test\/[^)]+)\): ((?:\*[^*]+\*(?:, )?)+)/g);
  return [...links].flatMap(([, path = '', titles = '']) =>
    [...titles.matchAll(/\*([^*]+)\*/g)].map(([, title = '']) => ({ title, path })),
  );
}

/** The sections as the RFC has them, and the number of each row, where the document has them otherwise. */
function misplaced(text: string, keywords: KeywordCounts): string[] {
  const { sections, rows } = read(text);
  const wanted = keywords.map(([section]) => section);
  const problems: string[] = [];
  if (sections.join() !== wanted.join()) problems.push(`the sections are ${sections.join()}`);
  for (const { section, id } of rows) {
    const before = rows.slice(
      0,
      rows.findIndex((row) => row.id === id),
    );
    const number = before.filter((row) => row.section === section).length + 1;
    if (id !== `${section}-${number}`) problems.push(`${id} is row ${number} of ${section}`);
  }
  return problems;
}

/** The sections whose words are not those that the rows cover. */
function unaccounted(text: string, keywords: KeywordCounts): string[] {
  const { rows } = read(text);
  return keywords.flatMap(([section, counts]) => {
    const covered: Record<string, number> = {};
    for (const row of rows.filter((one) => one.section === section))
      for (const word of row.words) covered[word] = (covered[word] ?? 0) + 1;
    const all = new Set([...Object.keys(counts), ...Object.keys(covered)]);
    return [...all].flatMap((word) => {
      const wanted = counts[word as keyof typeof counts] ?? 0;
      return covered[word] === wanted ? [] : [`${section}: ${word} ${wanted} times, not ${covered[word] ?? 0}`];
    });
  });
}

/** The rows that have neither both a function and a test, nor a reason. */
function unproven(text: string): string[] {
  return read(text)
    .rows.filter((row) => {
      if (markOf(row) !== 'kept') return row.kept.length < 25 || row.shown !== '–';
      const links = row.shown.split('](../test/').length - 1;
      const files = new Set(namedTests(row).map(({ path }) => path)).size;
      return functionsOf(row).length === 0 || links === 0 || files !== links;
    })
    .map(({ id }) => id);
}

/** The functions that are not declared in the file that they are said to be in. */
function undeclared(text: string): string[] {
  return read(text).rows.flatMap((row) =>
    functionsOf(row)
      .filter(({ name, path }) => !declarationsOf(path).has(name))
      .map(({ name, path }) => `${row.id}: ${name} in ${path}`),
  );
}

/** The tests that are not in their file, or that another test there has the title of. */
function untested(text: string): string[] {
  return read(text).rows.flatMap((row) =>
    namedTests(row)
      .filter(({ title, path }) => {
        const found = testsOf(path).filter((test) => test === title || test.endsWith(` › ${title}`));
        return found.length !== 1;
      })
      .map(({ title, path }) => `${row.id}: ${title} in ${path}`),
  );
}

/** The lines of the table in front of the sections: how many words and rows a section has, and what becomes of the rows. */
function overview(text: string): string[] {
  const { rows } = read(text);
  const chapters = [...new Set(rows.map(({ section }) => section.split('.')[0] as string))];
  const line = (name: string, of: readonly Row[]) => {
    const counts = ['kept', ...MARKS].map((mark) => of.filter((row) => markOf(row) === mark).length);
    return `| ${[name, of.flatMap(({ words }) => words).length, of.length, ...counts].join(' | ')} |`;
  };
  const lines = chapters.map((chapter) =>
    line(
      chapter,
      rows.filter(({ section }) => section.split('.')[0] === chapter),
    ),
  );
  return [...lines, line('all', rows)];
}

describe.each(RFCS)('%s', (document, keywords) => {
  const text = textOf(document);

  it('has the sections of the RFC in their order, and numbers its rows', () => {
    expect(misplaced(text, keywords)).toEqual([]);
  });

  it('accounts for each MUST, SHOULD and MAY of each section', () => {
    expect(unaccounted(text, keywords)).toEqual([]);
  });

  it('says of each requirement what keeps it and what shows that, or why nothing does', () => {
    expect(unproven(text)).toEqual([]);
  });

  it('names functions that there are', () => {
    expect(undeclared(text)).toEqual([]);
  });

  it('names tests that there are, each of which is known by its title', () => {
    expect(untested(text)).toEqual([]);
  });

  it('counts in its first table what follows', () => {
    const lines = text.split('\n');
    const first = lines.findIndex((line) => line.startsWith('| section | words |')) + 2;
    const expected = overview(text);
    expect(lines.slice(first, first + expected.length)).toEqual(expected);
  });
});

describe('the check of such a document', () => {
  const KEYWORDS: KeywordCounts = [
    ['5.1', { MUST: 2, MAY: 1 }],
    ['5.2', { SHOULD: 1 }],
  ];
  const KEPT = '[`checkFirstByte`](../src/protocol/frame-rules.ts)';
  const SHOWN = '[x](../test/docs/rfc.test.ts): *names functions that there are*';
  const row = (id: string, words: string, kept = KEPT, shown = SHOWN) =>
    `| ${id} | ${words} | x | ${kept} | ${shown} |`;
  const right = (...rows: readonly string[]) =>
    `### 5.1 A\n${rows.join('\n')}\n### 5.2 B\n${row('5.2-1', 'SHOULD', '*not ours:* a matter of browsers', '–')}\n`;
  const RIGHT = right(row('5.1-1', 'MUST'), row('5.1-2', 'MUST, MAY'));

  it('finds nothing where nothing is wrong', () => {
    const problems = [misplaced(RIGHT, KEYWORDS), unaccounted(RIGHT, KEYWORDS), unproven(RIGHT)];
    expect([...problems, undeclared(RIGHT), untested(RIGHT)].flat()).toEqual([]);
  });

  it('finds sections and rows in another order', () => {
    expect(misplaced(right(row('5.1-2', 'MUST'), row('5.1-1', 'MUST')), KEYWORDS)).toHaveLength(2);
    expect(misplaced(right(row('5.2-1', 'MUST')), KEYWORDS)).toHaveLength(1);
    expect(misplaced(RIGHT.replace('### 5.2', '### 5.3'), KEYWORDS)).toContain('the sections are 5.1,5.3');
  });

  it('finds words too few, too many, and others', () => {
    expect(unaccounted(right(row('5.1-1', 'MUST ×2')), KEYWORDS)).toEqual(['5.1: MAY 1 times, not 0']);
    expect(unaccounted(right(row('5.1-1', 'MUST ×3, MAY')), KEYWORDS)).toEqual(['5.1: MUST 2 times, not 3']);
    expect(unaccounted(right(row('5.1-1', 'MUST ×2, MAY, MUST NOT')), KEYWORDS)).toEqual([
      '5.1: MUST NOT 0 times, not 1',
    ]);
  });

  it('finds rows without a function, a test or a reason', () => {
    const wrong = [
      row('5.1-1', 'MUST', 'x'),
      row('5.1-2', 'MUST', KEPT, ''),
      row('5.1-3', 'MUST', KEPT, '[x](../test/docs/rfc.test.ts)'),
      row('5.1-4', 'MUST', '*not used:*', '–'),
      row('5.1-5', 'MUST', '*not used:* a good reason is given', SHOWN),
    ];
    expect(unproven(right(...wrong))).toEqual(['5.1-1', '5.1-2', '5.1-3', '5.1-4', '5.1-5']);
  });

  it('finds functions that are not declared, though their names stand in the file', () => {
    const named = (name: string, path: string) => undeclared(right(row('5.1-1', 'MUST', `[\`${name}\`](../${path})`)));
    expect(named('isMidMessage', 'src/protocol/frame-rules.ts')).toHaveLength(1); // a parameter
    expect(named('ProtocolError', 'src/protocol/frame-rules.ts')).toHaveLength(1); // an import
    expect(named('checkFirstByte', 'src/protocol/nope.ts')).toHaveLength(1);
    expect(named('ProtocolError.closing', 'src/protocol/protocol-error.ts')).toHaveLength(1);
    expect(named('ProtocolError.closeCode', 'src/protocol/protocol-error.ts')).toEqual([]);
    expect(named('PROTOCOL_RULES.utf8', 'src/protocol/protocol-error.ts')).toEqual([]);
    expect(named('MaskedFrameReader.#readHeader', 'src/protocol/masked-frame-reader.ts')).toEqual([]);
  });

  it('finds tests that are not there, that have a part of the title only, and that are two', () => {
    const named = (title: string) =>
      untested(right(row('5.1-1', 'MUST', KEPT, `[x](../test/client/address.test.ts): *${title}*`)));
    expect(named('nobody has written this')).toHaveLength(1);
    expect(named('leads where it says')).toHaveLength(1);
    expect(named('is not %j')).toHaveLength(1); // there are two of them
    expect(named('%s leads where it says')).toEqual([]);
    expect(named('a ws or wss URI (section 3) › %s leads where it says')).toEqual([]);
  });
});
