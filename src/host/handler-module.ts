import { existsSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Handler } from '../connection/handler.js';
import { isPromise } from '../connection/is-promise.js';
import { errorText } from '../telemetry/error-text.js';
import { HandlerModuleError } from './handler-module-error.js';
import { findUpgrade, HOOKS, hookHint, mistakenForUpgrade } from './hook-names.js';
import { placeOfSyntaxError } from './syntax-error.js';
import type { Upgrade } from './upgrade-hook.js';

export { HandlerModuleError };

/** What a handler module exports, or an object of the program that stands for one. */
export interface HandlerModule {
  readonly handler: Handler;
  readonly upgrade: Upgrade | undefined;
}

/** How a handler module is loaded. */
export interface Loading {
  /** The longest time that the module may take to load, in ms. Without it, a top-level await could wait for ever. */
  readonly limitMs: number;
}

/**
 * Imports a handler module into this thread. It is an ES module, or a CommonJS module as Node or a compiler writes it.
 * @param href the URL of the module.
 * @throws HandlerModuleError if the module is missing, does not load, takes too long, or exports no handler.
 */
export async function loadHandlerModule(href: string, { limitMs }: Loading): Promise<HandlerModule> {
  const shown = shownModule(href);
  forgetCommonJs(href);
  let exports: Exports;
  try {
    exports = await within(import(href), limitMs, shown);
  } catch (cause) {
    if (cause instanceof HandlerModuleError) throw cause;
    if (isMissing(cause, href)) {
      const hint = /[\\/](echo|broadcast)$/.test(shown) ? ': echo and broadcast are for the command line only' : '';
      throw new HandlerModuleError(`there is no handler module ${shown}${hint}`, { cause });
    }
    if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_UNSUPPORTED_DIR_IMPORT' && isFolder(href)) {
      throw new HandlerModuleError(`the handler module ${shown} is a folder: name a file in it`, { cause });
    }
    const why = await reason(cause, href);
    throw new HandlerModuleError(`the handler module ${shown} does not load: ${why}`, { cause });
  }
  const named = namedExports(exports);
  const handler = checkHandler(named.default, shown);
  return { handler, upgrade: findUpgrade(named, handler, shown) };
}

/**
 * Reads a handler that is an object of the program instead of a module: then its hooks see the variables of the program.
 * @throws HandlerModuleError if it is no handler.
 */
export function handlerOfProgram(handler: object): HandlerModule {
  const checked = checkHooks(handler, { owner: 'the handler', where: 'the handler', remedy: 'await it' });
  return { handler: checked, upgrade: findUpgrade({}, checked, 'the handler') };
}

/** Turns the URL of a module into the path by which its author knows it. */
export function shownModule(href: string): string {
  if (!href.startsWith('file:')) return href;
  const url = new URL(href);
  url.searchParams.delete(RELOAD);
  return fileURLToPath(url);
}

/** The URL that loads a module again. Node loads each URL only once. */
export function reloadedModule(href: string, reloads: number): string {
  if (reloads === 0) return href;
  const url = new URL(href);
  url.searchParams.set(RELOAD, String(reloads));
  return url.href;
}

/** The query parameter by which the URL of a reload differs from the URL before. */
const RELOAD = 'wsloom-reload';

/**
 * Before a reload, removes a CommonJS module from Node's cache. The cache goes by the path, so another URL alone does not load
 * the module again.
 */
function forgetCommonJs(href: string): void {
  if (!href.startsWith('file:') || !new URL(href).searchParams.has(RELOAD)) return;
  const path = shownModule(href);
  const { cache } = createRequire(href);
  try {
    delete cache[realpathSync(path)];
  } catch {
    delete cache[path]; // the file does not exist: a loader may map its path to another file
  }
}

/**
 * Waits for a module to load, for at most `limitMs`. The timer also keeps the process alive: without it the process would end if
 * nothing else was pending.
 */
