import { existsSync } from 'node:fs';

/**
 * A server was started by a copy of this package inside of a bundle. There the package does not find its own files: the module of
 * its threads, its kernels, its page. The package has to stay external.
 */
export class BundledError extends Error {
  /** The same for every error of this class. */
  readonly code = 'WSLOOM_BUNDLED';
  override readonly name = 'BundledError';

  constructor() {
    super(
      'wsloom was put into a bundle, where it does not find the files of its threads: keep the package external (esbuild --external:wsloom or --packages=external; other bundlers have the same)',
    );
  }
}

/**
 * Checks that this module is a file of the package, with the other files beside it. To look for those files is not enough,
 * because beside a bundle `worker/worker.js` may be a file of the application.
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
