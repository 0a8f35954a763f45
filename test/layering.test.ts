import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SyntaxKind } from 'typescript/unstable/ast';
import { createScanner } from 'typescript/unstable/ast/scanner';
import { describe, expect, test } from 'vitest';

/** The folder that is judged. */
const SOURCE = new URL('../src/', import.meta.url);

/** From top to bottom: a folder may import its own files and those of lower tiers. `''` is `src/` itself. */
const TIERS: readonly (readonly string[])[] = [
  ['', 'handlers'],
  ['cli'],
  ['primary', 'load', 'study'],
  ['worker'],
  ['monitor'],
  ['opening'],
  ['host', 'backplanes'],
  ['fleet'],
  ['connection', 'pubsub', 'client', 'capture', 'learn'],
  ['compression', 'anatomy'],
  ['protocol'],
  ['kernels', 'tls'],
  ['memory', 'system', 'telemetry', 'options'],
];

/** Exceptions: these imports are allowed beside those downward … */
const ALLOWED: ReadonlySet<string> = new Set(['connection → pubsub']);
/** … and these are not, though they go downward. */
const FORBIDDEN: ReadonlySet<string> = new Set(
  // A load generator knows nothing of the server: it measures any.
  ['worker', 'primary', 'monitor', 'opening', 'host', 'connection', 'pubsub', 'tls']
    .map((server) => `load → ${server}`)
    // Certificates and keys are the business of servers' threads; and TLS knows nothing of frames and their memory.
    .concat('protocol → tls', 'tls → memory')
    // Frames are taken apart by the protocol, its automaton for UTF-8, and what escapes text.
    .concat(['memory', 'system', 'options', 'tls'].flatMap((room) => [`anatomy → ${room}`, `capture → ${room}`])),
);

/** Folders that run in a worker, in the primary, in a fuzzer and in a benchmark: without sockets, threads, timers or clocks. */
const PURE: readonly string[] = ['learn', 'capture', 'anatomy', 'protocol', 'kernels', 'memory', 'options'];
const IMPURE_MODULE = /^(node:)?(net|tls|http|https|http2|dgram|worker_threads|timers)(\/.*)?$/;

/** Folders that run in browsers too: everything that they need from a platform is a parameter. */
const PORTABLE: readonly string[] = ['learn', 'capture', 'anatomy', 'protocol'];
/** Types too: a bundle for a browser has none of Node's. */
const NODE_GLOBALS: ReadonlySet<string> = new Set(['Buffer', 'NodeJS', 'global', 'process', 'require']);

const IMPURE_GLOBALS: ReadonlySet<string> = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'performance',
  'Date',
]);

const NO_NAMES_OF_A_FOLDER: readonly string[] = ['utils', 'helpers', 'common'];

interface SourceText {
  /** Relative to `src/`, with slashes. */
  readonly path: string;
  readonly text: string;
}

interface Scanned {
  /** The imported names of modules, by any kind of import, as they are written. */
  readonly imports: readonly string[];
  /** Every identifier, except those after a dot. */
  readonly identifiers: ReadonlySet<string>;
}

/** After these a slash divides; after anything else it begins a regular expression. */
const ENDS_OF_OPERANDS: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.Identifier,
  SyntaxKind.NumericLiteral,
  SyntaxKind.BigIntLiteral,
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateTail,
  SyntaxKind.CloseParenToken,
  SyntaxKind.CloseBracketToken,
  SyntaxKind.CloseBraceToken,
  SyntaxKind.PrivateIdentifier,
  SyntaxKind.ThisKeyword,
]);

/**
 * Reads a file as tokens, so that comments and strings are no code. An import is a string that follows `from`, `import`,
 * or `import(`: static, `export … from`, dynamic, and types alike; or a `new URL('…', import.meta.url)`, by which threads
 * are given their modules.
 */
