/**
 * Makes bench/STUDY.md and its charts from the results of `npm run study`, and fills in what other documents quote of them:
 * `npm run study:report -- [FILE] [MACHINE.json …]`. Without a file it reads bench/results/study.json, and without files of other machines
 * all of bench/results/machines.
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
import { contributedFiles, InvalidFile, readStudies } from './study-file.js';

async function main([file = fileURLToPath(new URL('results/study.json', BENCH)), ...more]: string[]): Promise<void> {
  if ([file, ...more].some((one) => one.startsWith('-')))
    return fail('usage: npm run study:report -- [FILE] [MACHINE.json …]');
  if (!existsSync(file)) return fail(`there is no ${relative('.', file)}: npm run study writes it`);
  const [study, ...others] = readStudies(relative('.', file), more.length > 0 ? more : contributedFiles());
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
  writeFileSync(report, studyMarkdown(study, fingerprints(readerOf(ROOT)), others));
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

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof InvalidFile)) throw error;
  fail(error.message);
}
