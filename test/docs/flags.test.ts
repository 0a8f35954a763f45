import { describe, expect, it } from 'vitest';
import { createProgram } from '../../dist/cli/program.js';
import { textOf } from './documents.js';

const serve = createProgram([]).commands.find((one) => one.name() === 'serve');
const FLAGS = new Set(serve?.options.map(({ long }) => long));

/** Documents that name flags of `wsloom serve` only, beside those that belong to programs named here. */
const DOCUMENTS = ['docs/run.md', 'docs/tune.md', 'docs/deploy/README.md', 'docs/ten-minutes.md'];
const OF_OTHERS = /^(docker|kubectl|systemctl|npm|nginx|openssl|mkdir|cp) /;

/** The flags in code of a document. */
function flagsIn(text: string): string[] {
  const lines = text.split('\n').filter((line) => !OF_OTHERS.test(line));
  const code = lines.flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, words = '']) => words));
  return [
    ...code.filter((words) => !OF_OTHERS.test(words)),
    ...lines.filter((line) => /wsloom( |\/.*)serve /.test(line)),
  ].flatMap((words) => words.match(/(?<![\w-])--[a-z][a-z0-9-]*/g) ?? []);
}

describe.each(DOCUMENTS)('%s', (document) => {
  it('names only flags that there are', () => {
    expect(flagsIn(textOf(document)).filter((flag) => !FLAGS.has(flag))).toEqual([]);
  });
});

it('the check of flags finds one that there is not', () => {
  expect(flagsIn('a `--nope` and `docker --x`\nnpx wsloom serve a --port 1 --nope2\nnpm i --y')).toEqual([
    '--nope',
    '--port',
    '--nope2',
  ]);
  expect(flagsIn(textOf('docs/tune.md')).length).toBeGreaterThan(30);
});
