import { createRequire } from 'node:module';
import { BackplaneError } from './backplane-error.js';

const require = createRequire(import.meta.url);

/**
 * Makes sure that the package of an engine's client is installed, before anything is started that needs it.
 * @throws BackplaneError
 */
export function needPackage(engine: string, name: string): void {
  try {
    require.resolve(name);
  } catch {
    // Whatever is wrong with it, to install it is the remedy.
    throw new BackplaneError(
      `a backplane of ${engine} needs the package ${name}, which is not installed: npm install ${name}`,
    );
  }
}
