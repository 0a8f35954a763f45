import { HandlerModuleError } from './handler-module-error.js';
import { importModule } from './import-module.js';
import { loadFailure } from './load-failure.js';
import { type HandlerModule, handlerModuleOf } from './module-exports.js';
import { forgetCommonJs, shownModule } from './module-url.js';

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
  let exports: object;
  try {
    exports = await within(importModule(href), limitMs, shown);
  } catch (cause) {
    throw cause instanceof HandlerModuleError ? cause : await loadFailure(cause, href);
  }
  return handlerModuleOf(exports, shown);
}

/**
 * Waits for a module to load, for at most `limitMs`. The timer also keeps the process alive: without it the process would end if
 * nothing else was pending.
 */
async function within(loading: Promise<object>, limitMs: number, shown: string): Promise<object> {
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
