import type { Handler } from '../connection/handler.js';
import { similarName } from '../options/similar-name.js';

/** The hooks of a handler: those of its connections, and `backplane`. */
export const HOOKS: readonly string[] = ['open', 'message', 'drain', 'close', 'backplane'] satisfies (keyof Handler)[];

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

/** Whether other libraries give this name to the hook that accepts or refuses connections. */
export function isUpgradeElsewhere(name: string): boolean {
  return ELSEWHERE.get(name.toLowerCase()) === 'upgrade';
}

/**
 * The name of a property of a handler that was meant to refuse clients and is never called, such as `verifyClient`; undefined if
 * there is none. The class of the handler may have other methods of its own.
 */
export function mistakenForUpgrade(handler: object): string | undefined {
  for (let at: object | null = handler; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyNames(at).find(isUpgradeElsewhere);
    if (found !== undefined) return found;
  }
  return undefined;
}