function scan(text: string): Scanned {
  const scanner = createScanner(true, undefined, text);
  const imports: string[] = [];
  const identifiers = new Set<string>();
  /** The tokens so far, the last three of them: as text, and the last as kind. */
  const before: string[] = ['', '', ''];
  let kind: SyntaxKind = SyntaxKind.Unknown;
  /** For each `${` that is open: how many braces are open in it. */
  const templates: number[] = [];
  for (;;) {
    const previous = kind;
    kind = scanner.scan();
    if (kind === SyntaxKind.SlashToken && !ENDS_OF_OPERANDS.has(previous)) kind = scanner.reScanSlashToken();
    if (kind === SyntaxKind.SlashEqualsToken && !ENDS_OF_OPERANDS.has(previous)) kind = scanner.reScanSlashToken();
    const depth = templates.length - 1;
    if (kind === SyntaxKind.TemplateHead) templates.push(0);
    else if (kind === SyntaxKind.OpenBraceToken && depth >= 0) templates[depth] = (templates[depth] as number) + 1;
    else if (kind === SyntaxKind.CloseBraceToken && depth >= 0) {
      if (templates[depth] === 0) {
        kind = scanner.reScanTemplateToken(false);
        if (kind === SyntaxKind.TemplateTail) templates.pop();
      } else {
        templates[depth] = (templates[depth] as number) - 1;
      }
    }
    if (kind === SyntaxKind.EndOfFile) return { imports, identifiers };

    const token = scanner.getTokenText();
    const [second, first, last] = before as [string, string, string];
    if (kind === SyntaxKind.StringLiteral || kind === SyntaxKind.NoSubstitutionTemplateLiteral) {
      const isStatic = last === 'from' || last === 'import';
      const isCall = last === '(' && (first === 'import' || first === 'require');
      const isUrl = last === '(' && first === 'URL' && second === 'new' && /^\.\.?\//.test(scanner.getTokenValue());
      if (isStatic || isCall || isUrl) imports.push(scanner.getTokenValue());
    }
    if (kind === SyntaxKind.Identifier && last !== '.' && last !== '?.') identifiers.add(token);
    before.shift();
    before.push(token);
  }
}

/** The folder of a file, `''` for `src/` itself. */
function folderOf(path: string): string {
  return path.includes('/') ? (path.split('/')[0] as string) : '';
}

function tierOf(folder: string): number {
  return TIERS.findIndex((tier) => tier.includes(folder));
}

/** The violations in these files. */
function violations(files: readonly SourceText[]): string[] {
  const found: string[] = [];
  for (const { path, text } of files) {
    const folder = folderOf(path);
    const { imports, identifiers } = scan(text);
    for (const name of path.split('/').slice(0, -1)) {
      if (NO_NAMES_OF_A_FOLDER.includes(name)) found.push(`${path} lies in a folder named ${name}`);
    }
    if (tierOf(folder) < 0) found.push(`${path} lies in a folder that has no tier`);
    for (const imported of imports) {
      if (imported.startsWith('.')) {
        const target = posix.join(posix.dirname(path), imported);
        if (!mayImport(folder, target)) found.push(`${path} must not import ${imported}`);
      } else if (PORTABLE.includes(folder) || (PURE.includes(folder) && IMPURE_MODULE.test(imported))) {
        found.push(`${path} must not import ${imported}`);
      } else if (imported === 'wsloom' || imported.startsWith('wsloom/')) {
        found.push(`${path} must not import the package by its name`);
      }
    }
    if (!PURE.includes(folder)) continue;
    for (const name of identifiers) {
      const isImpure = IMPURE_GLOBALS.has(name) || (PORTABLE.includes(folder) && NODE_GLOBALS.has(name));
      if (isImpure) found.push(`${path} must not use ${name}`);
    }
  }
  return found;
}

function mayImport(folder: string, target: string): boolean {
  if (target.startsWith('../')) return target === '../package.json';
  if (folder === 'handlers') return target === 'index.js';
  const imported = folderOf(target);
  if (!target.includes('/')) return folder === '' || target.endsWith('.wasm');
  if (imported === folder) return true;
  const step = `${folder} → ${imported}`;
  return (tierOf(imported) > tierOf(folder) && !FORBIDDEN.has(step)) || ALLOWED.has(step);
}

