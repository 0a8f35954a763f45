import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { deserialize, type Study, serialize } from '../../../bench/study/results.js';
import { InvalidField } from '../../../bench/study/schema.js';
import {
  contributedFiles,
  contributionOf,
  InvalidFile,
  MOST_BYTES,
  readMachine,
  readStudies,
  readStudy,
} from '../../../bench/study/study-file.js';
import { engineOf, figureOf, studyOf, wholeStudy } from './study.js';

const FOLDER = mkdtempSync(join(tmpdir(), 'study-file-'));
afterAll(() => rmSync(FOLDER, { recursive: true }));

function fileOf(name: string, content: string | Uint8Array): string {
  const file = join(FOLDER, name);
  writeFileSync(file, content);
  return file;
}

/** The message with which a text is refused. */
function refusal(text: string): string {
  try {
    contributionOf(text);
  } catch (error) {
    if (error instanceof InvalidField) return error.message;
    throw error;
  }
  throw new Error(`it was accepted: ${text.slice(0, 100)}`);
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
const json = () => JSON.parse(serialize(wholeStudy())) as { [name: string]: Json };

const { columns: COLUMNS } = JSON.parse(serialize(wholeStudy())) as { readonly columns: readonly string[] };

/** The refusal of the whole study with another value at a path. Undefined as a value removes the field. */
function refusalWith(path: readonly (string | number)[], value: Json | undefined): string {
  const study = json();
  let inner: unknown = study;
  for (const step of path.slice(0, -1)) inner = Reflect.get(inner as object, step);
  const last = path.at(-1) as string;
  if (value === undefined) Reflect.deleteProperty(inner as object, last);
  else Reflect.set(inner as object, last, value);
  return refusal(JSON.stringify(study));
}

/** The paths of all values within a value, and the values. Lines of figures are shown by the names of their columns. */
function* valuesIn(value: Json, path: readonly (string | number)[] = []): Generator<[(string | number)[], Json]> {
  if (path.length > 0) yield [[...path], value];
  if (typeof value !== 'object' || value === null) return;
  for (const [name, item] of Object.entries(value))
    yield* valuesIn(item, [...path, Array.isArray(value) ? Number(name) : name]);
}

/** As a message names it: `engines[0].figures[2].attempts[1]`. */
function shownPath(path: readonly (string | number)[]): string {
  return path
    .map((step, i) => {
      const isColumn = path[i - 2] === 'figures' && path[0] === 'engines' && i === 4;
      if (isColumn) return `.${COLUMNS[step as number]}`;
      return typeof step === 'number' ? `[${step}]` : `.${step}`;
    })
    .join('')
    .slice(1);
}

const OPTIONAL =
  /(^counters|\.(identity|vectors|isVirtual|platform|arch|thresholds|compression|isSteady|ns|mainNode|measuring|loop|engine))$/;
const LEAVES = [...valuesIn(json())];

describe('a contributed study', () => {
  it('is read as it was written', () => {
    expect(contributionOf(serialize(wholeStudy()))).toEqual(wholeStudy());
  });

  it('may lack what older studies and other engines lack', () => {
    const { counters: _, ...study } = wholeStudy();
    const { thresholds: __, compression: ___, ...engine } = study.engines[0] as Study['engines'][number];
    const { cpu, cores, memoryGiB, kernel, node } = study.machine;
    const less = { ...study, engines: [engine], machine: { cpu, cores, memoryGiB, kernel, node } };
    expect(contributionOf(serialize(less))).toEqual(less);
  });

  it('is refused when any of its fields is of another type, and the message names the field', () => {
    // Errors are texts of any kind, because they are not printed; and hashes of no kernel are hashes.
    const isRight = (path: readonly (string | number)[], value: unknown) =>
      (path[0] === 'failures' && typeof value === 'string') ||
      (path.length === 1 && path[0] === 'fingerprints' && typeof value === 'object' && value !== null);
    for (const [path] of LEAVES)
      for (const value of [null, {}, '\u202e'].filter((one) => !isRight(path, one)))
        expect(refusalWith(path, value), JSON.stringify([path, value])).toContain(shownPath(path));
  });

  it('is refused when a number in it is negative, a fraction of a byte, or larger than anything', () => {
    const numbers = LEAVES.filter(([path, value]) => typeof value === 'number' && path[0] !== 'format');
    expect(numbers.length).toBeGreaterThan(40);
    for (const [path] of numbers)
      for (const value of [-1, 1e300])
        expect(refusalWith(path, value), JSON.stringify(path)).toMatch(`${shownPath(path)} must be`);
    expect(refusalWith(['cacheBytes'], 0.5)).toBe('cacheBytes must be an integer from 1 to 1000000000000000, got 0.5');
  });

  it('is refused when a field is missing, unless it is one that may be', () => {
    const fields = LEAVES.filter(([path]) => typeof path.at(-1) === 'string' && path[0] !== 'fingerprints');
    for (const [path] of fields.filter(
      ([one]) => !OPTIONAL.test(`.${one.join('.')}`) && one[0] !== 'format' && one[0] !== 'counters',
    ))
      expect(refusalWith(path, undefined)).toBe(`${shownPath(path)} is missing`);
  });

  it('is refused when it has a field that is not known, at any depth', () => {
    const objects = LEAVES.filter(
      ([path, value]) => typeof value === 'object' && !Array.isArray(value) && path.at(-1) !== 'fingerprints',
    );
    expect(objects.length).toBeGreaterThan(10);
    for (const [path] of objects)
      expect(refusalWith([...path, 'host'], 'x')).toBe(`${shownPath(path)}.host is not a field that is known`);
    expect(refusalWith(['__proto__x'], 1)).toBe('__proto__x is not a field that is known');
  });

  it.each<[string, (string | number)[], Json, string]>([
    ['another operation', ['engines', 0, 'figures', 0, 0], 'decode', 'engines[0].figures[0].op must be "unmask" or'],
    ['another content', ['engines', 0, 'figures', 0, 2], 'xml', 'engines[0].figures[0].content must be "any" or'],
    ['another pattern', ['engines', 0, 'figures', 0, 5], 'warm', 'engines[0].figures[0].pattern must be "hot" or'],
    ['a size of 0', ['engines', 0, 'figures', 0, 3], 0, 'engines[0].figures[0].bytes must be an integer from 1'],
    ['no attempt', ['engines', 0, 'figures', 0, 6], [], 'engines[0].figures[0].attempts must have from 1 to 100 items'],
    ['an attempt of 0 ns', ['engines', 0, 'figures', 0, 6, 3], 0, 'engines[0].figures[0].attempts[3] must be a number'],
    ['a short line', ['engines', 0, 'figures', 0], ['unmask'], 'engines[0].figures[0] must have 7 items, got 1'],
    ['other columns', ['columns', 0], 'candidate', 'columns[0] must be "op", got "candidate"'],
    ['no engine', ['engines'], [], 'engines must have from 1 to 32 items, got 0'],
    ['no figure', ['engines', 0, 'figures'], [], 'engines[0].figures must have from 1 to 20000 items, got 0'],
    ['another question', ['engines', 0, 'answers', 0, 'question'], 'why', 'engines[0].answers[0].question must be'],
    ['a date that is none', ['date'], '2026-13-02T03:04:05.678Z', 'date must be a date'],
    ['a commit with more', ['commit'], '0123456789 <b>', 'commit must be the hash of a commit'],
    ['a kernel with more', ['endToEnd', 0, 'kernel'], 'js`|', 'endToEnd[0].kernel must be a name of small letters'],
    ['a fingerprint that is none', ['fingerprints', 'js'], 'x', 'fingerprints.js must be a hash of 16 digits'],
    ['the name of a fingerprint', ['fingerprints', 'a`|b'], '0123456789abcdef', 'fingerprints must have fields that'],
    ['a name that is too long', ['machine', 'cpu'], 'x'.repeat(201), 'machine.cpu must be one line of 1 to 200'],
    ['a name without characters', ['machine', 'cpu'], '', 'machine.cpu must be one line of 1 to 200'],
    ['a name with two spaces', ['engines', 0, 'name'], 'Node  20', 'engines[0].name must be one line'],
    ['another format', ['format'], 1, 'format must be 2, got 1'],
    ['a quick run', ['isQuick'], true, 'isQuick must be false: the figures of a quick run are only a hint'],
    ['no cross-check', ['checks'], [], 'checks must not be empty'],
  ])('is refused with %s', (_, path, value, message) => {
    expect(refusalWith(path, value)).toContain(message);
  });

  it('is refused when a case or an engine is there twice', () => {
    const figures = [figureOf('js', 64, 20), figureOf('js', 64, 10)];
    expect(refusal(serialize(wholeStudy({ engines: [engineOf(figures)] })))).toBe(
      'engines[0].figures[1] is there twice: unmask js any 64 6 hot',
    );
    const engine = engineOf([figureOf('js', 64, 20)]);
    expect(refusal(serialize(wholeStudy({ engines: [engine, engine] })))).toBe(
      'engines[1] is there twice: Node 20 v20.1.2',
    );
  });

  it('is refused when the gate finds a fault', () => {
    const figures = [figureOf('js', 64, 200), figureOf('js', 128, 100)];
    expect(refusal(serialize(wholeStudy({ engines: [engineOf(figures)] })))).toMatch(
      /^its figures cannot be right: Node 20: .* more bytes do not take less time$/,
    );
    expect(refusal(serialize(wholeStudy({ engines: [engineOf(figures, { rounds: 1, sentinel: [] })] })))).toMatch(
      /^its figures cannot be right: .*, and \d more$/,
    );
  });

  it('is refused in one line that is safe to print, whatever it holds', () => {
    const hostile = '\u001b[2J\u202e\n<b>'.repeat(100);
    for (const path of [
      ['format'],
      ['date'],
      ['machine', 'cpu'],
      ['engines', 0, 'figures', 0, 0],
      [hostile],
      ['machine', hostile],
    ])
      expect(refusalWith(path, hostile)).toMatch(/^[^\p{Cc}\p{Cf}]{1,700}$/u);
  });
});

describe('a file of another machine', () => {
  it('is read, and the message of what is wrong begins with its name', () => {
    const file = fileOf('good.json', serialize(wholeStudy()));
    expect(readMachine(file)).toEqual(wholeStudy());
    const quick = fileOf('quick.json', serialize(wholeStudy({ isQuick: true })));
    expect(() => readMachine(quick)).toThrow(
      new InvalidFile(`${quick}: isQuick must be false: the figures of a quick run are only a hint`),
    );
  });

  it('is refused with the whole message, also where that is long', () => {
    const text = serialize(wholeStudy()).replace('"unmask","js","any"', '"unmask","js","xml"');
    expect(() => readMachine(fileOf('xml.json', text))).toThrow(
      /engines\[0\]\.figures\[0\]\.content must be "any" or .* or "invalid at the end", got "xml"$/,
    );
  });

  it.each<[string, string | Uint8Array, string]>([
    ['no JSON', '{', 'it is not JSON'],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'it is not UTF-8'],
    ['nothing', '', 'it is not JSON'],
    ['no object', '[]', 'format must be 2, got nothing'],
    ['very deep JSON', '['.repeat(1_000_000), 'it is not JSON'],
    [
      'too many bytes',
      Buffer.alloc(MOST_BYTES + 1, 0x20),
      `it must have at most ${MOST_BYTES} bytes, got ${MOST_BYTES + 1}`,
    ],
  ])('is refused with %s', (name, content, message) => {
    const file = fileOf(`${name}.json`, content);
    expect(() => readMachine(file)).toThrow(new InvalidFile(`${file}: ${message}`));
  });

  it('is refused when it is none, or not there', () => {
    expect(() => readMachine(FOLDER)).toThrow(new InvalidFile(`${FOLDER}: it is not a file`));
    const missing = join(FOLDER, 'missing.json');
    expect(() => readMachine(missing)).toThrow(new InvalidFile(`${missing}: there is no such file`));
  });
});

