import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Handler } from '../connection/handler.js';
import { HandlerModuleError } from './handler-module-error.js';
import { findUpgrade, HOOKS, hookHint } from './hook-names.js';
import type { Upgrade } from './upgrade.js';

export { HandlerModuleError };

/** What a handler module exports. */
export interface HandlerModule {
  readonly handler: Handler;
  readonly upgrade: Upgrade | undefined;
}

/**
 * Imports a handler module into this thread.
 * @param href its URL.
 * @throws HandlerModuleError if it is not there, does not load, or does not export a handler.
 */
export async function loadHandlerModule(href: string): Promise<HandlerModule> {
  const shown = href.startsWith('file:') ? fileURLToPath(href) : href;
  if (href.startsWith('file:') && !existsSync(new URL(href))) {
    throw new HandlerModuleError(`there is no handler module ${shown}`);
  }
  let exports: { readonly default?: unknown; readonly upgrade?: unknown };
  try {
    exports = await import(href);
  } catch (cause) {
    const why = cause instanceof Error ? (isLoaderError(cause) ? cause.message : cause.stack) : String(cause);
    throw new HandlerModuleError(`the handler module ${shown} does not load: ${why}`, { cause });
  }
  const handler = checkHandler(exports.default, shown);
  return { handler, upgrade: findUpgrade(exports, handler, shown) };
}

/** Whether the module could not even be found or read: a stack would show nothing of the user's. */
function isLoaderError(error: NodeJS.ErrnoException): boolean {
  return error.code?.startsWith('ERR_') === true;
}

function checkHandler(handler: unknown, shown: string): Handler {
  if (typeof handler !== 'object' || handler === null) {
    throw new HandlerModuleError(
      `the handler module ${shown} must have a default export: defineHandler({ message(connection, message) { … } })`,
    );
  }
  for (const name of Object.keys(handler)) {
    if (HOOKS.includes(name) || name === 'upgrade') continue;
    throw new HandlerModuleError(
      `the handler of ${shown} has a hook '${name}'; there are ${HOOKS.join(', ')}${hookHint(name)}`,
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