/** The circles among these files: those that import each other, directly or by others. Imports of types count. */
function circles(files: readonly SourceText[]): string[][] {
  const known = new Set(files.map(({ path }) => path));
  const imported = new Map<string, readonly string[]>();
  for (const { path, text } of files) {
    const targets = scan(text)
      .imports.filter((one) => one.startsWith('.'))
      .map((one) => posix.join(posix.dirname(path), one).replace(/\.js$/, '.ts'));
    imported.set(
      path,
      targets.filter((target) => known.has(target)),
    );
  }
  const reachable = new Map([...known].map((path) => [path, reachableFrom(path, imported)]));
  const found = new Map<string, string[]>();
  for (const [path, reached] of reachable) {
    const circle = [...reached].filter((other) => reachable.get(other)?.has(path)).sort();
    if (circle.length > 0) found.set(circle.join(), circle);
  }
  return [...found.values()].sort();
}

/** All files that a file imports, directly or by others: itself only if it is in a circle. */
function reachableFrom(path: string, imported: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const reached = new Set<string>();
  const left = [path];
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    for (const target of imported.get(file) ?? []) {
      if (reached.has(target)) continue;
      reached.add(target);
      left.push(target);
    }
  }
  return reached;
}

function sourceFiles(): SourceText[] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(new URL(path, SOURCE), 'utf8') }));
}

describe('src/', () => {
  test('imports downward only, its lower half knows no sockets, threads, timers or clocks, and what runs in browsers no Node', () => {
    const files = sourceFiles();
    expect(files.length, `TypeScript files in ${fileURLToPath(SOURCE)}`).toBeGreaterThan(30);
    expect(violations(files)).toEqual([]);
  });

  test('has no circles of imports, not of types either', () => {
    expect(circles(sourceFiles())).toEqual([]);
  });
});

