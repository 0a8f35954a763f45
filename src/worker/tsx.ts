import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** An argument of Node, or the value of one, that names the loader. */
const LOADER = /(^|[/=])tsx(\/dist\/loader\.mjs|\/esm)?$/;

/** What Node was told besides by its environment, without quotation marks. */
function fromEnvironment(): string[] {
  const { NODE_OPTIONS = '' } = process.env;
  return NODE_OPTIONS.split(/\s+/).map((argument) => argument.replaceAll('"', ''));
}

/**
 * Lets this thread load TypeScript as the main thread does, when the process runs under tsx. On Node 20, the loader that tsx
 * puts into `execArgv` does something in the main thread only; later versions of Node share what was registered there.
 */
export async function registerTsx(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) > 20) return;
  const loader = [...process.execArgv, ...fromEnvironment()].find((argument) => LOADER.test(argument));
  if (loader === undefined) return;
  const file = loader.replace(/^--import=/, '');
  // By its name, the loader is found from where Node found it. What it exports for `require` would not do.
  const isFile = file.startsWith('file:') || file.startsWith('/');
  const found = isFile ? file : createRequire(join(process.cwd(), 'any')).resolve('tsx');
  const api = new URL('./esm/api/index.mjs', found.startsWith('file:') ? found : pathToFileURL(found)).href;
  const { register } = (await import(api)) as { readonly register: () => unknown };
  register();
}
