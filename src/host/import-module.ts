/**
 * The errors with which imports of this thread have failed. Node keeps the modules that have failed, with their errors, for as long
 * as the thread lives.
 */
const failures = new Set<unknown>();

/** An import during which second rejections are caught. */
interface WatchedImport {
  /** The error of a module that has failed before, if it was rejected once more. */
  caught: { readonly error: unknown } | undefined;
}

/** The imports of this thread that are watched. One listener serves them all, so that it can tell whether there are others. */
const watched = new Set<WatchedImport>();

/**
 * Imports a module, and repairs what Node does if an ES module imports a CommonJS module that throws while it is loaded.
 *
 * - Node then rejects two promises with the same error: the one of `import()`, and one of its own that nobody can handle. For the
 *   second one it would end the thread, and that may be the thread of a server which only tries to reload its handler.
 * - When another module imports the same CommonJS module later, Node rejects the second promise only. The `import()` succeeds,
 *   without what the CommonJS module should have exported.
 *
 * @param href the URL of the module.
 * @throws what the module throws, and also what a CommonJS module that it imports has thrown before.
 */
export async function importModule(href: string): Promise<object> {
  const self: WatchedImport = { caught: undefined };
  // While no module has failed, nothing is watched: a module may take long to load, and a listener concerns the whole process.
  if (failures.size > 0) watch(self);
  try {
    const exports: object = await import(href);
    if (failures.size === 0) return exports;
    await new Promise((resolve) => setImmediate(resolve)); // Node looks for unhandled rejections at the end of a turn
    if (self.caught !== undefined) throw self.caught.error;
    return exports;
  } catch (error) {
    failures.add(error);
    watch(self);
    throw error;
  } finally {
    setImmediate(() => unwatch(self));
  }
}

function watch(one: WatchedImport): void {
  if (watched.size === 0) process.on('unhandledRejection', onUnhandled);
  watched.add(one);
}

function unwatch(one: WatchedImport): void {
  if (watched.delete(one) && watched.size === 0) process.off('unhandledRejection', onUnhandled);
}

function onUnhandled(error: unknown): void {
  if (failures.has(error)) {
    for (const one of watched) one.caught ??= { error };
    return;
  }
  if (process.listenerCount('unhandledRejection') > 1) return;
  // The rejection of another promise. Without this listener Node treats it as ever, and ends the process by default.
  setImmediate(() => {
    for (const one of [...watched]) unwatch(one);
    void Promise.reject(error);
  });
}
