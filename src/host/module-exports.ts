import type { Handler } from '../connection/handler.js';
import { isPromise } from '../connection/is-promise.js';
import { similarName } from '../options/similar-name.js';
import { HandlerModuleError } from './handler-module-error.js';
import { HOOKS, hookHint, isUpgradeElsewhere, mistakenForUpgrade } from './hook-names.js';
import type { Upgrade } from './upgrade-hook.js';

/** What a handler module exports, or an object of the program that stands for one. */
export interface HandlerModule {
  readonly handler: Handler;
  readonly upgrade: Upgrade | undefined;
}

/** The exports of a module, as `import()` gives them. */
interface Exports {
  readonly default?: unknown;
  readonly upgrade?: unknown;
}

/**
 * Finds the handler and the hook `upgrade` among the exports of a module, and checks them.
 * @param exports what `import()` gave.
 * @param shown the path of the module, for messages.
 * @throws HandlerModuleError if the module exports no handler, has two different hooks `upgrade`, if a hook is no function, or if
 * an export or a property looks like a hook and is never called. That one may have been meant to refuse clients, and would let
 * everybody in.
 */
export function handlerModuleOf(exports: object, shown: string): HandlerModule {
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

function checkHandler(handler: unknown, shown: string): Handler {
  if (!isObject(handler) || Array.isArray(handler)) {
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
  for (const name of HOOKS) checkHook(Reflect.get(handler, name), `hook '${name}'`, where); // maybe inherited
  return handler;
}

/** @throws HandlerModuleError if there is a hook and it is no function. */
function checkHook(hook: unknown, name: string, shown: string): void {
  if (typeof hook === 'function' || hook === undefined) return;
  const found = hook === null ? 'null' : typeof hook;
  throw new HandlerModuleError(`the ${name} of ${shown} must be a function, got ${found}`);
}

/** The hook `upgrade`, which accepts or refuses connections: an export, or a property of the default export. */
function findUpgrade(exports: Exports, handler: object, shown: string): Upgrade | undefined {
  const outer = exports.upgrade;
  const inner: unknown = Reflect.get(handler, 'upgrade'); // maybe inherited
  checkHook(outer, "export 'upgrade'", shown);
  checkHook(inner, "hook 'upgrade'", shown);
  if (outer !== undefined && inner !== undefined && outer !== inner) {
    throw new HandlerModuleError(
      `${shown} has two hooks 'upgrade', an export and one inside of the default export: only one can decide`,
    );
  }
  checkOtherExports(exports, handler, outer !== undefined || inner !== undefined, shown);
  return (typeof inner === 'function' ? inner.bind(handler) : outer) as Upgrade | undefined;
}

/** Refuses exports beside the default one that look like hooks: nobody would call them. */
function checkOtherExports(exports: Exports, handler: object, hasUpgrade: boolean, shown: string): void {
  for (const name of Object.keys(exports)) {
    if (name === 'default' || name === 'upgrade') continue;
    const isFunction = typeof Reflect.get(exports, name) === 'function';
    if (HOOKS.includes(name)) {
      // The properties of `module.exports` of a CommonJS module appear as exports too.
      if (!isFunction || Reflect.get(handler, name) !== undefined) continue;
      throw new HandlerModuleError(
        `the export '${name}' of ${shown} is not called: put it into the default export, defineHandler({ ${name}(…) { … } })`,
      );
    }
    const isSimilar = isFunction && !hasUpgrade && similarName(name, ['upgrade']) !== undefined;
    if (!isUpgradeElsewhere(name) && !isSimilar) continue;
    throw new HandlerModuleError(
      `the export '${name}' of ${shown} is not called: connections are accepted or refused by the export 'upgrade'`,
    );
  }
}
