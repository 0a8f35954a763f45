import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, CHROMIUM, FIREFOX } from '../browsers.js';
import { pathOf } from '../installed.js';
import { BENCH } from '../paths.js';

/** Versions of Node that the study runs on. They and Bun are packages. */
const NODES = ['node-20', 'node-22', 'node-24', 'node-26'] as const;
/** Browsers are those of the system. */
const BROWSERS: Readonly<Record<string, Browser>> = { firefox: FIREFOX, chromium: CHROMIUM };

/** The engines that the study runs on, as its command line calls them, in the order of tables. */
export const ENGINES = [...NODES, 'bun', 'firefox', 'chromium'] as const;
export type EngineName = (typeof ENGINES)[number];

const FOLDER = new URL('engines/', BENCH);

/** Installs the engines, bufferutil and fflate as their lockfile has them, unless they are there. @throws if npm fails */
export function installEngines(say: (line: string) => void): void {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(new URL('package.json', FOLDER), 'utf8')) as {
    readonly dependencies: object;
    readonly optionalDependencies: object;
  };
  // There are packages of the engines for this system only.
  const engines = process.platform === 'linux' && process.arch === 'x64' ? Object.keys(optionalDependencies) : [];
  const wanted = [...Object.keys(dependencies), ...engines];
  if (wanted.every((name) => existsSync(new URL(`node_modules/${name}/package.json`, FOLDER)))) return;
  say('installing four versions of Node, Bun, together 0.6 GB, bufferutil and fflate into bench/engines');
  execFileSync('npm', ['ci'], { cwd: fileURLToPath(FOLDER), stdio: ['ignore', 2, 2] });
}

/** An engine that is there. */
export interface FoundEngine {
  readonly name: EngineName;
  readonly program: string;
  /** How it is started, if it is a browser. The others run programs. */
  readonly browser?: Browser;
}

/** The engines of these names that are there, and why the others are missing. */
export function engines(names: readonly EngineName[]): {
  readonly found: readonly FoundEngine[];
  readonly missing: readonly (readonly [name: EngineName, why: string])[];
} {
  const found: FoundEngine[] = [];
  const missing: (readonly [EngineName, string])[] = [];
  for (const name of names) {
    const browser = BROWSERS[name];
    const program = browser === undefined ? packaged(name) : pathOf(browser.name);
    if (program !== undefined) found.push({ name, program, ...(browser === undefined ? {} : { browser }) });
    else if (browser !== undefined) missing.push([name, `it is not there: install ${browser.name}, as Debian has it`]);
    else missing.push([name, 'it is not there: there are packages of it for Linux on x64']);
  }
  return { found, missing };
}

function packaged(name: EngineName): string | undefined {
  const program = new URL(`node_modules/${name}/bin/${name === 'bun' ? 'bun' : 'node'}`, FOLDER);
  if (existsSync(program)) return fileURLToPath(program);
  // Elsewhere than on Linux and x64 there is only the version of Node that this runs on.
  return name === `node-${process.versions.node.split('.')[0]}` ? process.execPath : undefined;
}
