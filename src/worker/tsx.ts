import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Lets this thread load TypeScript as the main thread does, when the process runs under tsx. On Node 20, the loader that tsx
 * puts into `execArgv` does something in the main thread only; later versions of Node share what was registered there.
 */
export async function registerTsx(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) > 20) return;
  const loader = process.execArgv.find((argument) => /(^|[/=])tsx(\/dist\/loader\.mjs|\/esm)?$/.test(argument));
  if (loader === undefined) return;
  const file = loader.replace(/^--import=/, '');
  // By its name, the loader is found from where Node found it. What it exports for `require` would not do.
  const isFile = file.startsWith('file:') || file.startsWith('/');
  const found = isFile ? file : createRequire(join(process.cwd(), 'any')).resolve('tsx');
  const api = new URL('./esm/api/index.mjs', found.startsWith('file:') ? found : pathToFileURL(found)).href;
  const { register } = (await import(api)) as { readonly register: () => unknown };
  register();
}
