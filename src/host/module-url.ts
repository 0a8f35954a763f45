import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The query parameter by which the URL of a reload differs from the URL before: Node loads each URL only once. */
const RELOAD = 'wsloom-reload';

/** The URL that loads a module again. */
export function reloadedModule(href: string, reloads: number): string {
  if (reloads === 0) return href;
  const url = new URL(href);
  url.searchParams.set(RELOAD, String(reloads));
  return url.href;
}

/** Turns the URL of a module into the path by which its author knows it. A path has no parameters, such as that of a reload. */
export function shownModule(href: string): string {
  return href.startsWith('file:') ? fileURLToPath(href) : href;
}

/** Whether a module is one of those that come with this package. */
export function comesWithPackage(href: string): boolean {
  return href.startsWith(new URL('..', import.meta.url).href);
}

/**
 * Before a reload, removes a CommonJS module from Node's cache. The cache goes by the path, so another URL alone does not load
 * the module again.
 */
export function forgetCommonJs(href: string): void {
  if (!href.startsWith('file:') || !new URL(href).searchParams.has(RELOAD)) return;
  const path = shownModule(href);
  const { cache } = createRequire(href);
  try {
    delete cache[realpathSync(path)];
  } catch {
    delete cache[path]; // the file does not exist: a loader may map its path to another file
  }
}
