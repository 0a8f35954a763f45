import { existsSync } from 'node:fs';

/** The package was put into a bundle, where it does not find its own files: its threads' module and its kernels. */
export class BundledError extends Error {
  readonly code = 'WSLOOM_BUNDLED';
  override readonly name = 'BundledError';

  constructor() {
    super(
      'wsloom was put into a bundle, where it does not find the files of its threads: keep the package external (esbuild --external:wsloom or --packages=external; other bundlers have the same)',
    );
  }
}

/**
 * Makes sure that this module is a file of the package, beside the others: `worker/worker.js`, looked for from within a bundle, may
 * be a file of the application.
 * @throws BundledError
 */
export function expectOwnFiles(): void {
  const here = (import.meta.url as string | undefined) ?? ''; // a bundle of CommonJS has none
  if (!here.endsWith('/primary/bundled-error.js')) throw new BundledError();
  const files = ['../worker/worker.js', '../kernels.wasm', '../monitor/page/page.html'].map(
    (file) => new URL(file, here),
  );
  if (!files.every((file) => existsSync(file))) throw new BundledError();
}
