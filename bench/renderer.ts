import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BENCH } from './paths.js';

/** The parts of the libraries that are used here. The libraries and their types are only installed when something is drawn. */
interface Vega {
  parse(spec: unknown): unknown;
  View: new (runtime: unknown, options: { renderer: 'none' }) => { toSVG(): Promise<string> };
}
interface VegaLite {
  compile(spec: unknown): { readonly spec: unknown };
}

const FOLDER = new URL('charts/', BENCH);

/** Makes an SVG of a Vega-Lite specification. Installs the libraries if they are not there. @throws if npm fails */
export async function loadRenderer(): Promise<(spec: object) => Promise<string>> {
  if (!existsSync(new URL('node_modules/vega-lite/package.json', FOLDER))) {
    process.stderr.write('installing vega, which draws\n');
    execFileSync('npm', ['ci'], { cwd: fileURLToPath(FOLDER), stdio: ['ignore', 2, 2] });
  }
  const { resolve } = createRequire(new URL('package.json', FOLDER));
  const vega = (await import(pathToFileURL(resolve('vega')).href)) as Vega;
  const vegaLite = (await import(pathToFileURL(resolve('vega-lite')).href)) as VegaLite;
  return (spec) => new vega.View(vega.parse(vegaLite.compile(spec).spec), { renderer: 'none' }).toSVG();
}