describe('the check of layers', () => {
  /** The violations of a file with this text. */
  const judge = (path: string, text: string) => violations([{ path, text }]);

  test.each([
    ['connection/a.ts', "import { Topics } from '../pubsub/topics.js';"],
    ['connection/a.ts', "import type { Arena } from '../memory/arena.js';"],
    ['connection/a.ts', "import { b } from './b.js';"],
    ['connection/a.ts', "import { Socket } from 'node:net';"],
    ['primary/a.ts', "const worker = new URL('../worker/worker.js', import.meta.url);"],
    ['handlers/echo.ts', "import { defineHandler } from '../index.js';"],
    ['worker/a.ts', "import { Opening } from '../opening/opening.js';"],
    ['worker/a.ts', "import { Routes } from '../monitor/routes.js';"],
    ['opening/a.ts', "import type { HandOff } from '../host/hand-off.js';"],
    ['index.ts', "export { a } from './primary/a.js';"],
    ['cli.ts', "import { createServer } from './index.js'; import { run } from './load/run.js';"],
    ['load/a.ts', "import { Client } from '../client/client.js'; import { k } from '../kernels/k.js';"],
    ['load/a.ts', "const thread = new URL('./thread.js', import.meta.url);"],
    ['protocol/a.ts', "import { shown } from '../options/shown.js';"],
    ['client/a.ts', "import { connect } from 'node:net'; import { close } from '../protocol/close.js';"],
    ['kernels/wasm.ts', "const file = new URL('../kernels.wasm', import.meta.url);"],
    ['protocol/a.ts', "/** Unlike setTimeout. */ const name = 'Date'; // import { x } from '../host/x.js'"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code that is judged
    ['protocol/a.ts', 'const a = b / c; const r = /setTimeout("x")/; const t = `${{ a: `${1}` }} Date`;'],
    ['protocol/a.ts', 'interface A { } const a = x.performance; this.Date = 1;'],
    ['protocol/opening/a.ts', "import { b } from '../b.js'; import type { Arena } from '../../memory/arena.js';"],
    ['protocol/a.ts', 'const a = new ArrayBuffer(8); const text = new TextDecoder(); // not a Buffer'],
    ['memory/a.ts', "import { Buffer } from 'node:buffer'; const a = Buffer.alloc(process.pid);"],
    ['kernels/a.ts', "import { isUtf8 } from 'node:buffer';"],
    ['tls/a.ts', "import { connect } from 'node:tls'; import { ConfigError } from '../options/option-error.js';"],
    ['worker/a.ts', "import { ThreadTls } from '../tls/thread-tls.js';"],
    [
      'anatomy/a.ts',
      "import { a } from '../protocol/a.js'; import { u } from '../kernels/utf8.js'; import { p } from '../telemetry/printable.js';",
    ],
    ['client/a.ts', "import { FrameDissector } from '../anatomy/frame-dissector.js';"],
  ])('allows (%s) %s', (path, text) => {
    expect(judge(path, text)).toEqual([]);
  });

  test.each([
    ['pubsub/a.ts', "import { x } from '../connection/x.js';"],
    ['pubsub/a.ts', "import type { x } from '../client/x.js';"],
    ['client/a.ts', "import { x } from '../connection/x.js';"],
    ['protocol/a.ts', "import type { x } from '../connection/x.js';"],
    ['protocol/a.ts', "export * from '../host/x.js';"],
    ['protocol/a.ts', "import '../host/x.js';"],
    ['protocol/a.ts', "const x = await import('../host/x.js');"],
    ['protocol/a.ts', 'const x = await import(`../host/x.js`);'],
    ['protocol/a.ts', "let x: import('../host/x.js').X;"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code that is judged
    ['protocol/a.ts', "const x = `${await import('../host/x.js')}`;"],
    ['protocol/a.ts', "const a = b / c; import { x } from '../host/x.js'; const d = e / f;"],
    ['memory/a.ts', "import { x } from '../kernels/x.js';"],
    ['telemetry/a.ts', "import { x } from '../options/x.js';"],
    ['options/a.ts', "import type { x } from '../protocol/x.js';"],
    ['options/a.ts', "import { connect } from 'node:net';"],
    ['kernels/a.ts', "import { x } from '../protocol/x.js';"],
    ['host/a.ts', "const url = new URL('../worker/worker.js', import.meta.url);"],
    ['worker/a.ts', "import { x } from '../primary/x.js';"],
    ['monitor/a.ts', "import { x } from '../worker/x.js';"],
    ['monitor/a.ts', "import { x } from '../primary/x.js';"],
    ['opening/a.ts', "import { x } from '../primary/x.js';"],
    ['opening/a.ts', "import type { x } from '../worker/x.js';"],
    ['opening/a.ts', "import { x } from '../monitor/x.js';"],
    ['host/a.ts', "import type { x } from '../opening/x.js';"],
    ['load/a.ts', "import { x } from '../opening/x.js';"],
    ['load/a.ts', "import { x } from '../worker/x.js';"],
    ['load/a.ts', "import { x } from '../primary/x.js';"],
    ['primary/a.ts', "import { x } from '../load/x.js';"],
    ['primary/a.ts', "import { x } from '../index.js';"],
    ['handlers/a.ts', "import { x } from '../connection/x.js';"],
    ['handlers/a.ts', "import { x } from './b.js';"],
    ['primary/a.ts', "import { x } from 'wsloom';"],
    ['cli.ts', "import { x } from './utils/x.js';"],
    ['cli.ts', "import { x } from '../bench/x.js';"],
    ['protocol/a.ts', "import { Socket } from 'node:net';"],
    ['protocol/a.ts', "import type { Server } from 'http';"],
    ['protocol/a.ts', "import { isUtf8 } from 'node:buffer';"],
    ['protocol/opening/a.ts', "import type { Hash } from 'crypto';"],
    ['protocol/opening/a.ts', "import { x } from '../../connection/x.js';"],
    ['protocol/a.ts', "import { x } from 'koffi';"],
    ['protocol/a.ts', 'const a = Buffer.alloc(8);'],
    ['protocol/a.ts', 'let a: Buffer | undefined;'],
    ['protocol/opening/a.ts', 'const pid = process.pid;'],
    ['protocol/a.ts', 'let timer: NodeJS.Timeout;'],
    ['kernels/a.ts', "import { Worker } from 'node:worker_threads';"],
    ['memory/a.ts', "import { setTimeout as wait } from 'node:timers/promises';"],
    ['memory/a.ts', 'const at = performance.now();'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code that is judged
    ['protocol/a.ts', 'const at = `${Date.now()}`;'],
    ['protocol/a.ts', 'setImmediate(() => {});'],
    ['connection/utils/a.ts', ''],
    ['helpers/a.ts', ''],
    ['tls/a.ts', "import type { x } from '../opening/x.js';"],
    ['tls/a.ts', "import { x } from '../memory/x.js';"],
    ['protocol/a.ts', "import { x } from '../tls/x.js';"],
    ['load/a.ts', "import { x } from '../tls/x.js';"],
    ['anatomy/a.ts', "import { x } from '../compression/x.js';"],
    ['anatomy/a.ts', "import { x } from '../options/x.js';"],
    ['anatomy/a.ts', "import { Buffer } from 'node:buffer';"],
    ['anatomy/a.ts', 'const a = Buffer.alloc(8);'],
    ['anatomy/a.ts', 'setTimeout(() => {}, 1);'],
    ['protocol/a.ts', "import { x } from '../anatomy/x.js';"],
  ])('refuses (%s) %s', (path, text) => {
    expect(judge(path, text)).not.toEqual([]);
  });

  /** The circles among files with these texts. */
  const circlesOf = (texts: Readonly<Record<string, string>>) =>
    circles(Object.entries(texts).map(([path, text]) => ({ path, text })));

  test.each([
    ['two files', { 'host/a.ts': "import { b } from './b.js';", 'host/b.ts': "import { a } from './a.js';" }],
    [
      'types',
      { 'host/a.ts': "import type { B } from './b.js';", 'host/b.ts': "let a: import('./a.js').A;", 'host/c.ts': '' },
    ],
    [
      'what is exported again',
      { 'host/a.ts': "export * from './b.js';", 'host/b.ts': "export type { A } from './a.js';" },
    ],
    [
      'folders',
      { 'host/a.ts': "import { b } from '../pubsub/b.js';", 'pubsub/b.ts': "import type { A } from '../host/a.js';" },
    ],
    ['a file and itself', { 'host/a.ts': "import { a } from './a.js';" }],
  ])('refuses circles of %s', (_, texts) => {
    const files = Object.keys(texts).filter((path) => path !== 'host/c.ts');
    expect(circlesOf(texts)).toEqual([files]);
  });

  test('names each circle by all of its files, and by no others', () => {
    const texts = {
      'host/a.ts': "import { b } from './b.js'; import { c } from './c.js';",
      'host/b.ts': "import { c } from './c.js'; import { e } from './e.js';",
      'host/c.ts': "import type { A } from './a.js';",
      'host/d.ts': "import { a } from './a.js'; import { g } from './g.js';",
      'host/e.ts': "import { f } from './f.js';",
      'host/f.ts': "import type { E } from './e.js';",
      'host/g.ts': '',
    };
    expect(circlesOf(texts)).toEqual([
      ['host/a.ts', 'host/b.ts', 'host/c.ts'],
      ['host/e.ts', 'host/f.ts'],
    ]);
  });

  test('allows two ways to the same file', () => {
    const texts = {
      'host/a.ts': "import { b } from './b.js'; import { c } from './c.js'; // import { a } from './a.js'",
      'host/b.ts': "import { c } from './c.js';",
      'host/c.ts': "const name = './a.js';",
    };
    expect(circlesOf(texts)).toEqual([]);
  });
});
