import type { Handler } from '../connection/handler.js';
import { similarName } from '../options/similar-name.js';
import { HandlerModuleError } from './handler-module-error.js';
import type { Upgrade } from './upgrade-hook.js';

/** The hooks of a handler's connections. */
export const HOOKS: readonly string[] = ['open', 'message', 'drain', 'close'] satisfies (keyof Handler)[];

/** Names that other libraries give to hooks, in lower case, and the hooks of this package with the same purpose. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['verifyclient', 'upgrade'],
  ['shouldhandle', 'upgrade'],
  ['handleprotocols', 'upgrade'],
  ['allowrequest', 'upgrade'],
  ['beforeupgrade', 'upgrade'],
  ['onupgrade', 'upgrade'],
  ['onopen', 'open'],
  ['connection', 'open'],
  ['onconnection', 'open'],
  ['onconnect', 'open'],
  ['onmessage', 'message'],
  ['ondrain', 'drain'],
  ['onclose', 'close'],
  ['disconnect', 'close'],
]);

/** Suggests the hook that may be meant by a name in a handler that is no hook; '' if none is similar. */
export function hookHint(name: string): string {
  const meant = ELSEWHERE.get(name.toLowerCase()) ?? similarName(name, [...HOOKS, 'upgrade']);
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}

/**
 * The name of a property of a handler that was meant to refuse clients and is never called, such as `verifyClient`; undefined if
 * there is none. The class of the handler may have other methods of its own.
 */
export function mistakenForUpgrade(handler: object): string | undefined {
  for (let at: object | null = handler; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyNames(at).find((name) => ELSEWHERE.get(name.toLowerCase()) === 'upgrade');
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Finds the hook `upgrade` of a handler module, which accepts or refuses connections: an export, or a property of the default
 * export.
 *
 * @param handler the default export, which is an object.
 * @param shown the path of the module, for messages.
 * @returns undefined if the module has none.
 * @throws HandlerModuleError if the module has two different hooks `upgrade`, if one is no function, or if an export looks like a
 * hook and is never called. Such an export may have been meant to refuse clients, and would let everybody in.
 */
export function findUpgrade(exports: object, handler: object, shown: string): Upgrade | undefined {
  const outer: unknown = Reflect.get(exports, 'upgrade');
  const inner: unknown = Reflect.get(handler, 'upgrade'); // maybe inherited
  for (const [where, hook] of [
    ['export', outer],
    ['hook', inner],
  ] as const) {
    if (hook === undefined || typeof hook === 'function') continue;
    const found = hook === null ? 'null' : typeof hook;
    throw new HandlerModuleError(`the ${where} 'upgrade' of ${shown} must be a function, got ${found}`);
  }
  if (outer !== undefined && inner !== undefined && outer !== inner) {
    throw new HandlerModuleError(
      `${shown} has two hooks 'upgrade', an export and one inside of the default export: only one can decide`,
    );
  }
  checkExports(exports, handler, outer !== undefined || inner !== undefined, shown);
  return (typeof inner === 'function' ? inner.bind(handler) : outer) as Upgrade | undefined;
}

function checkExports(exports: object, handler: object, hasUpgrade: boolean, shown: string): void {
  for (const name of Object.keys(exports)) {
    if (name === 'default' || name === 'upgrade') continue;
    if (HOOKS.includes(name)) {
      // The properties of `module.exports` of a CommonJS module appear as exports too.
      if (typeof Reflect.get(exports, name) !== 'function' || Reflect.get(handler, name) !== undefined) continue;
      throw new HandlerModuleError(
        `the export '${name}' of ${shown} is not called: put it into the default export, defineHandler({ ${name}(…) { … } })`,
      );
    }
    const isFunction = typeof Reflect.get(exports, name) === 'function';
    const isMistaken =
      ELSEWHERE.get(name.toLowerCase()) === 'upgrade' ||
      (isFunction && !hasUpgrade && similarName(name, ['upgrade']) !== undefined);
    if (!isMistaken) continue;
    throw new HandlerModuleError(
      `the export '${name}' of ${shown} is not called: connections are accepted or refused by the export 'upgrade'`,
    );
  }
}