async function within(loading: Promise<Exports>, limitMs: number, shown: string): Promise<Exports> {
  let timer: NodeJS.Timeout | undefined;
  const isLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const what = `the handler module ${shown} did not load within ${limitMs / 1000} s`;
      reject(new HandlerModuleError(`${what}: a top-level await in it, or in what it imports, has not settled`));
    }, limitMs);
  });
  try {
    return await Promise.race([loading, isLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** The exports of a module, as `import()` gives them. */
interface Exports {
  readonly default?: unknown;
  readonly upgrade?: unknown;
}

/**
 * The exports as the author of the module wrote them. Node gives `module.exports` of a CommonJS module as the default export. A
 * compiler that emits CommonJS puts all exports of its source, the default one too, into properties of `module.exports`, and
 * marks it with `__esModule`.
 */
function namedExports(exports: Exports): Exports {
  const outer = exports.default;
  if (!isObject(outer) || Reflect.get(outer, '__esModule') !== true) return exports;
  // An ES module may export such an object and, beside it, a hook `upgrade` of its own, which must not be lost.
  if (exports.upgrade !== undefined && exports.upgrade !== Reflect.get(outer, 'upgrade')) return exports;
  return { ...exports, ...outer, default: Reflect.get(outer, 'default'), upgrade: Reflect.get(outer, 'upgrade') };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Whether the error says that this module is missing, and not a module that it imports. */
function isMissing(error: unknown, href: string): boolean {
  if (!(error instanceof Error) || !href.startsWith('file:')) return false;
  return (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' && !existsSync(shownModule(href));
}

function isFolder(href: string): boolean {
  return href.startsWith('file:') && statSync(new URL(href), { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Says why a module did not load, in words that help its author. */
async function reason(cause: unknown, href: string): Promise<string> {
  if (!(cause instanceof Error)) return errorText(cause);
  if (cause instanceof SyntaxError) {
    const place = await placeOfSyntaxError(cause, href);
    if (place !== undefined) return `${place}: ${cause.name}: ${cause.message}`;
  }
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[mc]?tsx?\b/.test(cause.message))
    return `${cause.message}. ${TYPESCRIPT}`;
  // The stack of an error of Node's loader shows no code of the user.
  return code?.startsWith('ERR_') === true ? cause.message : (cause.stack ?? cause.message);
}

const TYPESCRIPT = `Node ${process.versions.node} does not run TypeScript by itself, Node 22.18 and later do (22.6 with \
--experimental-strip-types). Compile it to JavaScript, or start Node with --import tsx`;

function checkHandler(handler: unknown, shown: string): Handler {
  if (typeof handler !== 'object' || handler === null || Array.isArray(handler)) {
    throw new HandlerModuleError(
      `the handler module ${shown} must have a default export: defineHandler({ message(connection, message) { … } })`,
    );
  }
  const remedy = 'await it in the module, export default await …';
  return checkHooks(handler, { owner: `the default export of ${shown}`, where: shown, remedy });
}

/** How the object of hooks is called in messages. */
interface HandlerNames {
  readonly owner: string;
  readonly where: string;
  /** What to do if it is a promise. */
  readonly remedy: string;
}

function checkHooks(handler: object, { owner, where, remedy }: HandlerNames): Handler {
  if (isPromise(handler)) throw new HandlerModuleError(`${owner} is a promise, and must be a handler: ${remedy}`);
  const mistaken = mistakenForUpgrade(handler);
  const unknown = Object.keys(handler).filter((name) => !HOOKS.includes(name) && name !== 'upgrade');
  for (const name of mistaken === undefined ? unknown : [mistaken]) {
    throw new HandlerModuleError(
      `${owner} has a property '${name}' that is no hook; hooks are ${HOOKS.join(', ')} and upgrade${hookHint(name)}`,
    );
  }
  for (const name of HOOKS) {
    const hook: unknown = Reflect.get(handler, name); // maybe inherited
    if (typeof hook === 'function' || hook === undefined) continue;
    const found = hook === null ? 'null' : typeof hook;
    throw new HandlerModuleError(`the hook '${name}' of ${where} must be a function, got ${found}`);
  }
  return handler;
}
