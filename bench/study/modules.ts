/** The modules that the study loads: the one that only it needs, and how large the others are. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { ROOT } from '../paths.js';
import { SHARED_MODULE, SHARED_PAGES } from './questions.js';
import type { ModuleSize } from './results.js';

/** Builds the module with SIMD for shared memory, which none of the shipped modules takes. @throws if the compiler fails */
export function buildSharedModule(): void {
  const asc = fileURLToPath(new URL('node_modules/assemblyscript/bin/asc.js', ROOT));
  const memory = ['--sharedMemory', '--enable', 'threads', '--maximumMemory', String(SHARED_PAGES)];
  const out = ['--outFile', fileURLToPath(SHARED_MODULE)];
  const args = [asc, 'assembly/index.ts', '--target', 'simd', ...memory, ...out];
  execFileSync(process.execPath, args, { cwd: fileURLToPath(ROOT), stdio: ['ignore', 'ignore', 'pipe'] });
}

/** The files of the kernel in JavaScript. */
const JAVASCRIPT = ['js.js', 'js-long.js', 'shift-automaton.js', 'utf8.js'];

/** All modules, and the JavaScript that does the same as one of them without compression. */
export function moduleSizes(): ModuleSize[] {
  const modules = readdirSync(new URL('dist/', ROOT)).filter((file) => file.endsWith('.wasm'));
  const of = (name: string, files: readonly string[]): ModuleSize => {
    const bytes = Buffer.concat(files.map((file) => readFileSync(new URL(file, ROOT))));
    return { name, bytes: bytes.length, gzipBytes: gzipSync(bytes).length };
  };
  return [
    ...modules.map((file) => of(`${file}, with compression`, [`dist/${file}`])),
    of(
      'the kernel in JavaScript, with comments, without compression',
      JAVASCRIPT.map((file) => `dist/kernels/${file}`),
    ),
  ];
}
