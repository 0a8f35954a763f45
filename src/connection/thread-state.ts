/**
 * What modules of this package keep for their thread, beside what they are passed. There are two such things, and no others: code
 * that an application calls from anywhere (`publish` in a timer, `send` after an `await`) has nothing to say which server it is for.
 */

/** A turn, as far as others have to tell it from another: see `Turn`. */
export type AnyTurn = object;

interface ThreadState {
  /** The turn that this thread is in, if it is in one. Several servers may share a thread, each with turns of its own. */
  runningTurn: AnyTurn | undefined;
}

export const threadState: ThreadState = { runningTurn: undefined };

const REGISTRY = Symbol.for('wsloom.publishers');

/**
 * What publishes in this thread, by the server that it belongs to. It is on `globalThis`, so that all copies of this package share it:
 * the server may be one of a global installation, and the handler import a local one.
 */
export function publishersOfThread<Publisher>(): Map<object | string, Publisher> {
  const known = Reflect.get(globalThis, REGISTRY) as Map<object | string, Publisher> | undefined;
  if (known !== undefined) return known;
  const made = new Map<object | string, Publisher>();
  Reflect.set(globalThis, REGISTRY, made);
  return made;
}
