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

/** What a handler module exports. */
export interface HandlerModule {
  readonly handler: Handler;
  readonly upgrade: Upgrade | undefined;
}

/** How a handler module is loaded. */
export interface Loading {
  /** The longest time that the module may take, in ms: its top-level await may never settle. */
  readonly limitMs: number;
}

/**
 * Imports a handler module into this thread: an ES module, or a CommonJS module in whatever form compilers emit it.
 * @param href its URL.
 * @throws HandlerModuleError if it is not there, does not load in time, or does not export a handler.
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

/** A module's URL as its author knows it: as a path. */
export function shownModule(href: string): string {
  if (!href.startsWith('file:')) return href;
  const url = new URL(href);
  url.searchParams.delete(RELOAD);
  return fileURLToPath(url);
}

/** The URL by which a module is loaded again. */
export function reloadedModule(href: string, reloads: number): string {
  if (reloads === 0) return href;
  const url = new URL(href);
  url.searchParams.set(RELOAD, String(reloads));
  return url.href;
}

/** What is added to the URL of a module that is loaded again: by the same URL it would not be. */
const RELOAD = 'wsloom-reload';

/** CommonJS modules are kept by their path, so that another URL does not load them again. */
function forgetCommonJs(href: string): void {
  if (!href.startsWith('file:') || !new URL(href).searchParams.has(RELOAD)) return;
  const path = shownModule(href);
  const { cache } = createRequire(href);
  try {
    delete cache[realpathSync(path)];
  } catch {
    delete cache[path]; // there is no such file: a loader may find another one for it
  }
}

/** Gives a module so long to load. The timer keeps the process alive, which would end where nothing else is waited for. */
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

/** What `import()` shows of a module. */
interface Exports {
  readonly default?: unknown;
  readonly upgrade?: unknown;
}

/**
 * The exports as their author wrote them. `module.exports` is the default export of a CommonJS module; compilers put the exports
 * of their source into its properties, the default one too, and mark it with `__esModule`.
 */
function namedExports(exports: Exports): Exports {
  const outer = exports.default;
  if (!isObject(outer) || Reflect.get(outer, '__esModule') !== true) return exports;
  // An ES module may export such an object, and a hook of its own beside it, which must not be lost.
  if (exports.upgrade !== undefined && exports.upgrade !== Reflect.get(outer, 'upgrade')) return exports;
  return { ...exports, ...outer, default: Reflect.get(outer, 'default'), upgrade: Reflect.get(outer, 'upgrade') };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Whether it was this module that could not be found, and not another one that it imports. */
function isMissing(error: unknown, href: string): boolean {
  if (!(error instanceof Error) || !href.startsWith('file:')) return false;
  return (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' && !existsSync(shownModule(href));
}

function isFolder(href: string): boolean {
  return href.startsWith('file:') && statSync(new URL(href), { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Why a module did not load, as the author of the module can use it. */
async function reason(cause: unknown, href: string): Promise<string> {
  if (!(cause instanceof Error)) return errorText(cause);
  if (cause instanceof SyntaxError) {
    const place = await placeOfSyntaxError(cause, href);
    if (place !== undefined) return `${place}: ${cause.name}: ${cause.message}`;
  }
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[mc]?tsx?\b/.test(cause.message))
    return `${cause.message}. ${TYPESCRIPT}`;
  // Of a module that could not be found or read, a stack would show nothing of the user's.
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
  if (isPromise(handler)) {
    throw new HandlerModuleError(
      `the default export of ${shown} is a promise, and must be a handler: await it in the module, export default await …`,
    );
  }
  const mistaken = mistakenForUpgrade(handler);
  const unknown = Object.keys(handler).filter((name) => !HOOKS.includes(name) && name !== 'upgrade');
  for (const name of mistaken === undefined ? unknown : [mistaken]) {
    throw new HandlerModuleError(
      `the default export of ${shown} has a property '${name}' that is no hook; hooks are ${HOOKS.join(', ')} and upgrade${hookHint(name)}`,
    );
  }
  for (const name of HOOKS) {
    const hook: unknown = Reflect.get(handler, name); // maybe inherited
    if (typeof hook === 'function' || hook === undefined) continue;
    const found = hook === null ? 'null' : typeof hook;
    throw new HandlerModuleError(`the hook '${name}' of ${shown} must be a function, got ${found}`);
  }
  return handler;
}
