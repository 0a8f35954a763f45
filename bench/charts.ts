/**
 * Draws the results of a run: `npm run bench:charts -- [FILE]`, of bench/results/latest.json without one. The pictures go
 * beside it: NAME-throughput.svg and NAME-http.svg.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { httpChart, throughputChart } from './chart-specs.js';
import { BENCH } from './paths.js';
import type { Results } from './results.js';

/** The parts of the libraries that are used here: they, and their types, are there only when somebody draws. */
interface Vega {
  parse(spec: unknown): unknown;
  View: new (runtime: unknown, options: { renderer: 'none' }) => { toSVG(): Promise<string> };
}
interface VegaLite {
  compile(spec: unknown): { readonly spec: unknown };
}

const FOLDER = new URL('charts/', BENCH);

async function main([file = fileURLToPath(new URL('results/latest.json', BENCH)), ...more]: string[]): Promise<void> {
  if (more.length > 0 || file.startsWith('-')) return fail('usage: npm run bench:charts -- [FILE]', 2);
  if (!existsSync(file)) return fail(`there is no ${relative('.', file)}: npm run bench writes it`, 2);
  const results = JSON.parse(readFileSync(file, 'utf8')) as Results;
  const render = await loadRenderer();
  const charts = { throughput: throughputChart(results), http: httpChart(results) };
  for (const [name, spec] of Object.entries(charts)) {
    const picture = file.replace(/(\.json)?$/, `-${name}.svg`);
    if (spec === undefined) {
      console.log(`nothing to draw in ${relative('.', picture)}`);
      continue;
    }
    writeFileSync(picture, `${await render(spec)}\n`);
    console.log(relative('.', picture));
  }
}

function fail(message: string, exitCode: number): void {
  process.stderr.write(`bench:charts: ${message}\n`);
  process.exitCode = exitCode;
}

async function loadRenderer(): Promise<(spec: object) => Promise<string>> {
  if (!existsSync(new URL('node_modules/vega-lite/package.json', FOLDER))) {
    process.stderr.write('installing vega, which draws\n');
    execFileSync('npm', ['ci'], { cwd: fileURLToPath(FOLDER), stdio: ['ignore', 2, 2] });
  }
  const { resolve } = createRequire(new URL('package.json', FOLDER));
  const vega = (await import(pathToFileURL(resolve('vega')).href)) as Vega;
  const vegaLite = (await import(pathToFileURL(resolve('vega-lite')).href)) as VegaLite;
  return (spec) => new vega.View(vega.parse(vegaLite.compile(spec).spec), { renderer: 'none' }).toSVG();
}

await main(process.argv.slice(2));
