/**
 * The errors with which imports of this thread have failed. Node keeps the modules that have failed, with their errors, for as long
 * as the thread lives.
 */
const failures = new Set<unknown>();

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
  const rejections = new SecondRejections();
  // A module that has never failed is not watched: it may take long to load, and a listener concerns the whole process.
  if (failures.size > 0) rejections.watch();
  try {
    const exports: object = await import(href);
    if (failures.size === 0) return exports;
    await new Promise((resolve) => setImmediate(resolve)); // Node looks for unhandled rejections at the end of a turn
    rejections.rethrow();
    return exports;
  } catch (error) {
    failures.add(error);
    rejections.watch();
    throw error;
  } finally {
    setImmediate(() => rejections.ignore());
  }
}

/** Catches the second rejections by failed modules of this thread. */
class SecondRejections {
  #caught: { readonly error: unknown } | undefined;
  readonly #listener = (error: unknown) => this.#onUnhandled(error);

  watch(): void {
    this.ignore();
    process.on('unhandledRejection', this.#listener);
  }

  ignore(): void {
    process.off('unhandledRejection', this.#listener);
  }

  /** @throws the error of the module, if there was a second rejection. */
  rethrow(): void {
    if (this.#caught !== undefined) throw this.#caught.error;
  }

  #onUnhandled(error: unknown): void {
    if (failures.has(error)) {
      this.#caught = { error };
      return;
    }
    if (process.listenerCount('unhandledRejection') > 1) return;
    // The rejection of another promise. Without this listener Node treats it as ever, and ends the process by default.
    setImmediate(() => {
      this.ignore();
      void Promise.reject(error);
    });
  }
}
