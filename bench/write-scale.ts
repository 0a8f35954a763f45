/** Fills docs/benchmarks.md and the README with the figures of bench/results/scale.json: `npm run bench:scale`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BENCH, ROOT } from './paths.js';
import type { Results } from './results.js';
import { quoteScale, quoteScaleInReadme } from './scale-quoted.js';

const file = fileURLToPath(new URL('results/scale.json', BENCH));
const documents = [
  ['docs/benchmarks.md', quoteScale],
  ['README.md', quoteScaleInReadme],
] as const;
const shown = relative('.', file);
if (existsSync(file)) {
  const results = JSON.parse(readFileSync(file, 'utf8')) as Results;
  for (const [name, quote] of documents) {
    const document = fileURLToPath(new URL(name, ROOT));
    writeFileSync(document, quote(readFileSync(document, 'utf8'), results));
    console.log(relative('.', document));
  }
} else {
  process.stderr.write(
    `bench:scale: there is no ${shown}: npm run bench -- --peers --only scale --out ${shown} writes it\n`,
  );
  process.exitCode = 2;
}