describe('the study of the report', () => {
  it('may be quick, and have faults', () => {
    const figures = [figureOf('js', 64, 200), figureOf('js', 128, 100)];
    const study = studyOf(figures, { isQuick: true });
    expect(readStudy(fileOf('own.json', serialize(study)))).toEqual(study);
  });

  it('is checked field by field too', () => {
    const study = studyOf([figureOf('js', 64, 200)], { cacheBytes: Number.NaN });
    const file = fileOf('wrong.json', serialize(study));
    expect(() => readStudy(file)).toThrow(
      new InvalidFile(`${file}: cacheBytes must be an integer from 1 to 1000000000000000, got null`),
    );
    const newer = fileOf('newer.json', '{"format":3}');
    expect(() => readStudy(newer)).toThrow(new InvalidFile(`${newer}: format must be 2 or older, got 3`));
  });

  it('is read before the others, and no run is read twice', () => {
    const own = fileOf('own.json', serialize(wholeStudy()));
    const other = fileOf('other.json', serialize(wholeStudy({ date: '2026-01-03T03:04:05.678Z' })));
    const copy = fileOf('copy.json', serialize(wholeStudy()));
    expect(readStudies(own, [other]).map(({ date }) => date.slice(0, 10))).toEqual(['2026-01-02', '2026-01-03']);
    expect(() => readStudies(own, [other, copy])).toThrow(new InvalidFile(`${copy}: it is the same run as ${own}`));
  });
});

describe('the files of this repository', () => {
  it('are read: the study, and each contributed file', () => {
    const study = new URL('../../../bench/results/study.json', import.meta.url);
    expect(readStudy(study.pathname)).toEqual(deserialize(readFileSync(study, 'utf8')));
    for (const file of contributedFiles()) expect(readMachine(file).engines.length).toBeGreaterThan(0);
  });
});
