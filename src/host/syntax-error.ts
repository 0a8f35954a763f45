import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** How long the modules are searched for the one with the error, in ms. */
const SEARCH_MS = 5000;

/**
 * Says where a syntax error is: `/path/chat.mjs:3:27`; undefined if that cannot be found out. The engine notes the place in front
 * of the stack, but Node keeps it from whoever catches the error of an `import()`: then the module and what it imports
 * are parsed once more.
 * @param href the URL of the module that was imported.
 */
export async function placeOfSyntaxError(error: SyntaxError, href: string): Promise<string | undefined> {
  const noted = notedPlace(error.stack ?? '');
  if (noted !== undefined || !href.startsWith('file:')) return noted;
  const found = await search(href, error.message);
  return found === undefined ? undefined : notedPlace(found);
}

/** The place in front of a stack: `file:line`, the lines of source, and `^` below the column; there is none at the end of a file. */
function notedPlace(stack: string): string | undefined {
  const [first = '', source = '', ...lines] = stack.split('\n');
  const [, file, line] = /^((?:file:|\/|[A-Z]:\\).*):(\d+)$/.exec(first) ?? [];
  if (file === undefined) return undefined;
  const carets = lines.find((text) => /^\s*\^+\s*$/.test(text));
  const column = carets === undefined ? source.length : carets.indexOf('^');
  return `${file.startsWith('file:') ? fileURLToPath(file) : file}:${line}:${column + 1}`;
}

/** What Node says of the first syntax error with this message. In a thread, because parsing alone needs a flag. */
async function search(href: string, message: string): Promise<string | undefined> {
  let worker: Worker;
  try {
    const execArgv = ['--experimental-vm-modules', '--no-warnings'];
    worker = new Worker(SEARCHER, { eval: true, execArgv, workerData: { href, message } });
  } catch {
    return undefined; // it only helps: the error itself is told in any case
  }
  const found = await new Promise<unknown>((resolve) => {
    const timer = setTimeout(resolve, SEARCH_MS);
    worker.once('message', resolve);
    worker.once('error', () => resolve(undefined));
    worker.once('exit', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
  await worker.terminate();
  return typeof found === 'string' ? found : undefined;
}

/** Parses the modules that belong to one, without running any of them. */
const SEARCHER = `
const { spawnSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const module_ = require('node:module');
const { SourceTextModule } = require('node:vm');
const { fileURLToPath, pathToFileURL } = require('node:url');
const { parentPort, workerData } = require('node:worker_threads');

function urlOf(specifier, parent) {
  try {
    if (/^(\\.{0,2}\\/|file:)/.test(specifier)) return new URL(specifier, parent).href;
    const path = module_.createRequire(parent).resolve(specifier);
    return path.startsWith('/') || path.includes('\\\\') ? pathToFileURL(path).href : undefined;
  } catch {
    return undefined;
  }
}

function sourceOf(href) {
  const url = new URL(href);
  const source = readFileSync(fileURLToPath(url), 'utf8');
  return /\\.m?ts$/.test(url.pathname) ? module_.stripTypeScriptTypes(source) : source;
}

const seen = new Set([workerData.href]);
for (const href of seen) {
  if (seen.size > 1000) break;
  if (/\\.(cjs|cts|json|node|wasm)$/.test(new URL(href).pathname)) continue;
  let source;
  try {
    source = sourceOf(href);
  } catch {
    continue;
  }
  try {
    const parsed = new SourceTextModule(source, { identifier: href });
    const specifiers = parsed.moduleRequests?.map(({ specifier }) => specifier) ?? parsed.dependencySpecifiers;
    for (const specifier of specifiers) {
      const imported = urlOf(specifier, href);
      if (imported !== undefined) seen.add(imported);
    }
  } catch (error) {
    if (error.message === workerData.message) {
      // Only a process that ends by the error says where it is.
      const { stderr } = spawnSync(process.execPath, ['--check', '--input-type=module', '-'], { input: source, env: {}, encoding: 'utf8' });
      parentPort.postMessage(stderr.replace('[stdin]', () => href));
      break;
    }
  }
}
`;
