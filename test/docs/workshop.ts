import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT, type Snippet } from './documents.js';

const run = promisify(execFile);

/** The packages of test/peers that documents show. They may not be installed. */
export const PEERS = [
  'express',
  'fastify',
  'hono',
  '@hono/node-server',
  'koa',
  '@opentelemetry/api',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-metrics',
  '@opentelemetry/sdk-trace-base',
] as const;

/** The documents use the ports 8080 and 8443, which may be taken on the machine of a test. */
const LISTENS_ON_PORT = /\bport: 8(?:080|443)\b/g;

const TSCONFIG = {
  extends: join(ROOT, 'tsconfig.json'),
  compilerOptions: { rootDir: '.', outDir: 'compiled', declaration: false, declarationMap: false, noEmitOnError: true },
  include: ['**/*.ts'],
  exclude: ['compiled', 'node_modules'],
};

/**
 * A folder outside of the repository, with the package installed, in which the files of documents are tried. Each document has a
 * folder of its own in it. {@link remove} deletes everything.
 */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'wsloom-docs-'));

  constructor() {
    this.#install('wsloom', ROOT);
    for (const name of ['@types/node', 'ws']) this.#install(name, join(ROOT, 'node_modules', name));
    for (const name of PEERS) this.#install(name, join(ROOT, 'test/peers/node_modules', name));
    writeFileSync(join(this.folder, 'package.json'), '{ "private": true, "type": "module" }');
    writeFileSync(join(this.folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  }

  /** Writes the file of a snippet. */
  add({ document, file, text }: Snippet): void {
    const path = join(this.folder, document, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.replace(LISTENS_ON_PORT, 'port: 0'));
  }

  /** Adds the files of a folder of the repository. */
  addFolder(name: string): void {
    mkdirSync(join(this.folder, name));
    for (const file of readdirSync(join(ROOT, name))) {
      const text = readFileSync(join(ROOT, name, file), 'utf8');
      writeFileSync(join(this.folder, name, file), text.replace(LISTENS_ON_PORT, 'port: 0'));
    }
  }

  /** Gives a document the certificates and keys that it names. */
  addCertificates(document: string, names: Readonly<Record<string, string>>): void {
    for (const [name, file] of Object.entries(names)) {
      copyFileSync(join(ROOT, 'test/tls/certificates', file), join(this.folderOf(document), name));
    }
  }

  /** Makes a client of a document connect to another server than the one that it names. */
  redirect(document: string, file: string, url: string): void {
    const path = join(this.folder, document, file);
    writeFileSync(path, readFileSync(path, 'utf8').replace('ws://127.0.0.1:8080', url));
  }

  /** Exchanges a part of a file that was added. It throws if there is no such part. */
  replace(path: string, part: string, by: string): void {
    const text = readFileSync(path, 'utf8');
    if (!text.includes(part)) throw new Error(`there is no ${part} in ${path}`);
    writeFileSync(path, text.replace(part, by));
  }

  /** Checks and compiles all TypeScript. @returns the errors of the compiler, '' if there are none */
  async compile(): Promise<string> {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const done = run(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: this.folder });
    return (await done.catch((error: { readonly stdout: string }) => error)).stdout;
  }

  /** The folder with the document's files. */
  folderOf(document: string): string {
    const folder = join(this.folder, document);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** The path that Node loads for a file of a document: for TypeScript, the output of the compiler. */
  loadable(document: string, file: string): string {
    if (!file.endsWith('.ts')) return join(this.folder, document, file);
    return join(this.folder, 'compiled', document, file.replace(/\.ts$/, '.js'));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** Whether a package is there, or undefined, which needs none. */
  has(name: string | undefined): boolean {
    return name === undefined || existsSync(join(this.folder, 'node_modules', name, 'package.json'));
  }

  #install(name: string, from: string): void {
    const link = join(this.folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(from, link);
  }
}
