/**
 * Makes bench/STUDY.md and its charts from the results of `npm run study`, and fills in what other documents quote of them:
 * `npm run study:report -- [FILE]`. Without a file it reads bench/results/study.json.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BENCH, ROOT } from '../paths.js';
import { loadRenderer } from '../renderer.js';
import { studyCharts } from './charts.js';
import { fingerprints, readerOf } from './fingerprints.js';
import { QUOTING, quote } from './quoted.js';
import { studyMarkdown } from './report.js';
import { deserialize } from './results.js';

async function main([file = fileURLToPath(new URL('results/study.json', BENCH)), ...more]: string[]): Promise<void> {
  if (more.length > 0 || file.startsWith('-')) return fail('usage: npm run study:report -- [FILE]');
  if (!existsSync(file)) return fail(`there is no ${relative('.', file)}: npm run study writes it`);
  const study = deserialize(readFileSync(file, 'utf8'));
  const render = await loadRenderer();
  for (const [name, spec] of Object.entries(studyCharts(study))) {
    const picture = fileURLToPath(new URL(`results/study-${name}.svg`, BENCH));
    if (spec === undefined) {
      console.log(`nothing to draw in ${relative('.', picture)}`);
      continue;
    }
    writeFileSync(picture, `${await render(spec)}\n`);
    console.log(relative('.', picture));
  }
  const report = fileURLToPath(new URL('STUDY.md', BENCH));
  writeFileSync(report, studyMarkdown(study, fingerprints(readerOf(ROOT))));
  console.log(relative('.', report));
  if (study.isQuick) return; // its figures are only a hint, and not for other documents
  for (const path of QUOTING) {
    const document = fileURLToPath(new URL(path, ROOT));
    writeFileSync(document, quote(readFileSync(document, 'utf8'), study));
    console.log(relative('.', document));
  }
}

function fail(message: string): void {
  process.stderr.write(`study:report: ${message}\n`);
  process.exitCode = 2;
}

await main(process.argv.slice(2));
