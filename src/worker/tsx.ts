import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** An argument of Node, or its value, that names the loader of tsx. */
const LOADER = /(^|[/=])tsx(\/dist\/loader\.mjs|\/esm)?$/;

/** The arguments in the environment variable NODE_OPTIONS, without quotation marks. */
function fromEnvironment(): string[] {
  const { NODE_OPTIONS = '' } = process.env;
  return NODE_OPTIONS.split(/\s+/).map((argument) => argument.replaceAll('"', ''));
}

/**
 * Lets this thread load TypeScript as the main thread does, if the process runs under tsx. On Node 20 the loader that tsx puts
 * into `execArgv` works in the main thread only. Later versions of Node share it with all threads.
 */
export async function registerTsx(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) > 20) return;
  const loader = [...process.execArgv, ...fromEnvironment()].find((argument) => LOADER.test(argument));
  if (loader === undefined) return;
  const file = loader.replace(/^--import=/, '');
  // A bare name is resolved from the working directory, as Node does. The file that is found exports nothing of use here, but the
  // API lies beside it.
  const isFile = file.startsWith('file:') || file.startsWith('/');
  const found = isFile ? file : createRequire(join(process.cwd(), 'any')).resolve('tsx');
  const api = new URL('./esm/api/index.mjs', found.startsWith('file:') ? found : pathToFileURL(found)).href;
  const { register } = (await import(api)) as { readonly register: () => unknown };
  register();
}
