import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BENCH } from '../paths.js';

/** Major versions of Node that the study runs on. */
export const MAJORS = [20, 22, 24, 26] as const;

const FOLDER = new URL('engines/', BENCH);

/** Installs the engines, bufferutil and fflate as their lockfile has them, unless they are there. @throws if npm fails */
export function installEngines(say: (line: string) => void): void {
  if (['bufferutil', 'fflate'].every((name) => existsSync(new URL(`node_modules/${name}/package.json`, FOLDER))))
    return;
  say('installing four versions of Node, 0.5 GB, bufferutil and fflate into bench/engines');
  execFileSync('npm', ['ci'], { cwd: fileURLToPath(FOLDER), stdio: ['ignore', 2, 2] });
}

/** The programs of the engines of these versions, and the versions that are not there. */
export function engines(majors: readonly number[]): {
  readonly found: readonly string[];
  readonly missing: readonly number[];
} {
  const own = Number(process.versions.node.split('.')[0]);
  const found: string[] = [];
  const missing: number[] = [];
  for (const major of majors) {
    const program = new URL(`node_modules/node-${major}/bin/node`, FOLDER);
    if (existsSync(program)) found.push(fileURLToPath(program));
    // Elsewhere than on Linux and x64 there is only the one that this runs on.
    else if (major === own) found.push(process.execPath);
    else missing.push(major);
  }
  return { found, missing };
}
