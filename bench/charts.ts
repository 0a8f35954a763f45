/**
 * Draws the results of a run: `npm run bench:charts -- [FILE]`. Without a file it draws bench/results/latest.json. The pictures
 * go beside the file: NAME-throughput.svg, NAME-wss.svg, NAME-deflate.svg and NAME-http.svg.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateChart, httpChart, throughputChart, wssChart } from './chart-specs.js';
import { BENCH } from './paths.js';
import { loadRenderer } from './renderer.js';
import type { Results } from './results.js';
import { NO_DEFLATE } from './sections/deflate.js';
import { NO_SCALE } from './sections/scale.js';
import { NO_TLS } from './sections/tls.js';

/** Sections that a file from before there were these lacks. */
type Later = 'tls' | 'deflate' | 'scale';

async function main([file = fileURLToPath(new URL('results/latest.json', BENCH)), ...more]: string[]): Promise<void> {
  if (more.length > 0 || file.startsWith('-')) return fail('usage: npm run bench:charts -- [FILE]', 2);
  if (!existsSync(file)) return fail(`there is no ${relative('.', file)}: npm run bench writes it`, 2);
  const read = JSON.parse(readFileSync(file, 'utf8')) as Omit<Results, Later> & Partial<Pick<Results, Later>>;
  const results: Results = { deflate: NO_DEFLATE, tls: NO_TLS, scale: NO_SCALE, ...read };
  const render = await loadRenderer();
  const charts = {
    throughput: throughputChart(results),
    wss: wssChart(results),
    deflate: deflateChart(results),
    http: httpChart(results),
  };
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

await main(process.argv.slice(2));
