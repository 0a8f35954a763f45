/**
 * What a kernel is made of, and what measures it: source files with those that they import, and the flags that they are built with. If the
 * hash is another one today, the figures are of another kernel, or were measured in another way.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

/** The hash of each kernel and of all else that figures depend on, by its name. */
export type Fingerprints = Readonly<Record<string, string>>;

/** Where the sources of each begin, relative to the root of the repository: of a kernel in WASM, and what calls it in JavaScript. */
const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  js: ['src/kernels/js.ts'],
  wasm: ['assembly/unmask.ts', 'assembly/unmask-ascii.ts', 'assembly/utf8.ts', 'src/kernels/wasm.ts'],
  'wasm-scalar': ['assembly/unmask-scalar.ts', 'assembly/utf8-scalar.ts', 'src/kernels/wasm.ts'],
  native: ['src/kernels/native.ts'],
  auto: ['src/kernels/auto.ts'],
  'many frames in one call': ['assembly/scan.ts', 'assembly/gather.ts'],
  compression: [
    'assembly/deflate.ts',
    'assembly/inflate.ts',
    'src/kernels/create-deflater.ts',
    'src/kernels/create-inflater.ts',
    'src/study/codec.ts',
    'src/study/zlib-codec.ts',
  ],
  'candidates of the study': ['bench/study/candidates.ts', 'bench/study/compression.ts'],
  'the server': ['src/primary/server.ts', 'src/worker/worker.ts'],
  'the framing loop': ['src/connection/input.ts', 'src/protocol/masked-frame-reader.ts'],
  'the harness': ['bench/study/harness.ts'],
  'the trial': ['bench/study/trial.ts', 'bench/study/workplace.ts'],
  'the texts': ['src/study/texts.ts'],
  'the questions': ['bench/study/questions.ts'],
  'the measuring of the framing loop': ['bench/study/framing-loop.ts'],
  'the cross-check': ['bench/study/cross-check.ts'],
};

/** How the modules and the JavaScript are built, and by which versions. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  assembly: ['asconfig.json', 'assembly/tsconfig.json'],
  src: ['tsconfig.json'],
  bench: ['tsconfig.json', 'bench/engines/package.json'],
};
const COMPILERS: Readonly<Record<string, string>> = {
  assembly: 'assemblyscript',
  src: 'typescript',
  bench: 'typescript',
};

/** Reads a file of the repository by its path in it. Undefined if there is none. */
export type Reader = (path: string) => string | undefined;

/** @param root the folder of the repository */
export function readerOf(root: URL): Reader {
  return (path) => {
    const url = new URL(path, root);
    return existsSync(url) ? readFileSync(url, 'utf8') : undefined;
  };
}

export function fingerprints(read: Reader): Fingerprints {
  return Object.fromEntries(Object.entries(ENTRIES).map(([name, entries]) => [name, fingerprint(entries, read)]));
}

/** The names of what is not as it was. What older results say nothing of is not among them: see {@link notSaidBy}. */
export function changedSince(measured: Fingerprints, now: Fingerprints): string[] {
  return Object.keys(measured).filter((name) => measured[name] !== now[name]);
}

/** The names of what results do not say: they are older than its fingerprint. Nothing if they say nothing at all. */
export function notSaidBy(measured: Fingerprints, now: Fingerprints): string[] {
  if (Object.keys(measured).length === 0) return [];
  return Object.keys(now).filter((name) => measured[name] === undefined);
}

function fingerprint(entries: readonly string[], read: Reader): string {
  const folders = [...new Set(entries.map(folderOf))];
  const hash = createHash('sha256');
  const add = (path: string) => hash.update(`${path}\n${withoutComments(read(path) ?? '')}\n`);
  for (const path of sourcesOf(entries, read)) add(path);
  for (const folder of folders) {
    for (const path of FLAGS[folder] ?? []) add(path);
    hash.update(versionOf(COMPILERS[folder] ?? '', read));
  }
  return hash.digest('hex').slice(0, 16);
}

/** The files, and all those that they import from this repository, in the order of their names. */
function sourcesOf(entries: readonly string[], read: Reader): string[] {
  const found = new Set<string>();
  const left = [...entries];
  const hasKernels = entries.some(isKernel);
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    const text = read(path) ?? '';
    for (const [, isType, target = ''] of text.matchAll(/^(?:import|export)\s+(type\s)?[^'";]*from\s+'([^']+)'/gm)) {
      const imported = isType === undefined ? pathOf(path, target) : undefined;
      // What the study measures of the package has a fingerprint of its own, and so have the kernels of a server.
      const isOwn = imported !== undefined && folderOf(imported) === folderOf(path);
      if (isOwn && (hasKernels || !isKernel(imported))) left.push(imported);
    }
  }
  return [...found].sort();
}

/** The folder in the root that a file is in. */
function folderOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function isKernel(path: string): boolean {
  return path.startsWith('src/kernels/');
}

/** The path of an imported file; undefined for a package. */
function pathOf(from: string, target: string): string | undefined {
  if (!target.startsWith('.')) return undefined;
  const { pathname } = new URL(target, `file:///${from}`);
  return `${pathname.slice(1).replace(/\.js$/, '')}.ts`;
}

/** A comment does not change what is measured. Only lines that are nothing but comment are left out. */
function withoutComments(text: string): string {
  let isInside = false;
  const lines = text.split('\n').filter((line) => {
    const trimmed = line.trim();
    if (!isInside && trimmed.startsWith('//')) return false;
    const begins = !isInside && trimmed.startsWith('/*');
    if (!isInside && !begins) return true;
    isInside = !trimmed.includes('*/');
    return !isInside && !trimmed.endsWith('*/');
  });
  return lines.join('\n');
}

/** The version of a package in the lock file. */
function versionOf(name: string, read: Reader): string {
  const lock = JSON.parse(read('package-lock.json') ?? '{}') as {
    readonly packages?: Readonly<Record<string, { readonly version?: string }>>;
  };
  return lock.packages?.[`node_modules/${name}`]?.version ?? '';
}
