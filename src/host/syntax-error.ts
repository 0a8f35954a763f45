import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** The longest time to search the modules for the one with the error, in ms. */
const SEARCH_MS = 5000;

/**
 * Finds the place of a syntax error, such as `/path/chat.mjs:3:27`; undefined if it cannot be found. The engine writes the place
 * in front of the stack, but Node hides it from code that catches the error of an `import()`. Then the module and its imports are
 * parsed once more.
 * @param href the URL of the module that was imported.
 */
export async function placeOfSyntaxError(error: SyntaxError, href: string): Promise<string | undefined> {
  const noted = notedPlace(error.stack ?? '');
  if (noted !== undefined || !href.startsWith('file:')) return noted;
  const found = await search(href, error.message);
  return found === undefined ? undefined : notedPlace(found);
}

/**
 * Reads the place in front of a stack: `file:line`, then lines of source, and `^` below the column. At the end of a file there is
 * no `^`.
 */
function notedPlace(stack: string): string | undefined {
  const [first = '', source = '', ...lines] = stack.split('\n');
  const [, file, line] = /^((?:file:|\/|[A-Z]:\\).*):(\d+)$/.exec(first) ?? [];
  if (file === undefined) return undefined;
  const carets = lines.find((text) => /^\s*\^+\s*$/.test(text));
  const column = carets === undefined ? source.length : carets.indexOf('^');
  return `${file.startsWith('file:') ? fileURLToPath(file) : file}:${line}:${column + 1}`;
}

/**
 * What Node prints about the first syntax error with this message. The search runs in a thread, because a module can be parsed
 * without being run only with a flag of Node.
 */
async function search(href: string, message: string): Promise<string | undefined> {
  let worker: Worker;
  try {
    const execArgv = ['--experimental-vm-modules', '--no-warnings'];
    worker = new Worker(SEARCHER, { eval: true, execArgv, workerData: { href, message } });
  } catch {
    return undefined; // the place is only a help: the error itself is reported in any case
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

/** The program of the thread. It parses a module and all modules that it imports, and runs none of them. */
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
